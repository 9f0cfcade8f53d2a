BEGIN TRANSACTION;
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('1.0');
CREATE TABLE durations (
    kind SMALLINT NOT NULL,
    name TEXT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    slowest TEXT NOT NULL,
    buckets TEXT NOT NULL
);
INSERT INTO "durations" VALUES(2,'charge',1,36434,'01a20315-ab75-78fe-a5f5-4cb4fbd9000b','{"531":1}');
INSERT INTO "durations" VALUES(3,'orders.get',0,80760,'01a20315-ab6b-7da7-993d-713cbf891cee','{"571":1}');
INSERT INTO "durations" VALUES(2,'load',0,573956,'01a20315-ab6b-7da7-993d-713cbf891cee','{"670":1}');
INSERT INTO "durations" VALUES(3,'mail.send',0,36514,'01a20315-ab77-7e55-9d47-7978685ccdef','{"531":1}');
CREATE TABLE execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, "key")
)
 WITHOUT ROWID;
INSERT INTO "execution_metadata" VALUES(1795348081515281302,-3064826762376330990,'01a20315-ab6b-7da7-993d-713cbf891cee','n','1');
INSERT INTO "execution_metadata" VALUES(1795348081515281302,-3064826762376330990,'01a20315-ab6b-7da7-993d-713cbf891cee','tenant','"kiwi"');
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
INSERT INTO "leases" VALUES(6238288459680290481,'host',1,'boot','1',1795348081640890614,1795348081640864736,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{}}');
CREATE TABLE resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
INSERT INTO "resources" VALUES(5922853301077703902,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"1660775a-71d8-4b6c-9379-edb0fc86f4c4","service.name":"golden"}');
CREATE TABLE spans (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    resource_id BIGINT NOT NULL,
    ended_ns BIGINT,
    parent_span_id BIGINT,
    sequence BIGINT,
    lease_id BIGINT,
    fingerprint BIGINT,
    attempt BIGINT,
    kind SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    trace_id BLOB NOT NULL,
    execution_id TEXT NOT NULL,
    name TEXT,
    execution_type TEXT,
    workflow_name TEXT,
    workflow_version TEXT,
    caller_id TEXT,
    parent_execution_id TEXT,
    step_id TEXT,
    tool_name TEXT,
    error_code TEXT,
    error_category TEXT,
    document TEXT,
    payload TEXT,
    CONSTRAINT spans_key PRIMARY KEY (execution_id, started_ns, span_id)
);
INSERT INTO "spans" VALUES(1795348081527642539,-5843327350649178711,5922853301077703902,NULL,NULL,0,6238288459680290481,NULL,NULL,1,1,X'492BD7E7E6BAE8286FA57FA640FBCA8B','interrupted',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1795348081525650416,-1902682475730011558,5922853301077703902,1795348081525686850,-5213593552057381585,1,6238288459680290481,NULL,1,2,3,X'B2FFD9D7B336A3DF7D909B47CA91F264','01a20315-ab75-78fe-a5f5-4cb4fbd9000b',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1795348081525686850,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795348081525553992,-5213593552057381585,5922853301077703902,1795348081527168521,NULL,0,6238288459680290481,-8020992144800677459,NULL,1,3,X'B2FFD9D7B336A3DF7D909B47CA91F264','01a20315-ab75-78fe-a5f5-4cb4fbd9000b',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795348081527254730,-1341779629658600520,5922853301077703902,1795348081527385365,NULL,0,6238288459680290481,-544229284399449935,NULL,1,4,X'EF60BFE9B4F8569912468AB9727FB32F','cancelled',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled','{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled"},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1795348081524895059,375550422907045469,5922853301077703902,1795348081524975819,-4514095374827714415,2,6238288459680290481,4456507474623323425,NULL,3,2,X'C71C2D69B2593842B1A675F7D7807E67','01a20315-ab6b-7da7-993d-713cbf891cee',NULL,NULL,NULL,NULL,NULL,NULL,'load','orders.get',NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1795348081524815670,-4514095374827714415,5922853301077703902,1795348081525389626,-3064826762376330990,1,6238288459680290481,NULL,1,2,2,X'C71C2D69B2593842B1A675F7D7807E67','01a20315-ab6b-7da7-993d-713cbf891cee',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1795348081515281302,-3064826762376330990,5922853301077703902,1795348081525437238,NULL,0,6238288459680290481,-134144921944134211,NULL,1,2,X'C71C2D69B2593842B1A675F7D7807E67','01a20315-ab6b-7da7-993d-713cbf891cee',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,'{"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1795348081527310343,-115845512565424971,5922853301077703902,1795348081527347509,-1341779629658600520,1,6238288459680290481,NULL,1,2,5,X'EF60BFE9B4F8569912468AB9727FB32F','cancelled',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1795348081527472144,-1695366381542897328,5922853301077703902,1795348081527508658,3228916644697922573,1,6238288459680290481,-299774057371746278,NULL,3,2,X'73E30933367D5714AABF42B889D239F3','01a20315-ab77-7e55-9d47-7978685ccdef',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1795348081527472144,3228916644697922573,5922853301077703902,1795348081527508658,NULL,0,6238288459680290481,NULL,NULL,1,2,X'73E30933367D5714AABF42B889D239F3','01a20315-ab77-7e55-9d47-7978685ccdef',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX durations_by_name ON durations (kind, name);
CREATE INDEX executions_by_metadata ON execution_metadata ("key", value, started_ns);
CREATE INDEX executions_by_caller ON spans (caller_id, started_ns) WHERE kind = 1 AND caller_id IS NOT NULL;
CREATE INDEX executions_by_duration ON spans (ended_ns - started_ns) WHERE kind = 1 AND ended_ns IS NOT NULL;
CREATE INDEX executions_by_parent ON spans (parent_execution_id) WHERE kind = 1 AND parent_execution_id IS NOT NULL;
CREATE INDEX executions_by_start ON spans (started_ns) WHERE kind = 1;
CREATE INDEX executions_by_status ON spans (status, started_ns) WHERE kind = 1;
CREATE INDEX executions_by_workflow ON spans (workflow_name, started_ns) WHERE kind = 1;
CREATE INDEX executions_by_workflow_and_status ON spans (workflow_name, status, started_ns) WHERE kind = 1;
CREATE INDEX spans_by_error_category ON spans (error_category, started_ns) WHERE error_category IS NOT NULL;
CREATE INDEX spans_by_error_code ON spans (error_code, started_ns) WHERE error_code IS NOT NULL;
CREATE INDEX spans_by_tool ON spans (tool_name, started_ns) WHERE tool_name IS NOT NULL;
CREATE INDEX spans_open ON spans (lease_id) WHERE status IN (0, 1);
CREATE INDEX steps_by_id ON spans (step_id, started_ns) WHERE kind = 2;
COMMIT;
