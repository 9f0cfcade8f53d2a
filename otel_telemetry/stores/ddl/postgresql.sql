CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE IF NOT EXISTS durations (
    kind SMALLINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    slowest TEXT COLLATE "C" NOT NULL,
    buckets TEXT COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS durations_by_name ON durations (kind, name);
CREATE TABLE IF NOT EXISTS execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id BYTEA NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, key)
);
CREATE INDEX IF NOT EXISTS executions_by_metadata ON execution_metadata (key, value, started_ns, execution_id, span_id);
CREATE TABLE IF NOT EXISTS leases (
    lease_id BIGINT NOT NULL,
    host TEXT COLLATE "C" NOT NULL,
    pid BIGINT NOT NULL,
    boot_id TEXT COLLATE "C" NOT NULL,
    process_started TEXT COLLATE "C" NOT NULL,
    heartbeat_ns BIGINT NOT NULL,
    closed_ns BIGINT,
    account TEXT COLLATE "C",
    CONSTRAINT leases_key PRIMARY KEY (lease_id)
);
CREATE TABLE IF NOT EXISTS resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT COLLATE "C" NOT NULL,
    attributes TEXT COLLATE "C" NOT NULL,
    CONSTRAINT resources_key PRIMARY KEY (resource_id)
);
CREATE TABLE IF NOT EXISTS spans (
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
    trace_id BYTEA NOT NULL,
    execution_id BYTEA NOT NULL,
    name TEXT COLLATE "C",
    execution_type TEXT COLLATE "C",
    workflow_name TEXT COLLATE "C",
    workflow_version TEXT COLLATE "C",
    caller_id TEXT COLLATE "C",
    parent_execution_id TEXT COLLATE "C",
    step_id TEXT COLLATE "C",
    tool_name TEXT COLLATE "C",
    error_code TEXT COLLATE "C",
    error_category TEXT COLLATE "C",
    document TEXT COLLATE "C",
    payload TEXT COLLATE "C",
    CONSTRAINT spans_key PRIMARY KEY (execution_id, started_ns, span_id)
);
CREATE INDEX IF NOT EXISTS executions_by_caller ON spans (caller_id, started_ns) WHERE kind = 1 AND caller_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_duration ON spans ((ended_ns - started_ns)) WHERE kind = 1 AND ended_ns IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_parent ON spans (parent_execution_id) WHERE kind = 1 AND parent_execution_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_start ON spans (started_ns) WHERE kind = 1;
CREATE INDEX IF NOT EXISTS executions_by_status ON spans (status, started_ns) WHERE kind = 1;
CREATE INDEX IF NOT EXISTS executions_by_workflow ON spans (workflow_name, started_ns) WHERE kind = 1;
CREATE INDEX IF NOT EXISTS executions_by_workflow_and_status ON spans (workflow_name, status, started_ns) WHERE kind = 1;
CREATE INDEX IF NOT EXISTS spans_by_error_category ON spans (error_category) WHERE error_category IS NOT NULL;
CREATE INDEX IF NOT EXISTS spans_by_error_code ON spans (error_code) WHERE error_code IS NOT NULL;
CREATE INDEX IF NOT EXISTS spans_by_tool ON spans (tool_name) WHERE tool_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS spans_open ON spans (lease_id) WHERE status IN (0, 1);
CREATE INDEX IF NOT EXISTS steps_by_id ON spans (step_id) WHERE kind = 2;
