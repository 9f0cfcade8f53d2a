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
INSERT INTO "durations" VALUES(3,'orders.get',0,59198,'01a20376-4dfc-7ebd-b358-028be7d5f867','[555,1]');
INSERT INTO "durations" VALUES(2,'load',0,8799051,'01a20376-4dfc-7ebd-b358-028be7d5f867','[808,1]');
INSERT INTO "durations" VALUES(2,'charge',1,41101,'01a20376-4e06-7f0e-8fe6-5f69a3b4a385','[537,1]');
INSERT INTO "durations" VALUES(3,'mail.send',0,37946,'01a20376-4e12-7ef9-91f4-cb188eac9681','[533,1]');
CREATE TABLE execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, "key")
)
 WITHOUT ROWID;
INSERT INTO "execution_metadata" VALUES(1795354414588545033,7668944912915246073,X'01A203764DFC7EBDB358028BE7D5F867','n','1');
INSERT INTO "execution_metadata" VALUES(1795354414588545033,7668944912915246073,X'01A203764DFC7EBDB358028BE7D5F867','tenant','"kiwi"');
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
INSERT INTO "leases" VALUES(3469946246495052264,'host',1,'boot','1',1795354414623177079,1795354414623179924,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{}}');
CREATE TABLE resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
INSERT INTO "resources" VALUES(-2135041204757419760,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"dcdbc6e8-e544-4a64-87b3-e3764c944745","service.name":"golden"}');
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
    execution_id BLOB NOT NULL,
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
INSERT INTO "spans" VALUES(1795354414598402423,2122458368065371465,-2135041204757419760,1795354414610462931,NULL,0,3469946246495052264,-8020992144800677459,NULL,1,3,X'FD378AF09F63B1FCBA0C33228E7F617E',X'01A203764E067F0E8FE65F69A3B4A385',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795354414598475422,1228468912978104518,-2135041204757419760,1795354414598516523,2122458368065371465,1,3469946246495052264,NULL,1,2,3,X'FD378AF09F63B1FCBA0C33228E7F617E',X'01A203764E067F0E8FE65F69A3B4A385',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1795354414598516523,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795354414589492487,2808551791001424814,-2135041204757419760,1795354414589551685,7525215366239002121,2,3469946246495052264,4456507474623323425,NULL,3,2,X'3BFECC9084504BA4231235DF5BB91E6E',X'01A203764DFC7EBDB358028BE7D5F867',NULL,NULL,NULL,NULL,NULL,NULL,'load','orders.get',NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1795354414589444155,7525215366239002121,-2135041204757419760,1795354414598243206,7668944912915246073,1,3469946246495052264,NULL,1,2,2,X'3BFECC9084504BA4231235DF5BB91E6E',X'01A203764DFC7EBDB358028BE7D5F867',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1795354414588545033,7668944912915246073,-2135041204757419760,1795354414598291597,NULL,0,3469946246495052264,-134144921944134211,NULL,1,2,X'3BFECC9084504BA4231235DF5BB91E6E',X'01A203764DFC7EBDB358028BE7D5F867',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,'{"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1795354414610950658,-6619988026286892386,-2135041204757419760,NULL,NULL,0,3469946246495052264,NULL,NULL,1,1,X'B5B412B6DC6A465C3D8A71CA68A96BDD',X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF696E746572727570746564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1795354414610564792,-3156404734044089989,-2135041204757419760,1795354414610723869,NULL,0,3469946246495052264,-544229284399449935,NULL,1,4,X'FB26423167CE1DAC4EF5D6E448811D0C',X'CAFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF63616E63656C6C6564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled','{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled"},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1795354414610637771,-3072167262169135634,-2135041204757419760,1795354414610698903,-3156404734044089989,1,3469946246495052264,NULL,1,2,5,X'FB26423167CE1DAC4EF5D6E448811D0C',X'CAFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF63616E63656C6C6564',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1795354414610813734,4095729188679503979,-2135041204757419760,1795354414610851680,3982726949807571714,1,3469946246495052264,-299774057371746278,NULL,3,2,X'5DB6A5450DD44330B58C17BB685DF84D',X'01A203764E127EF991F4CB188EAC9681',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1795354414610813734,3982726949807571714,-2135041204757419760,1795354414610851680,NULL,0,3469946246495052264,NULL,NULL,1,2,X'5DB6A5450DD44330B58C17BB685DF84D',X'01A203764E127EF991F4CB188EAC9681',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX durations_by_name ON durations (kind, name);
CREATE INDEX executions_by_metadata ON execution_metadata ("key", value, started_ns, execution_id, span_id);
CREATE INDEX executions_by_caller ON spans (caller_id, started_ns) WHERE kind = 1 AND caller_id IS NOT NULL;
CREATE INDEX executions_by_duration ON spans (ended_ns - started_ns) WHERE kind = 1 AND ended_ns IS NOT NULL;
CREATE INDEX executions_by_parent ON spans (parent_execution_id) WHERE kind = 1 AND parent_execution_id IS NOT NULL;
CREATE INDEX executions_by_start ON spans (started_ns) WHERE kind = 1;
CREATE INDEX executions_by_status ON spans (status, started_ns) WHERE kind = 1;
CREATE INDEX executions_by_workflow ON spans (workflow_name, started_ns) WHERE kind = 1;
CREATE INDEX executions_by_workflow_and_status ON spans (workflow_name, status, started_ns) WHERE kind = 1;
CREATE INDEX spans_by_error_category ON spans (error_category) WHERE error_category IS NOT NULL;
CREATE INDEX spans_by_error_code ON spans (error_code) WHERE error_code IS NOT NULL;
CREATE INDEX spans_by_tool ON spans (tool_name) WHERE tool_name IS NOT NULL;
CREATE INDEX spans_open ON spans (lease_id) WHERE status IN (0, 1);
CREATE INDEX steps_by_id ON spans (step_id) WHERE kind = 2;
COMMIT;
