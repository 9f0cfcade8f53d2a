CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE IF NOT EXISTS durations (
    hour BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    workflow_name TEXT COLLATE "C" NOT NULL,
    workflow_version TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slowest TEXT COLLATE "C" NOT NULL,
    buckets TEXT COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS durations_by_key ON durations (hour, workflow_name, workflow_version, kind, name);
CREATE TABLE IF NOT EXISTS durations_kept (
    hour BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    longest_ns BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    workflow_name TEXT COLLATE "C" NOT NULL,
    workflow_version TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slowest TEXT COLLATE "C" NOT NULL,
    buckets TEXT COLLATE "C" NOT NULL
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
    execution_id BYTEA NOT NULL,
    trace_id BYTEA NOT NULL,
    covered_by BYTEA,
    execution_type TEXT COLLATE "C",
    workflow_name TEXT COLLATE "C",
    workflow_version TEXT COLLATE "C",
    caller_id TEXT COLLATE "C",
    parent_execution_id TEXT COLLATE "C",
    error_code TEXT COLLATE "C",
    error_category TEXT COLLATE "C",
    CONSTRAINT executions_key PRIMARY KEY (execution_id)
)
 PARTITION BY RANGE (execution_id);
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
    host TEXT COLLATE "C" NOT NULL,
    pid BIGINT NOT NULL,
    boot_id TEXT COLLATE "C" NOT NULL,
    process_started TEXT COLLATE "C" NOT NULL,
    heartbeat_ns BIGINT NOT NULL,
    closed_ns BIGINT,
    account TEXT COLLATE "C",
    CONSTRAINT leases_key PRIMARY KEY (lease_id)
);
CREATE TABLE IF NOT EXISTS meta (
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    CONSTRAINT meta_key PRIMARY KEY (key)
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
    call_hash BIGINT,
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
    step_kind TEXT COLLATE "C",
    tool_name TEXT COLLATE "C",
    error_code TEXT COLLATE "C",
    error_category TEXT COLLATE "C",
    scope TEXT COLLATE "C",
    document TEXT COLLATE "C",
    payload TEXT COLLATE "C",
    CONSTRAINT spans_key PRIMARY KEY (execution_id, started_ns, span_id)
)
 PARTITION BY RANGE (execution_id);
CREATE TABLE IF NOT EXISTS terms (
    term BIGINT NOT NULL,
    started_ns BIGINT NOT NULL,
    execution_id BYTEA NOT NULL,
    CONSTRAINT terms_key PRIMARY KEY (term, started_ns, execution_id)
)
 PARTITION BY RANGE (execution_id);
