BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('2.0');
CREATE TABLE durations (
    hour BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    workflow_name TEXT NOT NULL,
    workflow_version TEXT NOT NULL,
    name TEXT NOT NULL,
    slowest TEXT NOT NULL,
    buckets TEXT NOT NULL
);
INSERT INTO "durations" VALUES(498915,0,9322850,2,'invoice','3','load','01a22fb3-46c9-7b87-93db-c92dae94022e','[811,1]');
INSERT INTO "durations" VALUES(498915,0,54943,3,'invoice','3','orders.get','01a22fb3-46c9-7b87-93db-c92dae94022e','[552,1]');
INSERT INTO "durations" VALUES(498915,1,26580,2,'invoice','4','charge','01a22fb3-46d3-72d5-8c6e-014274947de6','[515,1]');
INSERT INTO "durations" VALUES(498915,0,35075,3,'mail.send','','mail.send','01a22fb3-46e0-72dc-a8f1-f5e79cfa2806','[529,1]');
CREATE TABLE durations_kept (
    hour BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    workflow_name TEXT NOT NULL,
    workflow_version TEXT NOT NULL,
    name TEXT NOT NULL,
    slowest TEXT NOT NULL,
    buckets TEXT NOT NULL
);
CREATE TABLE executions (
    started_ns BIGINT NOT NULL,
    who_span_id BIGINT NOT NULL,
    who_tie BIGINT NOT NULL,
    resource_id BIGINT NOT NULL,
    state_started_ns BIGINT NOT NULL,
    state_span_id BIGINT NOT NULL,
    state_tie BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    spans BIGINT NOT NULL,
    steps BIGINT NOT NULL,
    tool_calls BIGINT NOT NULL,
    retries BIGINT NOT NULL,
    waiting_ns BIGINT NOT NULL,
    who_ended_ns BIGINT,
    ended_ns BIGINT,
    duration_ns BIGINT,
    lease_id BIGINT,
    metadata_started_ns BIGINT,
    metadata_span_id BIGINT,
    metadata_ended_ns BIGINT,
    metadata_tie BIGINT,
    variant BIGINT,
    max_repeat BIGINT,
    who_rank SMALLINT NOT NULL,
    state_rank SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    flags SMALLINT NOT NULL,
    execution_id BLOB NOT NULL,
    trace_id BLOB NOT NULL,
    covered_by BLOB,
    execution_type TEXT,
    workflow_name TEXT,
    workflow_version TEXT,
    caller_id TEXT,
    parent_execution_id TEXT,
    error_code TEXT,
    error_category TEXT,
    CONSTRAINT executions_key PRIMARY KEY (execution_id)
)
 WITHOUT ROWID;
INSERT INTO "executions" VALUES(1796096607945774011,1721610709316022383,6822981811600861485,-8434950201910591404,1796096607945774011,1721610709316022383,6822981811600861485,1,3,1,1,0,0,1796096607955934572,1796096607955934572,10160561,4126823265441119918,1796096607945774011,1721610709316022383,1796096607955934572,7664395634672143683,5459736795852784730,1,6,6,2,5,X'01A22FB346C97B8793DBC92DAE94022E',X'353C55EA4F3ED85DBCAF9E5CFE7E1F75',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796096607956003227,224045457456748780,6168501887843058978,-8434950201910591404,1796096607956003227,224045457456748780,6168501887843058978,1,2,1,0,0,0,1796096607968018615,1796096607968018615,12015388,4126823265441119918,NULL,NULL,NULL,NULL,5697464165184044326,0,6,6,3,4,X'01A22FB346D372D58C6E014274947DE6',X'8B299EF9532696ABE2DE9F3BFECE6584',NULL,'workflow','invoice','4','cron',NULL,'timeout','transient');
INSERT INTO "executions" VALUES(1796096607968502032,-2121277808078326468,6671314534443425080,-8434950201910591404,1796096607968502032,-2121277808078326468,6671314534443425080,1,2,0,1,0,0,1796096607968537107,1796096607968537107,35075,4126823265441119918,NULL,NULL,NULL,NULL,483607959799743066,1,6,6,2,5,X'01A22FB346E072DCA8F1F5E79CFA2806',X'85C28AE3F60779BD881E97AD39DF3189',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796096607968265476,-8994537962082706821,6596452909868984021,-8434950201910591404,1796096607968265476,-8994537962082706821,6596452909868984021,1,2,1,0,0,0,1796096607968403853,1796096607968403853,138377,4126823265441119918,NULL,NULL,NULL,NULL,-5294973465737586821,0,6,6,4,4,X'FF63616E63656C6C6564',X'E63DC3BC83FF422C640F3C03DAF47345',NULL,'workflow','import',NULL,NULL,NULL,'cancelled','cancelled');
INSERT INTO "executions" VALUES(1796096607968639059,2128955735388382199,6119965122178285245,-8434950201910591404,1796096607968639059,2128955735388382199,6119965122178285245,1,1,0,0,0,0,NULL,NULL,NULL,4126823265441119918,NULL,NULL,NULL,NULL,NULL,NULL,6,6,1,4,X'FF696E746572727570746564',X'241A0F3E13A429EBF4BA3D6CF83773E5',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE leases (
    lease_id BIGINT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    boot_id TEXT NOT NULL,
    process_started TEXT NOT NULL,
    heartbeat_ns BIGINT NOT NULL,
    closed_ns BIGINT,
    account TEXT,
    CONSTRAINT leases_key PRIMARY KEY (lease_id)
);
INSERT INTO "leases" VALUES(4126823265441119918,'host',1,'boot','1',1796096607975074838,1796096607975076476,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{},"replayed":0,"replaced":2,"refused":0}');
CREATE TABLE meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT meta_key PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('conventions','1');
CREATE TABLE resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
INSERT INTO "resources" VALUES(-8434950201910591404,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"857480c7-900a-4db8-94f5-6bd30498553a","service.name":"golden"}');
CREATE TABLE spans (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    resource_id BIGINT NOT NULL,
    ended_ns BIGINT,
    parent_span_id BIGINT,
    sequence BIGINT,
    lease_id BIGINT,
    call_hash BIGINT,
    attempt BIGINT,
    kind SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    trace_id BLOB NOT NULL,
    execution_id BLOB NOT NULL,
    name TEXT,
    execution_type TEXT,
    workflow_name TEXT,
    workflow_version TEXT,
    caller_id TEXT,
    parent_execution_id TEXT,
    step_id TEXT,
    step_kind TEXT,
    tool_name TEXT,
    error_code TEXT,
    error_category TEXT,
    scope TEXT,
    document TEXT,
    payload TEXT,
    CONSTRAINT spans_key PRIMARY KEY (execution_id, started_ns, span_id)
);
INSERT INTO "spans" VALUES(1796096607946606392,3758621131762866537,-8434950201910591404,1796096607946661335,-1836717190581328353,2,4126823265441119918,4456507474623323425,NULL,3,2,X'353C55EA4F3ED85DBCAF9E5CFE7E1F75',X'01A22FB346C97B8793DBC92DAE94022E',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,'orders.get',NULL,NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1796096607946567981,-1836717190581328353,-8434950201910591404,1796096607955890831,1721610709316022383,1,4126823265441119918,NULL,1,2,2,X'353C55EA4F3ED85DBCAF9E5CFE7E1F75',X'01A22FB346C97B8793DBC92DAE94022E',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1796096607945774011,1721610709316022383,-8434950201910591404,1796096607955934572,NULL,0,4126823265441119918,NULL,NULL,1,2,X'353C55EA4F3ED85DBCAF9E5CFE7E1F75',X'01A22FB346C97B8793DBC92DAE94022E',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"a":{"otel_telemetry.path_hash":-134144921944134211},"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1796096607956050779,-2751739310939982448,-8434950201910591404,1796096607956077359,224045457456748780,1,4126823265441119918,NULL,1,2,3,X'8B299EF9532696ABE2DE9F3BFECE6584',X'01A22FB346D372D58C6E014274947DE6',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1796096607956077359,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796096607956003227,224045457456748780,-8434950201910591404,1796096607968018615,NULL,0,4126823265441119918,NULL,NULL,1,3,X'8B299EF9532696ABE2DE9F3BFECE6584',X'01A22FB346D372D58C6E014274947DE6',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError","otel_telemetry.path_hash":-8020992144800677459},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796096607968639059,2128955735388382199,-8434950201910591404,NULL,NULL,0,4126823265441119918,NULL,NULL,1,1,X'241A0F3E13A429EBF4BA3D6CF83773E5',X'FF696E746572727570746564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1796096607968265476,-8994537962082706821,-8434950201910591404,1796096607968403853,NULL,0,4126823265441119918,NULL,NULL,1,4,X'E63DC3BC83FF422C640F3C03DAF47345',X'FF63616E63656C6C6564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled',NULL,'{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled","otel_telemetry.path_hash":-544229284399449935},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1796096607968338238,439980510080175146,-8434950201910591404,1796096607968379607,-8994537962082706821,1,4126823265441119918,NULL,1,2,5,X'E63DC3BC83FF422C640F3C03DAF47345',X'FF63616E63656C6C6564',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1796096607968502032,3078773202151785055,-8434950201910591404,1796096607968537107,-2121277808078326468,1,4126823265441119918,-299774057371746278,NULL,3,2,X'85C28AE3F60779BD881E97AD39DF3189',X'01A22FB346E072DCA8F1F5E79CFA2806',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1796096607968502032,-2121277808078326468,-8434950201910591404,1796096607968537107,NULL,0,4126823265441119918,NULL,NULL,1,2,X'85C28AE3F60779BD881E97AD39DF3189',X'01A22FB346E072DCA8F1F5E79CFA2806',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE terms (
    term BIGINT NOT NULL,
    started_ns BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    CONSTRAINT terms_key PRIMARY KEY (term, started_ns, execution_id)
)
 WITHOUT ROWID;
INSERT INTO "terms" VALUES(-7942511357215798881,1796096607945774011,X'01A22FB346C97B8793DBC92DAE94022E');
INSERT INTO "terms" VALUES(-5542645742590242599,1796096607968265476,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-4565217900423339481,1796096607956003227,X'01A22FB346D372D58C6E014274947DE6');
INSERT INTO "terms" VALUES(-4070241390941140685,1796096607968265476,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1338289810482305354,1796096607968265476,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1285652693553581988,1796096607945774011,X'01A22FB346C97B8793DBC92DAE94022E');
INSERT INTO "terms" VALUES(-718332071634985707,1796096607956003227,X'01A22FB346D372D58C6E014274947DE6');
INSERT INTO "terms" VALUES(-715534712025642443,1796096607956003227,X'01A22FB346D372D58C6E014274947DE6');
INSERT INTO "terms" VALUES(2415740613684138700,1796096607945774011,X'01A22FB346C97B8793DBC92DAE94022E');
INSERT INTO "terms" VALUES(5050630962853688626,1796096607956003227,X'01A22FB346D372D58C6E014274947DE6');
INSERT INTO "terms" VALUES(6964247075868549780,1796096607945774011,X'01A22FB346C97B8793DBC92DAE94022E');
INSERT INTO "terms" VALUES(7594386850591938934,1796096607968265476,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(7636571471036172799,1796096607968502032,X'01A22FB346E072DCA8F1F5E79CFA2806');
CREATE INDEX durations_by_key ON durations (hour, workflow_name, workflow_version, kind, name);
CREATE INDEX durations_kept_by_key ON durations_kept (hour, workflow_name, workflow_version, kind, name);
CREATE INDEX executions_by_caller ON executions (caller_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND caller_id IS NOT NULL;
CREATE INDEX executions_by_duration ON executions (duration_ns, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND duration_ns IS NOT NULL;
CREATE INDEX executions_by_parent ON executions (parent_execution_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NOT NULL;
CREATE INDEX executions_by_start ON executions (started_ns, execution_id, who_rank, covered_by) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_status ON executions (status, started_ns, execution_id, who_rank, covered_by) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_trace ON executions (trace_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_version ON executions (workflow_version, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND workflow_version IS NOT NULL;
CREATE INDEX executions_by_workflow ON executions (workflow_name, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_workflow_and_status ON executions (workflow_name, status, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_covered ON executions (covered_by) WHERE covered_by IS NOT NULL;
CREATE INDEX executions_deleted ON executions (started_ns) WHERE who_rank = 127;
CREATE INDEX executions_open ON executions (started_ns, execution_id, lease_id) WHERE who_rank < 127 AND covered_by IS NULL AND status IN (0, 1);
CREATE INDEX executions_top ON executions (started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NULL;
COMMIT;
