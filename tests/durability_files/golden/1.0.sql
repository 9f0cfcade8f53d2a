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
INSERT INTO "durations" VALUES(2,'charge',1,30396,'01a20314-33a4-78ee-997b-da0257cdc3bb','{"522":1}');
INSERT INTO "durations" VALUES(3,'orders.get',0,67270,'01a20314-33a3-7353-9951-1ac5c5878753','{"562":1}');
INSERT INTO "durations" VALUES(2,'load',0,487747,'01a20314-33a3-7353-9951-1ac5c5878753','{"662":1}');
INSERT INTO "durations" VALUES(3,'mail.send',0,37986,'01a20314-33a6-7681-b3c9-0f43c481bbb8','{"533":1}');
CREATE TABLE execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, "key")
)
 WITHOUT ROWID;
INSERT INTO "execution_metadata" VALUES(1795347985315598849,-2982384373565198937,'01a20314-33a3-7353-9951-1ac5c5878753','n','1');
INSERT INTO "execution_metadata" VALUES(1795347985315598849,-2982384373565198937,'01a20314-33a3-7353-9951-1ac5c5878753','tenant','"kiwi"');
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
INSERT INTO "leases" VALUES(5223775087424419334,'host',1,'boot','1',1795347985359057240,1795347985359033144,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{}}');
CREATE TABLE resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
INSERT INTO "resources" VALUES(2549689487202433286,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"2b96073b-8d0d-4ad5-80a9-8ccf6882466b","service.name":"golden"}');
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
INSERT INTO "spans" VALUES(1795347985318475191,902487554201078043,2549689487202433286,NULL,NULL,0,5223775087424419334,NULL,NULL,1,1,X'6FAEA5C65666408A0D7EA17C465FEAF6','interrupted',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1795347985316584810,-3212942574019046690,2549689487202433286,1795347985316615206,5069026873672398084,1,5223775087424419334,NULL,1,2,3,X'2307EE75B7A4B8C2B6114472AB96FC06','01a20314-33a4-78ee-997b-da0257cdc3bb',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1795347985316615206,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795347985316545762,5069026873672398084,2549689487202433286,1795347985317997518,NULL,0,5223775087424419334,-8020992144800677459,NULL,1,3,X'2307EE75B7A4B8C2B6114472AB96FC06','01a20314-33a4-78ee-997b-da0257cdc3bb',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795347985318090327,-6113339837488377987,2549689487202433286,1795347985318215053,NULL,0,5223775087424419334,-544229284399449935,NULL,1,4,X'E58B1A36806BE4A68042A7F43D733E7E','cancelled',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled','{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled"},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1795347985315952176,-5884022809117691240,2549689487202433286,1795347985316019446,-218259009437621570,2,5223775087424419334,4456507474623323425,NULL,3,2,X'E933A15C8FB71CCF38B6F28830F8BDBC','01a20314-33a3-7353-9951-1ac5c5878753',NULL,NULL,NULL,NULL,NULL,NULL,'load','orders.get',NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1795347985315901430,-218259009437621570,2549689487202433286,1795347985316389177,-2982384373565198937,1,5223775087424419334,NULL,1,2,2,X'E933A15C8FB71CCF38B6F28830F8BDBC','01a20314-33a3-7353-9951-1ac5c5878753',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1795347985315598849,-2982384373565198937,2549689487202433286,1795347985316435307,NULL,0,5223775087424419334,-134144921944134211,NULL,1,2,X'E933A15C8FB71CCF38B6F28830F8BDBC','01a20314-33a3-7353-9951-1ac5c5878753',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,'{"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1795347985318141032,-2997208206691315874,2549689487202433286,1795347985318177667,-6113339837488377987,1,5223775087424419334,NULL,1,2,5,X'E58B1A36806BE4A68042A7F43D733E7E','cancelled',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1795347985318302463,3014883453598727394,2549689487202433286,1795347985318340449,3213446678698105385,1,5223775087424419334,-299774057371746278,NULL,3,2,X'E7399A96D2BBAAA9775327B8C4C03781','01a20314-33a6-7681-b3c9-0f43c481bbb8',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1795347985318302463,3213446678698105385,2549689487202433286,1795347985318340449,NULL,0,5223775087424419334,NULL,NULL,1,2,X'E7399A96D2BBAAA9775327B8C4C03781','01a20314-33a6-7681-b3c9-0f43c481bbb8',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
