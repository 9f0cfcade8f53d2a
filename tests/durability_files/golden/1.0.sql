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
INSERT INTO "durations" VALUES(3,'orders.get',0,59569,'01a20368-93ef-71ac-af96-d0a66aa9da03','{"556":1}');
INSERT INTO "durations" VALUES(2,'load',0,10898376,'01a20368-93ef-71ac-af96-d0a66aa9da03','{"819":1}');
INSERT INTO "durations" VALUES(2,'charge',1,36885,'01a20368-93fd-782f-b44a-1275ba2f248d','{"532":1}');
INSERT INTO "durations" VALUES(3,'mail.send',0,39819,'01a20368-9412-738c-b6a6-d7de37a10127','{"535":1}');
CREATE TABLE execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, "key")
)
 WITHOUT ROWID;
INSERT INTO "execution_metadata" VALUES(1795353514991062193,4492570142701814284,X'01A2036893EF71ACAF96D0A66AA9DA03','n','1');
INSERT INTO "execution_metadata" VALUES(1795353514991062193,4492570142701814284,X'01A2036893EF71ACAF96D0A66AA9DA03','tenant','"kiwi"');
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
INSERT INTO "leases" VALUES(7647842381934049049,'host',1,'boot','1',1795353515027196585,1795353515027198408,'{"accepted":9,"stored":9,"pending":0,"spilled":0,"dropped":{}}');
CREATE TABLE resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
INSERT INTO "resources" VALUES(7323261644919586880,'','{"telemetry.sdk.language":"python","telemetry.sdk.name":"opentelemetry","telemetry.sdk.version":"1.45.2","service.instance.id":"333710d8-c352-4783-9f5a-0f9c0e37f060","service.name":"golden"}');
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
INSERT INTO "spans" VALUES(1795353515005476326,-7186232403965322171,7323261644919586880,1795353515025636918,NULL,0,7647842381934049049,-8020992144800677459,NULL,1,3,X'DE5822DF2E3B181015EAD0E8D56F50CE',X'01A2036893FD782FB44A1275BA2F248D',NULL,'workflow','invoice','4','cron',NULL,NULL,NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795353515005522756,-7138604516197705788,7323261644919586880,1795353515005559641,-7186232403965322171,1,7647842381934049049,NULL,1,2,3,X'DE5822DF2E3B181015EAD0E8D56F50CE',X'01A2036893FD782FB44A1275BA2F248D',NULL,NULL,NULL,NULL,NULL,NULL,'charge',NULL,'timeout','transient','{"a":{"error.type":"TimeoutError"},"message":"no answer","events":[["exception",1795353515005559641,{"exception.type":"TimeoutError","exception.message":"no answer","exception.stacktrace":"Traceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 33, in record\n    raise OSError(\"connection lost\")\nOSError: connection lost\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/tests/durability_files/golden/__main__.py\", line 35, in record\n    raise TimeoutError(\"no answer\") from error\nTimeoutError: no answer\n"},0]],"json":{"otel_telemetry.error":{"code":"timeout","category":"transient","message":"no answer","detail":{"type":"TimeoutError"},"retryable":true,"step_id":"charge","cause":{"code":"os_error","category":"system","message":"connection lost","detail":{"type":"OSError"}}}}}',NULL);
INSERT INTO "spans" VALUES(1795353514994459152,-7739544869266648058,7323261644919586880,1795353514994518721,-275553651468923161,2,7647842381934049049,4456507474623323425,NULL,3,2,X'3FDB74F1DD515D80CC7F916AB20761B9',X'01A2036893EF71ACAF96D0A66AA9DA03',NULL,NULL,NULL,NULL,NULL,NULL,'load','orders.get',NULL,NULL,'{"a":{"otel_telemetry.problems":["result: name: NUL or lone surrogates replaced by U+FFFD"]}}','{"arguments":{"id":7},"output":{"total":770,"name":"\u00e4\ufffd\ud83d\ude00"}}');
INSERT INTO "spans" VALUES(1795353514994400725,-275553651468923161,7323261644919586880,1795353515005299101,4492570142701814284,1,7647842381934049049,NULL,1,2,2,X'3FDB74F1DD515D80CC7F916AB20761B9',X'01A2036893EF71ACAF96D0A66AA9DA03',NULL,NULL,NULL,NULL,NULL,NULL,'load',NULL,NULL,NULL,NULL,'{"result":[1,2.5,null,true]}');
INSERT INTO "spans" VALUES(1795353514991062193,4492570142701814284,7323261644919586880,1795353515005356137,NULL,0,7647842381934049049,-134144921944134211,NULL,1,2,X'3FDB74F1DD515D80CC7F916AB20761B9',X'01A2036893EF71ACAF96D0A66AA9DA03',NULL,'workflow','invoice','3',NULL,NULL,NULL,NULL,NULL,NULL,'{"json":{"otel_telemetry.metadata":{"tenant":"kiwi","n":1}}}','{"inputs":{"order":7},"outputs":{"ok":true}}');
INSERT INTO "spans" VALUES(1795353515026233408,-4375685266742805745,7323261644919586880,NULL,NULL,0,7647842381934049049,NULL,NULL,1,1,X'774D8A8E66AEA2A3C974823DC31C28DE',X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF696E746572727570746564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "spans" VALUES(1795353515025768364,7077316823157722361,7323261644919586880,1795353515025941192,NULL,0,7647842381934049049,-544229284399449935,NULL,1,4,X'E523264E81AA972AC7E2BFAD571AFDF6',X'CAFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF63616E63656C6C6564',NULL,'workflow','import',NULL,NULL,NULL,NULL,NULL,'cancelled','cancelled','{"a":{"error.type":"cancelled","otel_telemetry.outcome":"cancelled"},"code":2,"message":"by hand","json":{"otel_telemetry.error":{"code":"cancelled","category":"cancelled","message":"by hand"}}}',NULL);
INSERT INTO "spans" VALUES(1795353515025837267,1584779460341846025,7323261644919586880,1795353515025888734,7077316823157722361,1,7647842381934049049,NULL,1,2,5,X'E523264E81AA972AC7E2BFAD571AFDF6',X'CAFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF63616E63656C6C6564',NULL,NULL,NULL,NULL,NULL,NULL,'planned',NULL,NULL,NULL,'{"a":{"otel_telemetry.step.skip_reason":"nothing to do"}}',NULL);
INSERT INTO "spans" VALUES(1795353515026039308,9194951897846925709,7323261644919586880,1795353515026079127,3752839340692746694,1,7647842381934049049,-299774057371746278,NULL,3,2,X'49C59700D2025D41AD0D99C1E7CBE03D',X'01A203689412738CB6A6D7DE37A10127',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'mail.send',NULL,NULL,'{"a":{"otel_telemetry.tool.source":"tool_step"}}','{"arguments":{"to":"kiwi"},"output":"sent"}');
INSERT INTO "spans" VALUES(1795353515026039308,3752839340692746694,7323261644919586880,1795353515026079127,NULL,0,7647842381934049049,NULL,NULL,1,2,X'49C59700D2025D41AD0D99C1E7CBE03D',X'01A203689412738CB6A6D7DE37A10127',NULL,'direct','mail.send',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
