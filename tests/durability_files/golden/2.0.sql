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
INSERT INTO "durations" VALUES(498911,0,44880660,2,'invoice','3','load','01a22ee4-eda9-71ec-9820-9b009502593d','[890,1]');
INSERT INTO "durations" VALUES(498911,0,67024,3,'invoice','3','orders.get','01a22ee4-eda9-71ec-9820-9b009502593d','[562,1]');
INSERT INTO "durations" VALUES(498911,1,39216,2,'invoice','4','charge','01a22ee4-edda-73ae-8d22-e880825460ea','[535,1]');
INSERT INTO "durations" VALUES(498911,0,63154,3,'mail.send','','mail.send','01a22ee4-ee0d-7cd4-a392-55c44e88ad4b','[559,1]');
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
INSERT INTO "executions" VALUES(1796083084713865906,-2889273289345482853,6041152062176069358,281594889552694770,1796083084713865906,-2889273289345482853,6041152062176069358,1,1,1,0,0,1796083084762670095,1796083084762670095,48804189,150972336773055150,1796083084713865906,-2889273289345482853,1796083084762670095,7664395634672143683,5459736795852784730,1,6,6,2,5,X'01A22EE4EDA971EC98209B009502593D',X'58A19CD2F4CCE42A8C67568186C6696E',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796083084762779483,-2896282966743527704,6555781611986958334,281594889552694770,1796083084762779483,-2896282966743527704,6555781611986958334,1,1,0,0,0,1796083084812750909,1796083084812750909,49971426,150972336773055150,NULL,NULL,NULL,NULL,5697464165184044326,0,6,6,3,4,X'01A22EE4EDDA73AE8D22E880825460EA',X'4561952A9CF59E2794AA9F026B976DE5',NULL,'workflow','invoice','4','cron',NULL,'timeout','transient');
INSERT INTO "executions" VALUES(1796083084813211353,1595664252011608699,6667984851089653766,281594889552694770,1796083084813211353,1595664252011608699,6667984851089653766,1,0,1,0,0,1796083084813274507,1796083084813274507,63154,150972336773055150,NULL,NULL,NULL,NULL,483607959799743066,1,6,6,2,5,X'01A22EE4EE0D7CD4A39255C44E88AD4B',X'749E604EB74CEFFBD99E6D370FEB2E36',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796083084812956990,76299367646625157,5924502811824338064,281594889552694770,1796083084812956990,76299367646625157,5924502811824338064,1,1,0,0,0,1796083084813114571,1796083084813114571,157581,150972336773055150,NULL,NULL,NULL,NULL,-5294973465737586821,0,6,6,4,4,X'FF63616E63656C6C6564',X'EE392264C3AEE31E993777A9085E6950',NULL,'workflow','import',NULL,NULL,NULL,'cancelled','cancelled');
INSERT INTO "executions" VALUES(1796083084821098461,-1970133733985771647,6342531279303181048,281594889552694770,1796083084821098461,-1970133733985771647,6342531279303181048,1,0,0,0,0,NULL,NULL,NULL,150972336773055150,NULL,NULL,NULL,NULL,NULL,NULL,6,6,1,4,X'FF696E746572727570746564',X'26E8EA4CBA6BEC2F27E320C255A90C8A',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "leases" VALUES(150972336773055150,'host',1,'boot','1',1796083084822042413,1796083084822044220,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{},"replayed":0,"replaced":3,"refused":0}');
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
INSERT INTO "resources" VALUES(281594889552694770,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"1cb23b62-feb1-413c-927f-0b3a143ff59a","service.name":"golden"}');
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
INSERT INTO "spans" VALUES(1796083084717788760,-7533569422243928195,281594889552694770,1796083084717855784,1235771767177511184,2,150972336773055150,4456507474623323425,NULL,3,2,X'58A19CD2F4CCE42A8C67568186C6696E',X'01A22EE4EDA971EC98209B009502593D',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,'orders.get',NULL,NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1796083084717731471,1235771767177511184,281594889552694770,1796083084762612131,-2889273289345482853,1,150972336773055150,NULL,1,2,2,X'58A19CD2F4CCE42A8C67568186C6696E',X'01A22EE4EDA971EC98209B009502593D',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1796083084713865906,-2889273289345482853,281594889552694770,1796083084762670095,NULL,0,150972336773055150,NULL,NULL,1,2,X'58A19CD2F4CCE42A8C67568186C6696E',X'01A22EE4EDA971EC98209B009502593D',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"a":{"otel_telemetry.path_hash":-134144921944134211},"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1796083084762857592,481439933664199323,281594889552694770,1796083084762896808,-2896282966743527704,1,150972336773055150,NULL,1,2,3,X'4561952A9CF59E2794AA9F026B976DE5',X'01A22EE4EDDA73AE8D22E880825460EA',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1796083084762896808,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796083084762779483,-2896282966743527704,281594889552694770,1796083084812750909,NULL,0,150972336773055150,NULL,NULL,1,3,X'4561952A9CF59E2794AA9F026B976DE5',X'01A22EE4EDDA73AE8D22E880825460EA',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError","otel_telemetry.path_hash":-8020992144800677459},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796083084812956990,76299367646625157,281594889552694770,1796083084813114571,NULL,0,150972336773055150,NULL,NULL,1,4,X'EE392264C3AEE31E993777A9085E6950',X'FF63616E63656C6C6564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled',NULL,'{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled","otel_telemetry.path_hash":-544229284399449935},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1796083084813039793,-8924138240152913911,281594889552694770,1796083084813090110,76299367646625157,1,150972336773055150,NULL,1,2,5,X'EE392264C3AEE31E993777A9085E6950',X'FF63616E63656C6C6564',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1796083084821098461,-1970133733985771647,281594889552694770,NULL,NULL,0,150972336773055150,NULL,NULL,1,1,X'26E8EA4CBA6BEC2F27E320C255A90C8A',X'FF696E746572727570746564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1796083084813211353,-1733055315542002900,281594889552694770,1796083084813274507,1595664252011608699,1,150972336773055150,-299774057371746278,NULL,3,2,X'749E604EB74CEFFBD99E6D370FEB2E36',X'01A22EE4EE0D7CD4A39255C44E88AD4B',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1796083084813211353,1595664252011608699,281594889552694770,1796083084813274507,NULL,0,150972336773055150,NULL,NULL,1,2,X'749E604EB74CEFFBD99E6D370FEB2E36',X'01A22EE4EE0D7CD4A39255C44E88AD4B',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE terms (
    term BIGINT NOT NULL,
    started_ns BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    CONSTRAINT terms_key PRIMARY KEY (term, started_ns, execution_id)
)
 WITHOUT ROWID;
INSERT INTO "terms" VALUES(-7942511357215798881,1796083084713865906,X'01A22EE4EDA971EC98209B009502593D');
INSERT INTO "terms" VALUES(-5542645742590242599,1796083084812956990,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-4565217900423339481,1796083084762779483,X'01A22EE4EDDA73AE8D22E880825460EA');
INSERT INTO "terms" VALUES(-4070241390941140685,1796083084812956990,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1338289810482305354,1796083084812956990,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1285652693553581988,1796083084713865906,X'01A22EE4EDA971EC98209B009502593D');
INSERT INTO "terms" VALUES(-718332071634985707,1796083084762779483,X'01A22EE4EDDA73AE8D22E880825460EA');
INSERT INTO "terms" VALUES(-715534712025642443,1796083084762779483,X'01A22EE4EDDA73AE8D22E880825460EA');
INSERT INTO "terms" VALUES(2415740613684138700,1796083084713865906,X'01A22EE4EDA971EC98209B009502593D');
INSERT INTO "terms" VALUES(5050630962853688626,1796083084762779483,X'01A22EE4EDDA73AE8D22E880825460EA');
INSERT INTO "terms" VALUES(6964247075868549780,1796083084713865906,X'01A22EE4EDA971EC98209B009502593D');
INSERT INTO "terms" VALUES(7594386850591938934,1796083084812956990,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(7636571471036172799,1796083084813211353,X'01A22EE4EE0D7CD4A39255C44E88AD4B');
CREATE INDEX durations_by_key ON durations (hour, workflow_name, workflow_version, kind, name);
CREATE INDEX durations_kept_by_key ON durations_kept (hour, workflow_name, workflow_version, kind, name);
CREATE INDEX executions_by_caller ON executions (caller_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND caller_id IS NOT NULL;
CREATE INDEX executions_by_duration ON executions (duration_ns, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND duration_ns IS NOT NULL;
CREATE INDEX executions_by_parent ON executions (parent_execution_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NOT NULL;
CREATE INDEX executions_by_start ON executions (started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_status ON executions (status, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_trace ON executions (trace_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_version ON executions (workflow_version, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND workflow_version IS NOT NULL;
CREATE INDEX executions_by_workflow ON executions (workflow_name, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_by_workflow_and_status ON executions (workflow_name, status, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX executions_covered ON executions (covered_by) WHERE covered_by IS NOT NULL;
CREATE INDEX executions_open ON executions (started_ns, execution_id, lease_id) WHERE who_rank < 127 AND covered_by IS NULL AND status IN (0, 1);
CREATE INDEX executions_top ON executions (started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NULL;
COMMIT;
