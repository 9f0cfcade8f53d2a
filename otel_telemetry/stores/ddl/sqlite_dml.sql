-- add_durations
INSERT INTO durations (hour, failed, longest_ns, kind, workflow_name, workflow_version, name, slowest, buckets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
-- add_execution
INSERT INTO executions (started_ns, who_span_id, who_tie, resource_id, state_started_ns, state_span_id, state_tie, segment, spans, steps, tool_calls, retries, waiting_ns, who_ended_ns, ended_ns, duration_ns, lease_id, metadata_started_ns, metadata_span_id, metadata_ended_ns, metadata_tie, variant, max_repeat, who_rank, state_rank, status, flags, execution_id, trace_id, covered_by, execution_type, workflow_name, workflow_version, caller_id, parent_execution_id, error_code, error_category) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- add_kept_durations
INSERT INTO durations_kept (hour, failed, longest_ns, kind, workflow_name, workflow_version, name, slowest, buckets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
-- add_lease
INSERT INTO leases (lease_id, host, pid, boot_id, process_started, heartbeat_ns, closed_ns, account) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING;
-- add_resource
INSERT INTO resources (resource_id, schema_url, attributes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;
-- add_span
INSERT INTO spans (started_ns, span_id, resource_id, ended_ns, parent_span_id, sequence, lease_id, call_hash, attempt, kind, status, trace_id, execution_id, name, execution_type, workflow_name, workflow_version, caller_id, parent_execution_id, step_id, step_kind, tool_name, error_code, error_category, scope, document, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- add_term
INSERT OR IGNORE INTO terms (term, started_ns, execution_id) VALUES (?, ?, ?);
-- count_durations
SELECT count(*) AS count_1
FROM durations
WHERE durations.hour = ? AND durations.workflow_name = ? AND durations.workflow_version = ? AND durations.kind = ? AND durations.name = ?;
-- covered
SELECT executions.execution_id
FROM executions
WHERE executions.covered_by = ?;
-- durations_of
SELECT durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name, durations.failed, durations.longest_ns, durations.slowest, durations.buckets
FROM durations
WHERE durations.hour = ? AND durations.workflow_name = ? AND durations.workflow_version = ? AND durations.kind = ? AND durations.name = ?;
-- ids_of_spans
SELECT DISTINCT spans.execution_id
FROM spans ORDER BY spans.execution_id;
-- keep_durations
INSERT INTO durations_kept (hour, workflow_name, workflow_version, kind, name, failed, longest_ns, slowest, buckets) SELECT durations.hour, durations.workflow_name, durations.workflow_version, durations.kind, durations.name, durations.failed, durations.longest_ns, durations.slowest, durations.buckets
FROM durations
WHERE durations.hour < ?;
-- own_in_trace
SELECT executions.execution_id
FROM executions
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.who_rank IN (1, 5, 6) AND executions.trace_id = ? UNION SELECT executions.execution_id
FROM terms JOIN executions ON terms.execution_id = executions.execution_id
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.who_rank IN (1, 5, 6) AND terms.term = ?;
-- put_lease
INSERT INTO leases (lease_id, host, pid, boot_id, process_started, heartbeat_ns, closed_ns, account) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lease_id) DO UPDATE SET heartbeat_ns = excluded.heartbeat_ns, closed_ns = excluded.closed_ns, account = excluded.account WHERE excluded.heartbeat_ns >= leases.heartbeat_ns OR leases.account IS NULL;
-- put_span
INSERT OR REPLACE INTO spans (started_ns, span_id, resource_id, ended_ns, parent_span_id, sequence, lease_id, call_hash, attempt, kind, status, trace_id, execution_id, name, execution_type, workflow_name, workflow_version, caller_id, parent_execution_id, step_id, step_kind, tool_name, error_code, error_category, scope, document, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
-- remove_all_durations
DELETE FROM durations;
-- remove_durations
DELETE FROM durations WHERE durations.hour = ? AND durations.workflow_name = ? AND durations.workflow_version = ? AND durations.kind = ? AND durations.name = ?;
-- remove_durations_before
DELETE FROM durations WHERE durations.hour < ?;
-- remove_executions
DELETE FROM executions WHERE executions.who_rank != 127;
-- remove_spans_of
DELETE FROM spans WHERE spans.execution_id = ?;
-- remove_term
DELETE FROM terms WHERE terms.term = ? AND terms.started_ns = ? AND terms.execution_id = ?;
-- remove_terms_of_all
DELETE FROM terms;
-- remove_tombstones
DELETE FROM executions WHERE executions.who_rank = 127 AND executions.started_ns < ?;
-- set_meta
INSERT INTO meta ("key", value) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET value = excluded.value;
-- span
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, spans.document, spans.payload
FROM spans
WHERE spans.execution_id = ? AND spans.started_ns = ? AND spans.span_id = ?;
-- spans_of
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, CASE WHEN (spans.kind = 1) THEN spans.document END AS document, NULL AS payload
FROM spans
WHERE spans.execution_id = ?;
-- started_before
SELECT executions.execution_id, executions.status, executions.lease_id
FROM executions
WHERE executions.who_rank < 127 AND executions.covered_by IS NULL AND executions.started_ns < ? ORDER BY executions.started_ns, executions.execution_id;
-- state
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, NULL AS document, NULL AS payload
FROM spans
WHERE spans.execution_id = ? AND spans.started_ns = ? AND spans.span_id = ?;
-- two_executions
SELECT executions.execution_id, executions.who_rank, executions.started_ns, executions.who_span_id, executions.who_ended_ns, executions.who_tie, executions.trace_id, executions.execution_type, executions.workflow_name, executions.workflow_version, executions.caller_id, executions.parent_execution_id, executions.resource_id, executions.state_rank, executions.segment, executions.state_started_ns, executions.state_span_id, executions.ended_ns, executions.state_tie, executions.status, executions.error_code, executions.error_category, executions.lease_id, executions.metadata_started_ns, executions.metadata_span_id, executions.metadata_ended_ns, executions.metadata_tie, executions.flags, executions.spans, executions.duration_ns, executions.variant, executions.steps, executions.tool_calls, executions.retries, executions.max_repeat, executions.waiting_ns, executions.covered_by
FROM executions
WHERE executions.execution_id IN (?, ?);
-- update_end
UPDATE executions SET who_span_id=?, who_tie=?, resource_id=?, state_started_ns=?, state_span_id=?, state_tie=?, segment=?, spans=?, steps=?, tool_calls=?, retries=?, waiting_ns=?, who_ended_ns=?, ended_ns=?, duration_ns=?, metadata_started_ns=?, metadata_span_id=?, metadata_ended_ns=?, metadata_tie=?, variant=?, max_repeat=?, state_rank=?, status=?, flags=?, execution_type=?, error_code=?, error_category=? WHERE executions.execution_id = ?;
-- update_execution
UPDATE executions SET started_ns=?, who_span_id=?, who_tie=?, resource_id=?, state_started_ns=?, state_span_id=?, state_tie=?, segment=?, spans=?, steps=?, tool_calls=?, retries=?, waiting_ns=?, who_ended_ns=?, ended_ns=?, duration_ns=?, lease_id=?, metadata_started_ns=?, metadata_span_id=?, metadata_ended_ns=?, metadata_tie=?, variant=?, max_repeat=?, who_rank=?, state_rank=?, status=?, flags=?, trace_id=?, covered_by=?, execution_type=?, workflow_name=?, workflow_version=?, caller_id=?, parent_execution_id=?, error_code=?, error_category=? WHERE executions.execution_id = ?;
-- update_progress
UPDATE executions SET who_span_id=?, who_tie=?, resource_id=?, state_started_ns=?, state_span_id=?, state_tie=?, segment=?, spans=?, steps=?, tool_calls=?, retries=?, waiting_ns=?, who_ended_ns=?, ended_ns=?, metadata_started_ns=?, metadata_span_id=?, metadata_ended_ns=?, metadata_tie=?, variant=?, max_repeat=?, state_rank=?, flags=?, execution_type=?, error_code=?, error_category=? WHERE executions.execution_id = ?;
-- whole_spans_of
SELECT spans.execution_id, spans.span_id, spans.started_ns, spans.trace_id, spans.parent_span_id, spans.kind, spans.status, spans.ended_ns, spans.sequence, spans.name, spans.execution_type, spans.workflow_name, spans.workflow_version, spans.caller_id, spans.parent_execution_id, spans.step_id, spans.step_kind, spans.attempt, spans.tool_name, spans.error_code, spans.error_category, spans.call_hash, spans.scope, spans.lease_id, spans.resource_id, spans.document, spans.payload
FROM spans
WHERE spans.execution_id = ?;
