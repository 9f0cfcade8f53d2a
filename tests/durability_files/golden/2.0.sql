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
INSERT INTO "durations" VALUES(498917,0,15284891,2,'invoice','3','load','01a23009-1115-7439-b6a9-578179bb0907','[836,1]');
INSERT INTO "durations" VALUES(498917,0,61161,3,'invoice','3','orders.get','01a23009-1115-7439-b6a9-578179bb0907','[557,1]');
INSERT INTO "durations" VALUES(498917,1,29458,2,'invoice','4','charge','01a23009-1125-735e-8a60-b0c6fe90544e','[520,1]');
INSERT INTO "durations" VALUES(498917,0,43793,3,'mail.send','','mail.send','01a23009-1132-71e6-90cc-07f521d2720c','[540,1]');
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
INSERT INTO "executions" VALUES(1796102230293620377,6528892051854711408,6620548613252925623,4296322943989556231,1796102230293620377,6528892051854711408,6620548613252925623,1,3,1,1,0,0,1796102230309726998,1796102230309726998,16106621,766244709836736121,1796102230293620377,6528892051854711408,1796102230309726998,7664395634672143683,5459736795852784730,1,6,6,2,5,X'01A2300911157439B6A9578179BB0907',X'963AA95F162B766855B8BBA1ED5E9021',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796102230309811418,-4055249495280329927,6540069460801548141,4296322943989556231,1796102230309811418,-4055249495280329927,6540069460801548141,1,2,1,0,0,0,1796102230322584248,1796102230322584248,12772830,766244709836736121,NULL,NULL,NULL,NULL,5697464165184044326,0,6,6,3,4,X'01A230091125735E8A60B0C6FE90544E',X'5ED0823D7232E02B2D894E6D21854AF8',NULL,'workflow','invoice','4','cron',NULL,'timeout','transient');
INSERT INTO "executions" VALUES(1796102230322882887,-4361870677253825685,6231641633668751470,4296322943989556231,1796102230322882887,-4361870677253825685,6231641633668751470,1,2,0,1,0,0,1796102230322926680,1796102230322926680,43793,766244709836736121,NULL,NULL,NULL,NULL,483607959799743066,1,6,6,2,5,X'01A23009113271E690CC07F521D2720C',X'491659716C45B9C7007B5E1D69F3924F',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(1796102230322665291,1188867885482182729,5836563348467557071,4296322943989556231,1796102230322665291,1188867885482182729,5836563348467557071,1,2,1,0,0,0,1796102230322790448,1796102230322790448,125157,766244709836736121,NULL,NULL,NULL,NULL,-5294973465737586821,0,6,6,4,4,X'FF63616E63656C6C6564',X'3B306F8E131532823170A5154EC4E1D8',NULL,'workflow','import',NULL,NULL,NULL,'cancelled','cancelled');
INSERT INTO "executions" VALUES(1796102230323039146,69893724186335837,6737771970601164019,4296322943989556231,1796102230323039146,69893724186335837,6737771970601164019,1,1,0,0,0,0,NULL,NULL,NULL,766244709836736121,NULL,NULL,NULL,NULL,NULL,NULL,6,6,1,4,X'FF696E746572727570746564',X'7BA40E0F52939C6853AE2FB773F4870F',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "leases" VALUES(766244709836736121,'host',1,'boot','1',1796102230337843075,1796102230337845257,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{},"replayed":0,"replaced":2,"refused":0}');
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
INSERT INTO "resources" VALUES(4296322943989556231,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"b8d22626-bd36-41f9-a2de-72a4b18f1a1f","service.name":"golden"}');
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
INSERT INTO "spans" VALUES(1796102230294422664,4999874477384664597,4296322943989556231,1796102230294483825,-2343045641801628838,2,766244709836736121,4456507474623323425,NULL,3,2,X'963AA95F162B766855B8BBA1ED5E9021',X'01A2300911157439B6A9578179BB0907',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,'orders.get',NULL,NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1796102230294395441,-2343045641801628838,4296322943989556231,1796102230309680332,6528892051854711408,1,766244709836736121,NULL,1,2,2,X'963AA95F162B766855B8BBA1ED5E9021',X'01A2300911157439B6A9578179BB0907',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1796102230293620377,6528892051854711408,4296322943989556231,1796102230309726998,NULL,0,766244709836736121,NULL,NULL,1,2,X'963AA95F162B766855B8BBA1ED5E9021',X'01A2300911157439B6A9578179BB0907',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1796102230309870124,-1379016878306711951,4296322943989556231,1796102230309899582,-4055249495280329927,1,766244709836736121,NULL,1,2,3,X'5ED0823D7232E02B2D894E6D21854AF8',X'01A230091125735E8A60B0C6FE90544E',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1796102230309899582,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796102230309811418,-4055249495280329927,4296322943989556231,1796102230322584248,NULL,0,766244709836736121,NULL,NULL,1,3,X'5ED0823D7232E02B2D894E6D21854AF8',X'01A230091125735E8A60B0C6FE90544E',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,NULL,'timeout','transient',NULL,'{"a":{"error.type":"TimeoutError"},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1796102230323039146,69893724186335837,4296322943989556231,NULL,NULL,0,766244709836736121,NULL,NULL,1,1,X'7BA40E0F52939C6853AE2FB773F4870F',X'FF696E746572727570746564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1796102230322665291,1188867885482182729,4296322943989556231,1796102230322790448,NULL,0,766244709836736121,NULL,NULL,1,4,X'3B306F8E131532823170A5154EC4E1D8',X'FF63616E63656C6C6564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled',NULL,'{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled"},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1796102230322731793,4415111011685033052,4296322943989556231,1796102230322769343,1188867885482182729,1,766244709836736121,NULL,1,2,5,X'3B306F8E131532823170A5154EC4E1D8',X'FF63616E63656C6C6564',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1796102230322882887,8971062716004482719,4296322943989556231,1796102230322926680,-4361870677253825685,1,766244709836736121,-299774057371746278,NULL,3,2,X'491659716C45B9C7007B5E1D69F3924F',X'01A23009113271E690CC07F521D2720C',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1796102230322882887,-4361870677253825685,4296322943989556231,1796102230322926680,NULL,0,766244709836736121,NULL,NULL,1,2,X'491659716C45B9C7007B5E1D69F3924F',X'01A23009113271E690CC07F521D2720C',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE terms (
    term BIGINT NOT NULL,
    started_ns BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    CONSTRAINT terms_key PRIMARY KEY (term, started_ns, execution_id)
)
 WITHOUT ROWID;
INSERT INTO "terms" VALUES(-7942511357215798881,1796102230293620377,X'01A2300911157439B6A9578179BB0907');
INSERT INTO "terms" VALUES(-5542645742590242599,1796102230322665291,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-4565217900423339481,1796102230309811418,X'01A230091125735E8A60B0C6FE90544E');
INSERT INTO "terms" VALUES(-4070241390941140685,1796102230322665291,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1338289810482305354,1796102230322665291,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(-1285652693553581988,1796102230293620377,X'01A2300911157439B6A9578179BB0907');
INSERT INTO "terms" VALUES(-718332071634985707,1796102230309811418,X'01A230091125735E8A60B0C6FE90544E');
INSERT INTO "terms" VALUES(-715534712025642443,1796102230309811418,X'01A230091125735E8A60B0C6FE90544E');
INSERT INTO "terms" VALUES(2415740613684138700,1796102230293620377,X'01A2300911157439B6A9578179BB0907');
INSERT INTO "terms" VALUES(5050630962853688626,1796102230309811418,X'01A230091125735E8A60B0C6FE90544E');
INSERT INTO "terms" VALUES(6964247075868549780,1796102230293620377,X'01A2300911157439B6A9578179BB0907');
INSERT INTO "terms" VALUES(7594386850591938934,1796102230322665291,X'FF63616E63656C6C6564');
INSERT INTO "terms" VALUES(7636571471036172799,1796102230322882887,X'01A23009113271E690CC07F521D2720C');
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
