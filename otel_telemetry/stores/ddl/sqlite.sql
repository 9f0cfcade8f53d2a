CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE IF NOT EXISTS durations (
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
CREATE INDEX IF NOT EXISTS durations_by_key ON durations (hour, workflow_name, workflow_version, kind, name);
CREATE TABLE IF NOT EXISTS durations_kept (
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
CREATE INDEX IF NOT EXISTS durations_kept_by_key ON durations_kept (hour, workflow_name, workflow_version, kind, name);
CREATE TABLE IF NOT EXISTS executions (
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
CREATE INDEX IF NOT EXISTS executions_by_caller ON executions (caller_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND caller_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_duration ON executions (duration_ns, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND duration_ns IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_parent ON executions (parent_execution_id, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_start ON executions (started_ns, execution_id, who_rank, covered_by) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX IF NOT EXISTS executions_by_status ON executions (status, started_ns, execution_id, who_rank, covered_by) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX IF NOT EXISTS executions_by_trace ON executions (trace_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX IF NOT EXISTS executions_by_version ON executions (workflow_version, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND workflow_version IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_by_workflow ON executions (workflow_name, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX IF NOT EXISTS executions_by_workflow_and_status ON executions (workflow_name, status, started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL;
CREATE INDEX IF NOT EXISTS executions_covered ON executions (covered_by) WHERE covered_by IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_deleted ON executions (started_ns) WHERE who_rank = 127;
CREATE INDEX IF NOT EXISTS executions_open ON executions (started_ns, execution_id, lease_id) WHERE who_rank < 127 AND covered_by IS NULL AND status IN (0, 1);
CREATE INDEX IF NOT EXISTS executions_top ON executions (started_ns, execution_id) WHERE who_rank < 127 AND covered_by IS NULL AND parent_execution_id IS NULL;
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
CREATE TABLE IF NOT EXISTS meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT meta_key PRIMARY KEY ("key")
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
CREATE TABLE IF NOT EXISTS terms (
    term BIGINT NOT NULL,
    started_ns BIGINT NOT NULL,
    execution_id BLOB NOT NULL,
    CONSTRAINT terms_key PRIMARY KEY (term, started_ns, execution_id)
)
 WITHOUT ROWID;
