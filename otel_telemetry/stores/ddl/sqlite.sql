CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE IF NOT EXISTS durations (
    kind SMALLINT NOT NULL,
    name TEXT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    slowest TEXT NOT NULL,
    buckets TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS durations_by_name ON durations (kind, name);
CREATE TABLE IF NOT EXISTS execution_metadata (
    started_ns BIGINT NOT NULL,
    span_id BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT execution_metadata_key PRIMARY KEY (execution_id, started_ns, span_id, "key")
)
 WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS executions_by_metadata ON execution_metadata ("key", value, started_ns, execution_id, span_id);
CREATE TABLE IF NOT EXISTS leases (
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
CREATE TABLE IF NOT EXISTS resources (
    resource_id BIGINT NOT NULL,
    schema_url TEXT NOT NULL,
    attributes TEXT NOT NULL,
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
CREATE INDEX IF NOT EXISTS executions_by_caller ON spans (caller_id, started_ns) WHERE kind = 1 AND caller_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_duration ON spans (ended_ns - started_ns) WHERE kind = 1 AND ended_ns IS NOT NULL;
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
