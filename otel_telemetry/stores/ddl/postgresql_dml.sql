-- add_durations
INSERT INTO durations (hour, failed, longest_ns, kind, workflow_name, workflow_version, name, slowest, buckets) VALUES (%(hour)s::BIGINT, %(failed)s::BIGINT, %(longest_ns)s::BIGINT, %(kind)s::SMALLINT, %(workflow_name)s::VARCHAR COLLATE "C", %(workflow_version)s::VARCHAR COLLATE "C", %(name)s::VARCHAR COLLATE "C", %(slowest)s::VARCHAR COLLATE "C", %(buckets)s::VARCHAR COLLATE "C");
-- add_execution
INSERT INTO executions (started_ns, who_span_id, who_tie, resource_id, state_started_ns, state_span_id, state_tie, segment, spans, steps, tool_calls, retries, waiting_ns, who_ended_ns, ended_ns, duration_ns, lease_id, metadata_started_ns, metadata_span_id, metadata_ended_ns, metadata_tie, variant, max_repeat, who_rank, state_rank, status, flags, execution_id, trace_id, covered_by, execution_type, workflow_name, workflow_version, caller_id, parent_execution_id, error_code, error_category) VALUES (%(started_ns)s::BIGINT, %(who_span_id)s::BIGINT, %(who_tie)s::BIGINT, %(resource_id)s::BIGINT, %(state_started_ns)s::BIGINT, %(state_span_id)s::BIGINT, %(state_tie)s::BIGINT, %(segment)s::BIGINT, %(spans)s::BIGINT, %(steps)s::BIGINT, %(tool_calls)s::BIGINT, %(retries)s::BIGINT, %(waiting_ns)s::BIGINT, %(who_ended_ns)s::BIGINT, %(ended_ns)s::BIGINT, %(duration_ns)s::BIGINT, %(lease_id)s::BIGINT, %(metadata_started_ns)s::BIGINT, %(metadata_span_id)s::BIGINT, %(metadata_ended_ns)s::BIGINT, %(metadata_tie)s::BIGINT, %(variant)s::BIGINT, %(max_repeat)s::BIGINT, %(who_rank)s::SMALLINT, %(state_rank)s::SMALLINT, %(status)s::SMALLINT, %(flags)s::SMALLINT, %(execution_id)s, %(trace_id)s, %(covered_by)s, %(execution_type)s::VARCHAR COLLATE "C", %(workflow_name)s::VARCHAR COLLATE "C", %(workflow_version)s::VARCHAR COLLATE "C", %(caller_id)s::VARCHAR COLLATE "C", %(parent_execution_id)s::VARCHAR COLLATE "C", %(error_code)s::VARCHAR COLLATE "C", %(error_category)s::VARCHAR COLLATE "C");
-- add_kept_durations
INSERT INTO durations_kept (hour, failed, longest_ns, kind, workflow_name, workflow_version, name, slowest, buckets) VALUES (%(hour)s::BIGINT, %(failed)s::BIGINT, %(longest_ns)s::BIGINT, %(kind)s::SMALLINT, %(workflow_name)s::VARCHAR COLLATE "C", %(workflow_version)s::VARCHAR COLLATE "C", %(name)s::VARCHAR COLLATE "C", %(slowest)s::VARCHAR COLLATE "C", %(buckets)s::VARCHAR COLLATE "C");
-- add_lease
INSERT INTO leases (lease_id, host, pid, boot_id, process_started, heartbeat_ns, closed_ns, account) VALUES (%(lease_id)s::BIGINT, %(host)s::VARCHAR COLLATE "C", %(pid)s::BIGINT, %(boot_id)s::VARCHAR COLLATE "C", %(process_started)s::VARCHAR COLLATE "C", %(heartbeat_ns)s::BIGINT, %(closed_ns)s::BIGINT, %(account)s::VARCHAR COLLATE "C") ON CONFLICT DO NOTHING;
-- add_resource
INSERT INTO resources (resource_id, schema_url, attributes) VALUES (%(resource_id)s::BIGINT, %(schema_url)s::VARCHAR COLLATE "C", %(attributes)s::VARCHAR COLLATE "C") ON CONFLICT DO NOTHING;
-- add_span
INSERT INTO spans (started_ns, span_id, resource_id, ended_ns, parent_span_id, sequence, lease_id, call_hash, attempt, kind, status, trace_id, execution_id, name, execution_type, workflow_name, workflow_version, caller_id, parent_execution_id, step_id, step_kind, tool_name, error_code, error_category, scope, document, payload) VALUES (%(started_ns)s::BIGINT, %(span_id)s::BIGINT, %(resource_id)s::BIGINT, %(ended_ns)s::BIGINT, %(parent_span_id)s::BIGINT, %(sequence)s::BIGINT, %(lease_id)s::BIGINT, %(call_hash)s::BIGINT, %(attempt)s::BIGINT, %(kind)s::SMALLINT, %(status)s::SMALLINT, %(trace_id)s, %(execution_id)s, %(name)s::VARCHAR COLLATE "C", %(execution_type)s::VARCHAR COLLATE "C", %(workflow_name)s::VARCHAR COLLATE "C", %(workflow_version)s::VARCHAR COLLATE "C", %(caller_id)s::VARCHAR COLLATE "C", %(parent_execution_id)s::VARCHAR COLLATE "C", %(step_id)s::VARCHAR COLLATE "C", %(step_kind)s::VARCHAR COLLATE "C", %(tool_name)s::VARCHAR COLLATE "C", %(error_code)s::VARCHAR COLLATE "C", %(error_category)s::VARCHAR COLLATE "C", %(scope)s::VARCHAR COLLATE "C", %(document)s::VARCHAR COLLATE "C", %(payload)s::VARCHAR COLLATE "C");
-- add_term
INSERT INTO terms (term, started_ns, execution_id) VALUES (%(term)s::BIGINT, %(started_ns)s::BIGINT, %(execution_id)s) ON CONFLICT DO NOTHING;
-- add_terms
INSERT INTO terms (term, started_ns, execution_id) SELECT given.term, given.started_ns, given.execution_id
FROM unnest(%(term)s::BIGINT[], %(started_ns)s::BIGINT[], %(execution_id)s::BYTEA[]) AS given(term, started_ns, execution_id) ON CONFLICT DO NOTHING;
-- bury_covered_by_day
UPDATE executions SET who_span_id=0, who_tie=0, resource_id=0, state_started_ns=0, state_span_id=0, state_tie=0, segment=0, spans=0, steps=0, tool_calls=0, retries=0, waiting_ns=0, who_ended_ns=NULL, ended_ns=NULL, duration_ns=NULL, lease_id=NULL, metadata_started_ns=NULL, metadata_span_id=NULL, metadata_ended_ns=NULL, metadata_tie=NULL, variant=NULL, max_repeat=NULL, who_rank=127, state_rank=127, status=-1, flags=0, covered_by=NULL, execution_type=NULL, workflow_name=NULL, workflow_version=NULL, caller_id=NULL, parent_execution_id=NULL, error_code=NULL, error_category=NULL WHERE (executions.covered_by >= %(first)s) AND (executions.covered_by < %(next_first)s);
-- bury_day
UPDATE executions SET who_span_id=0, who_tie=0, resource_id=0, state_started_ns=0, state_span_id=0, state_tie=0, segment=0, spans=0, steps=0, tool_calls=0, retries=0, waiting_ns=0, who_ended_ns=NULL, ended_ns=NULL, duration_ns=NULL, lease_id=NULL, metadata_started_ns=NULL, metadata_span_id=NULL, metadata_ended_ns=NULL, metadata_tie=NULL, variant=NULL, max_repeat=NULL, who_rank=127, state_rank=127, status=-1, flags=0, covered_by=NULL, execution_type=NULL, workflow_name=NULL, workflow_version=NULL, caller_id=NULL, parent_execution_id=NULL, error_code=NULL, error_category=NULL WHERE (executions.execution_id >= %(first)s) AND (executions.execution_id < %(next_first)s) AND executions.who_rank < 127;
-- covered
SELECT executions.execution_id
FROM executions
WHERE executions.covered_by = ANY (%(execution_ids)s::BYTEA[]);
-- covered_by_day
SELECT executions.execution_id
FROM executions
WHERE (executions.covered_by >= %(first)s) AND (executions.covered_by < %(next_first)s);
-- durations_of
SELECT durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name, durations.failed, durations.longest_ns, durations.slowest, durations.buckets
FROM durations
WHERE durations.hour = %(hour)s::BIGINT AND durations.workflow_name = %(workflow_name)s::VARCHAR COLLATE "C" AND durations.workflow_version = %(workflow_version)s::VARCHAR COLLATE "C" AND durations.kind = %(kind)s::SMALLINT AND durations.name = %(name)s::VARCHAR COLLATE "C";
-- entered
SELECT executions.execution_id
FROM executions
WHERE (executions.execution_id = ANY (%(execution_ids)s::BYTEA[])) AND executions.covered_by IS NULL AND executions.who_rank < 4;
-- ids_of_spans
SELECT DISTINCT spans.execution_id
FROM spans ORDER BY spans.execution_id;
-- keep_durations
INSERT INTO durations_kept (hour, workflow_name, workflow_version, kind, name, failed, longest_ns, slowest, buckets) SELECT durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name, durations.failed, durations.longest_ns, durations.slowest, durations.buckets
FROM durations
WHERE durations.hour < %(hour)s::BIGINT;
-- lock_executions
SELECT executions.execution_id, executions.who_rank, executions.started_ns, executions.who_span_id, executions.who_ended_ns, executions.who_tie, executions.trace_id, executions.execution_type, executions.workflow_name, executions.workflow_version, executions.caller_id, executions.parent_execution_id, executions.resource_id, executions.state_rank, executions.segment, executions.state_started_ns, executions.state_span_id, executions.ended_ns, executions.state_tie, executions.status, executions.error_code, executions.error_category, executions.lease_id, executions.metadata_started_ns, executions.metadata_span_id, executions.metadata_ended_ns, executions.metadata_tie, executions.flags, executions.spans, executions.duration_ns, executions.variant, executions.steps, executions.tool_calls, executions.retries, executions.max_repeat, executions.waiting_ns, executions.covered_by
FROM executions
WHERE executions.execution_id = ANY (%(execution_ids)s::BYTEA[]) ORDER BY executions.execution_id FOR NO KEY UPDATE;
-- lock_more_executions
SELECT executions.execution_id, executions.who_rank, executions.started_ns, executions.who_span_id, executions.who_ended_ns, executions.who_tie, executions.trace_id, executions.execution_type, executions.workflow_name, executions.workflow_version, executions.caller_id, executions.parent_execution_id, executions.resource_id, executions.state_rank, executions.segment, executions.state_started_ns, executions.state_span_id, executions.ended_ns, executions.state_tie, executions.status, executions.error_code, executions.error_category, executions.lease_id, executions.metadata_started_ns, executions.metadata_span_id, executions.metadata_ended_ns, executions.metadata_tie, executions.flags, executions.spans, executions.duration_ns, executions.variant, executions.steps, executions.tool_calls, executions.retries, executions.max_repeat, executions.waiting_ns, executions.covered_by
FROM executions
WHERE executions.execution_id = ANY (%(execution_ids)s::BYTEA[]) ORDER BY executions.execution_id FOR NO KEY UPDATE NOWAIT;
-- many_durations
SELECT durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name
FROM durations JOIN unnest(%(hour)s::BIGINT[], %(workflow_name)s::TEXT[], %(workflow_version)s::TEXT[], %(kind)s::SMALLINT[], %(name)s::TEXT[]) AS given(hour, workflow_name, workflow_version, kind, name) ON (durations.hour = given.hour) AND (durations.workflow_name = given.workflow_name) AND (durations.workflow_version = given.workflow_version) AND (durations.kind = given.kind) AND (durations.name = given.name) GROUP BY durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name
HAVING count(*) >= %(parts)s::BIGINT;
-- own_in_traces
SELECT given.trace_id, executions.execution_id
FROM unnest(%(trace_id)s::BYTEA[], %(term)s::BIGINT[]) AS given(trace_id, term) JOIN executions ON executions.trace_id = given.trace_id
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.who_rank IN (1, 5, 6) UNION SELECT given.trace_id, executions.execution_id
FROM unnest(%(trace_id)s::BYTEA[], %(term)s::BIGINT[]) AS given(trace_id, term) JOIN terms ON terms.term = given.term JOIN executions ON terms.execution_id = executions.execution_id
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.who_rank IN (1, 5, 6);
-- put_lease
INSERT INTO leases (lease_id, host, pid, boot_id, process_started, heartbeat_ns, closed_ns, account) VALUES (%(lease_id)s::BIGINT, %(host)s::VARCHAR COLLATE "C", %(pid)s::BIGINT, %(boot_id)s::VARCHAR COLLATE "C", %(process_started)s::VARCHAR COLLATE "C", %(heartbeat_ns)s::BIGINT, %(closed_ns)s::BIGINT, %(account)s::VARCHAR COLLATE "C") ON CONFLICT (lease_id) DO UPDATE SET heartbeat_ns = excluded.heartbeat_ns, closed_ns = excluded.closed_ns, account = excluded.account WHERE excluded.heartbeat_ns >= leases.heartbeat_ns OR leases.account IS NULL;
-- remove_all_durations
DELETE FROM durations;
-- remove_durations_before
DELETE FROM durations WHERE durations.hour < %(hour)s::BIGINT;
-- remove_executions
DELETE FROM executions WHERE executions.who_rank != 127;
-- remove_spans
DELETE FROM spans USING unnest(%(execution_id)s::BYTEA[], %(started_ns)s::BIGINT[], %(span_id)s::BIGINT[]) AS given(execution_id, started_ns, span_id) WHERE (spans.execution_id = ANY (%(execution_ids)s::BYTEA[])) AND (spans.execution_id = given.execution_id) AND (spans.started_ns = given.started_ns) AND (spans.span_id = given.span_id);
-- remove_spans_of
DELETE FROM spans WHERE spans.execution_id = %(execution_id)s;
-- remove_terms
DELETE FROM terms USING unnest(%(term)s::BIGINT[], %(started_ns)s::BIGINT[], %(execution_id)s::BYTEA[]) AS given(term, started_ns, execution_id) WHERE (terms.execution_id = ANY (%(execution_ids)s::BYTEA[])) AND (terms.term = given.term) AND (terms.started_ns = given.started_ns) AND (terms.execution_id = given.execution_id);
-- remove_terms_of_all
DELETE FROM terms;
-- remove_tombstones
DELETE FROM executions WHERE executions.who_rank = 127 AND executions.started_ns < %(started_ns)s::BIGINT;
-- set_meta
INSERT INTO meta (key, value) VALUES (%(key)s::VARCHAR COLLATE "C", %(value)s::VARCHAR COLLATE "C") ON CONFLICT (key) DO UPDATE SET value = excluded.value;
-- spans
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, spans.document, spans.payload
FROM spans JOIN unnest(%(execution_id)s::BYTEA[], %(started_ns)s::BIGINT[], %(span_id)s::BIGINT[]) AS given(execution_id, started_ns, span_id) ON (spans.execution_id = given.execution_id) AND (spans.started_ns = given.started_ns) AND (spans.span_id = given.span_id)
WHERE spans.execution_id = ANY (%(execution_ids)s::BYTEA[]);
-- spans_of
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, CASE WHEN (spans.kind = 1) THEN spans.document END AS document, NULL AS payload
FROM spans
WHERE spans.execution_id = ANY (%(execution_ids)s::BYTEA[]);
-- started_before
SELECT executions.execution_id, executions.status, executions.lease_id
FROM executions
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.started_ns < %(started_ns)s::BIGINT ORDER BY executions.started_ns, executions.execution_id;
-- state
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, NULL AS document, NULL AS payload
FROM spans
WHERE spans.execution_id = %(execution_id)s AND spans.started_ns = %(started_ns)s::BIGINT AND spans.span_id = %(span_id)s::BIGINT;
-- states
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, NULL AS document, NULL AS payload
FROM spans JOIN unnest(%(execution_id)s::BYTEA[], %(started_ns)s::BIGINT[], %(span_id)s::BIGINT[]) AS given(execution_id, started_ns, span_id) ON (spans.execution_id = given.execution_id) AND (spans.started_ns = given.started_ns) AND (spans.span_id = given.span_id)
WHERE spans.execution_id = ANY (%(execution_ids)s::BYTEA[]);
-- staying_of_day
SELECT executions.execution_id
FROM executions
WHERE (executions.execution_id >= %(first)s) AND (executions.execution_id < %(next_first)s) AND executions.who_rank < 127 AND (executions.started_ns >= %(before_ns)s::BIGINT OR executions.covered_by IS NOT NULL OR executions.status IN (0, 1) AND (executions.lease_id = ANY (%(live_leases)s::BIGINT[])))
 LIMIT 1;
-- take_durations
DELETE FROM durations WHERE durations.ctid = ANY (array((SELECT durations.ctid
FROM durations JOIN unnest(%(hour)s::BIGINT[], %(workflow_name)s::TEXT[], %(workflow_version)s::TEXT[], %(kind)s::SMALLINT[], %(name)s::TEXT[]) AS given(hour, workflow_name, workflow_version, kind, name) ON (durations.hour = given.hour) AND (durations.workflow_name = given.workflow_name) AND (durations.workflow_version = given.workflow_version) AND (durations.kind = given.kind) AND (durations.name = given.name) FOR UPDATE OF durations SKIP LOCKED))) RETURNING durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name, durations.failed, durations.longest_ns, durations.slowest, durations.buckets;
-- update_end
UPDATE executions SET who_span_id=%(who_span_id)s::BIGINT, who_tie=%(who_tie)s::BIGINT, resource_id=%(resource_id)s::BIGINT, state_started_ns=%(state_started_ns)s::BIGINT, state_span_id=%(state_span_id)s::BIGINT, state_tie=%(state_tie)s::BIGINT, segment=%(segment)s::BIGINT, spans=%(spans)s::BIGINT, steps=%(steps)s::BIGINT, tool_calls=%(tool_calls)s::BIGINT, retries=%(retries)s::BIGINT, waiting_ns=%(waiting_ns)s::BIGINT, who_ended_ns=%(who_ended_ns)s::BIGINT, ended_ns=%(ended_ns)s::BIGINT, duration_ns=%(duration_ns)s::BIGINT, metadata_started_ns=%(metadata_started_ns)s::BIGINT, metadata_span_id=%(metadata_span_id)s::BIGINT, metadata_ended_ns=%(metadata_ended_ns)s::BIGINT, metadata_tie=%(metadata_tie)s::BIGINT, variant=%(variant)s::BIGINT, max_repeat=%(max_repeat)s::BIGINT, state_rank=%(state_rank)s::SMALLINT, status=%(status)s::SMALLINT, flags=%(flags)s::SMALLINT, execution_type=%(execution_type)s::VARCHAR COLLATE "C", error_code=%(error_code)s::VARCHAR COLLATE "C", error_category=%(error_category)s::VARCHAR COLLATE "C" WHERE executions.execution_id = %(execution_id)s;
-- update_execution
UPDATE executions SET started_ns=%(started_ns)s::BIGINT, who_span_id=%(who_span_id)s::BIGINT, who_tie=%(who_tie)s::BIGINT, resource_id=%(resource_id)s::BIGINT, state_started_ns=%(state_started_ns)s::BIGINT, state_span_id=%(state_span_id)s::BIGINT, state_tie=%(state_tie)s::BIGINT, segment=%(segment)s::BIGINT, spans=%(spans)s::BIGINT, steps=%(steps)s::BIGINT, tool_calls=%(tool_calls)s::BIGINT, retries=%(retries)s::BIGINT, waiting_ns=%(waiting_ns)s::BIGINT, who_ended_ns=%(who_ended_ns)s::BIGINT, ended_ns=%(ended_ns)s::BIGINT, duration_ns=%(duration_ns)s::BIGINT, lease_id=%(lease_id)s::BIGINT, metadata_started_ns=%(metadata_started_ns)s::BIGINT, metadata_span_id=%(metadata_span_id)s::BIGINT, metadata_ended_ns=%(metadata_ended_ns)s::BIGINT, metadata_tie=%(metadata_tie)s::BIGINT, variant=%(variant)s::BIGINT, max_repeat=%(max_repeat)s::BIGINT, who_rank=%(who_rank)s::SMALLINT, state_rank=%(state_rank)s::SMALLINT, status=%(status)s::SMALLINT, flags=%(flags)s::SMALLINT, trace_id=%(trace_id)s, covered_by=%(covered_by)s, execution_type=%(execution_type)s::VARCHAR COLLATE "C", workflow_name=%(workflow_name)s::VARCHAR COLLATE "C", workflow_version=%(workflow_version)s::VARCHAR COLLATE "C", caller_id=%(caller_id)s::VARCHAR COLLATE "C", parent_execution_id=%(parent_execution_id)s::VARCHAR COLLATE "C", error_code=%(error_code)s::VARCHAR COLLATE "C", error_category=%(error_category)s::VARCHAR COLLATE "C" WHERE executions.execution_id = %(execution_id)s;
-- update_progress
UPDATE executions SET who_span_id=%(who_span_id)s::BIGINT, who_tie=%(who_tie)s::BIGINT, resource_id=%(resource_id)s::BIGINT, state_started_ns=%(state_started_ns)s::BIGINT, state_span_id=%(state_span_id)s::BIGINT, state_tie=%(state_tie)s::BIGINT, segment=%(segment)s::BIGINT, spans=%(spans)s::BIGINT, steps=%(steps)s::BIGINT, tool_calls=%(tool_calls)s::BIGINT, retries=%(retries)s::BIGINT, waiting_ns=%(waiting_ns)s::BIGINT, who_ended_ns=%(who_ended_ns)s::BIGINT, ended_ns=%(ended_ns)s::BIGINT, metadata_started_ns=%(metadata_started_ns)s::BIGINT, metadata_span_id=%(metadata_span_id)s::BIGINT, metadata_ended_ns=%(metadata_ended_ns)s::BIGINT, metadata_tie=%(metadata_tie)s::BIGINT, variant=%(variant)s::BIGINT, max_repeat=%(max_repeat)s::BIGINT, state_rank=%(state_rank)s::SMALLINT, flags=%(flags)s::SMALLINT, execution_type=%(execution_type)s::VARCHAR COLLATE "C", error_code=%(error_code)s::VARCHAR COLLATE "C", error_category=%(error_category)s::VARCHAR COLLATE "C" WHERE executions.execution_id = %(execution_id)s;
-- whole_spans_of
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, spans.document, spans.payload
FROM spans
WHERE spans.execution_id = ANY (%(execution_ids)s::BYTEA[]);
