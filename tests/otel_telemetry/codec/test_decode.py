"""How spans nest into a record, and what is said of those that do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from otel_telemetry import semconv
from otel_telemetry.codec import decode, encode, summary
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionType,
    StepStatus,
    StepType,
    ToolCallSource,
)
from otel_telemetry.rows import fold, row_of
from otel_telemetry.tracing.names import clean_id
from span_processors.data import CleanText, EventData, ResourceData, ScopeData, SpanData
from tests.otel_telemetry.decoded import decoded, rows_of

RESOURCE = ResourceData.of({"service.name": "test"})
SCOPE = ScopeData(semconv.SCOPE_NAME)


def make(span_id: int, parent: int | None, attributes: dict[str, Any], **fields: Any) -> SpanData:
    values: dict[str, Any] = {
        "trace_id": 7,
        "trace_state": "",
        "flags": 1,
        "name": f"span {span_id}",
        "kind": 0,
        "start_ns": 100 + span_id,
        "end_ns": 200 + span_id,
        "status_code": 0,
        "status_message": None,
        "events": (),
        "links": (),
        "dropped_attributes": 0,
        "dropped_events": 0,
        "dropped_links": 0,
        "resource": RESOURCE,
        "scope": SCOPE,
    }
    return SpanData(**(values | fields), span_id=span_id, parent_span_id=parent, attributes=attributes)


def execution(span_id: int = 1, parent: int | None = None, **fields: Any) -> SpanData:
    attributes = {
        semconv.KIND: "execution",
        semconv.EXECUTION_ID: "e",
        semconv.OPERATION_NAME: "invoke_workflow",
        semconv.STATUS: "completed",
        **fields.pop("more", {}),
    }
    return make(span_id, parent, attributes, **fields)


def step(span_id: int, step_id: str, parent: int | None = 1, **fields: Any) -> SpanData:
    attributes = {
        semconv.KIND: "step",
        semconv.EXECUTION_ID: "e",
        semconv.STATUS: "completed",
        semconv.STEP_ID: step_id,
        **fields.pop("more", {}),
    }
    return make(span_id, parent, attributes, **fields)


def call(span_id: int, step_id: str | None, parent: int | None, **fields: Any) -> SpanData:
    attributes = {
        semconv.KIND: "tool_call",
        semconv.EXECUTION_ID: "e",
        semconv.OPERATION_NAME: "execute_tool",
        semconv.TOOL_NAME: "t",
        semconv.TOOL_CALL_ID: f"call {span_id}",
        **({} if step_id is None else {semconv.STEP_ID: step_id}),
        **fields.pop("more", {}),
    }
    return make(span_id, parent, attributes, **fields)


def nested(record: ExecutionRecord) -> dict[str, Any]:
    """The ids of the spans of each step's calls, by the id of the step's span; loose calls under None."""
    found: dict[Any, Any] = {
        int(step.span.span_id, 16): [int(call.span.span_id, 16) for call in step.tool_calls if call.span]
        for step in record.steps
        if step.span
    }
    found[None] = [int(call.span.span_id, 16) for call in record.tool_calls if call.span]
    return found


def problems(record: ExecutionRecord) -> list[str]:
    parts = [*record.steps, *record.all_tool_calls(), *record.spans]
    return [*record.problems, *(problem for part in parts for problem in part.problems)]


def stable(record: ExecutionRecord) -> None:
    assert decoded(encode(record)) == record


def test_a_usual_execution() -> None:
    spans = [
        execution(
            more={
                semconv.INPUTS: CleanText('{"a":1}'),
                semconv.METADATA: CleanText('{"k":"v"}'),
                semconv.CALLER_ID: "c",
                "engine.shard": 5,
            }
        ),
        step(2, "one", more={semconv.ATTEMPT: 2, semconv.CODE_HASH: "ab"}),
        call(3, "one", 2, more={semconv.TOOL_PARAMS: CleanText("[1]"), semconv.TOOL_SOURCE: "code_block"}),
        make(4, 3, {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: 9, "http.method": "GET"}),
    ]
    record = decoded(spans)
    assert (record.execution_id, record.status, record.inputs, record.metadata) == (
        "e",
        ExecutionStatus.COMPLETED,
        {"a": 1},
        {"k": "v"},
    )
    assert record.span is not None
    assert record.span.attributes == {"engine.shard": 5}
    assert (record.span.resource.attributes, record.span.scope.name) == ({"service.name": "test"}, "otel_telemetry")
    (one,) = record.steps
    assert (one.step_id, one.attempt, one.code_hash, one.duration_ms) == ("one", 2, "ab", 0.0001)
    assert one.span is not None
    assert (one.span.resource, one.span.scope) == (None, None)
    (made,) = one.tool_calls
    assert (made.tool_name, made.call_id, made.params, made.source) == ("t", "call 3", [1], ToolCallSource.CODE_BLOCK)
    (other,) = record.spans
    assert (other.sequence, other.span.attributes) == (9, {"http.method": "GET"})
    assert problems(record) == []
    stable(record)


def test_steps_are_in_the_order_they_started_and_sequence_decides_ties() -> None:
    spans = [
        execution(),
        step(5, "third", start_ns=150, more={semconv.SEQUENCE: 2}),
        step(9, "second", start_ns=150, more={semconv.SEQUENCE: 1}),
        step(7, "fourth", start_ns=151, more={semconv.SEQUENCE: 0}),
        step(8, "first", start_ns=149, more={semconv.SEQUENCE: 3}),
    ]
    assert [part.step_id for part in decoded(spans).steps] == ["first", "second", "third", "fourth"]


def test_a_call_belongs_to_the_attempt_it_was_made_in() -> None:
    spans = [
        execution(),
        step(2, "s", start_ns=110),
        step(3, "s", start_ns=120, more={semconv.ATTEMPT: 2}),
        call(4, "s", 2, start_ns=130),
        call(5, "s", 3, start_ns=131),
        call(6, "s", 1, start_ns=115),
        call(7, "s", 1, start_ns=125),
        call(8, "s", 1, start_ns=105),
    ]
    record = decoded(spans)
    assert nested(record) == {2: [8, 6, 4], 3: [7, 5], None: []}
    assert problems(record) == []
    stable(record)


def test_a_call_finds_its_step_through_spans_between() -> None:
    spans = [execution(), step(2, "s"), make(3, 2, {semconv.EXECUTION_ID: "e"}), call(4, None, 3), call(5, "s", 4)]
    assert nested(decoded(spans)) == {2: [4, 5], None: []}


def test_a_call_without_a_step_is_the_executions() -> None:
    record = decoded([execution(more={semconv.EXECUTION_TYPE: "direct"}), call(2, None, 1), call(3, "gone", 1)])
    assert record.type is ExecutionType.DIRECT
    assert nested(record) == {None: [2, 3]}
    assert problems(record) == ["its step is not there"]
    stable(record)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (semconv.STATUS, "done", "otel_telemetry.status is 'done', which is none of its values"),
        (semconv.STATUS, ["x"], "otel_telemetry.status is ['x'], which is none of its values"),
        (semconv.SEQUENCE, "1", "otel_telemetry.sequence is not an integer"),
        (semconv.SEQUENCE, True, "otel_telemetry.sequence is not an integer"),
        (semconv.WORKFLOW_NAME, 5, "gen_ai.workflow.name is not text"),
        (semconv.INPUTS, "{", "otel_telemetry.inputs is not JSON"),
        (semconv.METADATA, "[]", "otel_telemetry.metadata is not a JSON object"),
        (semconv.INTERRUPTED, 1, "otel_telemetry.interrupted is neither true nor false"),
        (semconv.ERROR, '{"code":"c"}', "otel_telemetry.error is no error record (error: 'category' is missing)"),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_stays(key: str, value: Any, problem: str) -> None:
    record = decoded([execution(more={key: value})])
    assert record.problems == (problem,)
    assert record.span is not None
    assert record.span.attributes == {key: value}
    assert record.status is ExecutionStatus.COMPLETED
    stable(record)


def test_problems_of_the_recording_come_first() -> None:
    record = decoded([execution(more={semconv.PROBLEMS: ["a.b: NaN stored as text"], semconv.SEQUENCE: "x"})])
    assert record.problems == ("a.b: NaN stored as text", "otel_telemetry.sequence is not an integer")
    stable(record)


def test_what_is_missing_is_taken_from_the_span() -> None:
    spans = [
        make(1, None, {semconv.KIND: "execution"}, end_ns=None),
        make(2, 1, {semconv.KIND: "step"}, name="step x", status_code=2),
        make(3, 1, {semconv.KIND: "tool_call"}, name="execute_tool y"),
    ]
    record = decoded(spans)
    assert (record.execution_id, record.status) == (f"{7:032x}", ExecutionStatus.RUNNING)
    assert (record.steps[0].step_id, record.steps[0].status) == ("step x", StepStatus.FAILED)
    assert (record.tool_calls[0].tool_name, record.tool_calls[0].call_id) == ("execute_tool y", f"{3:016x}")
    assert problems(record) == [
        "otel_telemetry.step.id is missing: the span's name stands for it",
        "gen_ai.tool.name is missing: the span's name stands for it",
    ]
    stable(record)


@pytest.mark.parametrize(
    ("status", "expected"), [("running", True), ("pending", True), ("completed", False), ("failed", False)]
)
def test_only_what_had_not_ended_is_interrupted(status: str, expected: bool) -> None:  # noqa: FBT001  (a parameter)
    rows = [row_of(span, 1) for span in (execution(end_ns=None, more={semconv.STATUS: status}), step(2, "s"))]
    record = decode(rows)
    assert (record.interrupted, record.status.value) == (expected, status)
    assert summary(fold(rows), rows[:1], interrupted=True).interrupted is expected
    assert not decode(rows, live_leases=frozenset({1})).interrupted
    assert not summary(fold(rows), rows[:1], interrupted=False).interrupted
    stable(record)


def test_the_lease_of_a_part_says_nothing_of_an_execution_that_is_there() -> None:
    rows = [row_of(execution(end_ns=None, more={semconv.STATUS: "running"}), 1), row_of(step(2, "s", end_ns=None), 2)]
    assert not decode(rows, live_leases=frozenset({1})).interrupted
    assert decode(rows, live_leases=frozenset({2})).interrupted


def test_an_execution_without_its_own_span_is_what_the_others_say() -> None:
    spans = [step(2, "s", end_ns=300), call(3, "s", 2)]
    record = decode([row_of(span, 5) for span in spans])
    assert (record.execution_id, record.rootless, record.span) == ("e", True, None)
    assert (record.status, record.started_at, record.completed_at, record.interrupted) == (
        ExecutionStatus.RUNNING,
        102,
        None,
        True,
    )
    assert record.workflow_name == "span 2", "it is named after its earliest span"
    assert record.problems == ("the execution's own span is missing; this is what the others say",)
    assert nested(record) == {2: [3], None: []}
    assert len(encode(record)) == 2
    assert not decode([row_of(span, 5) for span in spans], live_leases=frozenset({5})).interrupted
    assert decoded(spans) == record, "no process of ours will end what was imported"
    stable(record)


def test_a_trace_of_others_without_its_root_is_named_and_timed_after_its_earliest_span() -> None:
    record = decoded([make(3, 2, {}), make(2, 9, {}, end_ns=500, status_code=2)])
    assert (record.rootless, record.status, record.completed_at) == (True, ExecutionStatus.FAILED, 500)
    assert (record.workflow_name, record.started_at) == ("span 2", 102)
    assert record.steps[0].problems == ("its parent 0000000000000009 is not there",)
    assert record.problems == ("the execution's own span is missing; this is what the others say",)
    assert decoded([make(2, 9, {}), make(3, 2, {}, status_code=2)]).status is ExecutionStatus.COMPLETED
    assert decoded([make(2, 9, {}), make(3, 2, {}, end_ns=None)]).status is ExecutionStatus.COMPLETED
    assert decoded([make(2, 9, {}, end_ns=None)]).status is ExecutionStatus.RUNNING
    stable(record)


def test_several_claims_to_be_the_execution_are_one_record() -> None:
    """The first says who it is, the newest how it stands; any that it has says its metadata."""
    record = decoded(
        [
            execution(
                1,
                more={
                    semconv.WORKFLOW_NAME: "w",
                    semconv.WORKFLOW_VERSION: "1",
                    semconv.CALLER_ID: "c",
                    semconv.INPUTS: CleanText("1"),
                    semconv.METADATA: CleanText('{"k":1}'),
                    semconv.STATUS: "failed",
                },
            ),
            execution(2, more={semconv.WORKFLOW_NAME: "other", semconv.OUTPUTS: CleanText("2")}, end_ns=400),
            make(3, None, {semconv.EXECUTION_ID: "e"}),
        ]
    )
    assert record.span is not None
    assert record.span.span_id == f"{2:016x}"
    assert (record.workflow_name, record.workflow_version, record.caller_id) == ("w", "1", "c")
    assert (record.status, record.started_at, record.completed_at) == (ExecutionStatus.COMPLETED, 101, 400)
    assert (record.inputs, record.outputs, record.metadata) == (1, 2, {"k": 1})
    assert record.problems == ("several spans claim to be this execution; the newest says how it stands",)
    assert [part.problems for part in record.spans] == [("is another span of an execution with the same id",)]
    assert [part.problems for part in record.steps] == [("is another root of the same trace",)]
    stable(record)


def test_of_several_claims_the_newest_that_has_metadata_says_it() -> None:
    more = [{semconv.METADATA: CleanText(text)} if text else {} for text in ('{"k":1}', '{"k":2}', "")]
    record = decoded([execution(number, more=said) for number, said in enumerate(more, 1)])
    assert (record.metadata, record.span.span_id) == ({"k": 2}, f"{3:016x}")  # type: ignore[union-attr]
    assert len(record.spans) == 2
    stable(record)


def test_what_a_resumed_run_says_by_its_id_alone_is_no_name() -> None:
    """Whoever says what it runs is better than whoever came first."""
    record = decoded([execution(1), execution(2, more={semconv.WORKFLOW_NAME: "w"})])
    assert (record.workflow_name, record.started_at) == ("w", 102)


@pytest.mark.parametrize("late", [1, 2])
def test_a_claim_that_has_not_ended_is_open_where_it_is_the_newest(late: int) -> None:
    rows = [
        row_of(
            execution(number, more={semconv.STATUS: "running"}, end_ns=None) if number == late else execution(number), 1
        )
        for number in (1, 2)
    ]
    record = decode(rows)
    newest_is_open = late == 2
    assert (record.status is ExecutionStatus.RUNNING, record.interrupted) == (newest_is_open, newest_is_open)
    assert summary(fold(rows), rows, interrupted=True).interrupted is newest_is_open


def test_a_call_from_another_process_is_a_step_where_its_caller_is_there() -> None:
    spans = [make(1, None, {}), make(2, 1, {}, flags=0x301, resource=ResourceData.of({"service.name": "other"}))]
    record = decoded(spans)
    assert [(part.step_id, part.problems) for part in record.steps] == [("span 2", ())]
    assert record.steps[0].span is not None
    assert record.steps[0].span.resource.attributes == {"service.name": "other"}
    assert decoded(spans[1:]).span.span_id == f"{2:016x}"
    assert problems(decoded(spans[1:])) == []


def test_parents_in_a_circle_and_times_that_go_back() -> None:
    record = decoded([execution(), step(2, "a", 3), step(3, "b", 2), step(4, "c", 4), step(5, "d", 3, end_ns=1)])
    assert {part.step_id: part.problems for part in record.steps} == {
        "a": ("its parents lead back to itself",),
        "b": ("its parents lead back to itself",),
        "c": ("its parents lead back to itself",),
        "d": ("ended before it started",),
    }
    assert record.steps[-1].duration_ms is not None
    assert record.steps[-1].duration_ms < 0
    stable(record)


def test_equal_spans_are_one_and_others_with_the_same_id_are_told() -> None:
    record = decoded([execution(), step(2, "a"), step(2, "a"), step(2, "b", start_ns=150)])
    assert [(part.step_id, part.problems) for part in record.steps] == [
        ("a", ("another span has the same id",)),
        ("b", ("another span has the same id",)),
    ]
    stable(record)


def test_kinds_and_status_codes_of_a_later_version_are_kept() -> None:
    record = decoded([execution(kind=9, status_code=7)])
    assert record.span is not None
    assert (record.span.kind, record.span.status_code) == ("9", "7")
    stable(record)


def test_no_span_is_no_execution() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        decoded([])


def test_a_chain_of_ten_thousand_spans_is_no_trouble() -> None:
    spans = [make(number, number - 1 if number > 1 else None, {}) for number in range(1, 10_001)]
    record = decoded(spans)
    assert (len(record.steps), problems(record)) == (9_999, [])


AGENT = [
    make(1, None, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}),
    make(2, 1, {"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role": "user"}]'}, name="chat m"),
    make(
        3,
        2,
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": '{"q": "x"}',
            "gen_ai.tool.call.result": "plain text",
        },
        status_code=2,
        status_message="broke",
        events=(EventData("exception", 5, {"exception.type": "E", "exception.message": "too many"}),),
    ),
]


def test_an_agent_with_the_conventions_of_opentelemetry() -> None:
    record = decoded(AGENT)
    assert (record.workflow_name, record.status, record.error) == ("planner", ExecutionStatus.COMPLETED, None)
    (chat,) = record.steps
    assert (chat.step_id, chat.tool_params) == ("chat m", [{"role": "user"}])
    (made,) = chat.tool_calls
    assert (made.tool_name, made.call_id, made.params, made.result) == ("search", "c1", {"q": "x"}, "plain text")
    assert made.step_id == "chat m"
    assert made.source is ToolCallSource.CODE_BLOCK
    assert made.error == ErrorRecord(code="E", category="unexpected", message="too many")
    assert made.span is not None
    assert made.span.foreign
    assert made.span.attributes == AGENT[2].attributes
    assert encode(record) == AGENT
    stable(record)


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "openinference.span.kind", "tool": "tool.name", "in": "input.value", "out": "output.value"},
        {
            "kind": "traceloop.span.kind",
            "tool": "traceloop.entity.name",
            "in": "traceloop.entity.input",
            "out": "traceloop.entity.output",
        },
    ],
    ids=["openinference", "openllmetry"],
)
def test_an_agent_with_other_conventions(keys: dict[str, str]) -> None:
    spans = [
        make(1, None, {keys["kind"]: "agent", keys["in"]: "hello", keys["out"]: '{"a": 1}'}),
        make(2, 1, {keys["kind"]: "TOOL", keys["tool"]: "search", keys["in"]: "{broken", keys["out"]: 5}),
    ]
    record = decoded(spans)
    assert (record.workflow_name, record.inputs, record.outputs) == ("span 1", "hello", {"a": 1})
    (made,) = record.tool_calls
    assert (made.tool_name, made.params, made.result) == ("search", "{broken", 5)
    assert encode(record) == spans
    stable(record)


def test_a_payload_that_came_as_a_map_is_read() -> None:
    error = {"code": "c", "category": "g", "message": "m"}
    record = decoded([execution(more={semconv.INPUTS: {"a": 1}, semconv.METADATA: {"k": 1}, semconv.ERROR: error})])
    assert (record.inputs, record.metadata, record.error) == (
        {"a": 1},
        {"k": 1},
        ErrorRecord(code="c", category="g", message="m"),
    )
    stable(record)


# what others record inside one of our executions


def inner(span_id: int, parent: int, marker: dict[str, Any], **fields: Any) -> SpanData:
    attributes = {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: span_id, **marker}
    return make(span_id, parent, attributes, **{"scope": ScopeData("agents"), **fields})


def inner_tool(span_id: int, parent: int, tool: str = "t", **fields: Any) -> SpanData:
    return inner(span_id, parent, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}, **fields)


@pytest.mark.parametrize("kind", ["agent", "chain", "chat", "plan"])
def test_agents_and_model_calls_inside_ours_are_steps_of_a_kind(kind: str) -> None:
    operation = {"agent": "invoke_agent", "chain": "invoke_workflow"}.get(kind, kind)
    record = decoded([execution(), step(2, "s"), inner(3, 2, {"gen_ai.operation.name": operation}, name="theirs")])
    ours, theirs = record.steps
    assert (ours.step_id, ours.kind) == ("s", "step")
    assert (theirs.step_id, theirs.kind, theirs.step_type, theirs.sequence) == ("theirs", kind, StepType.CODE, 3)
    assert (record.spans, problems(record)) == ((), [])
    stable(record)


def test_tools_of_others_inside_ours_are_calls_of_the_step_around_them() -> None:
    record = decoded(
        [
            execution(),
            step(2, "s"),
            inner(3, 2, {"gen_ai.operation.name": "invoke_agent"}, name="planner"),
            inner_tool(4, 3, status_code=2),
            inner_tool(5, 1),
            inner(6, 5, {"http.method": "GET"}),
        ]
    )
    assert nested(record) == {2: [], 3: [4], None: [5]}
    (made,) = record.steps[1].tool_calls
    assert (made.tool_name, made.step_id, made.execution_id) == ("t", "planner", "e")
    assert made.error == ErrorRecord(code="error", category="unexpected", message="")
    assert [span.span.span_id for span in record.spans] == [f"{6:016x}"]
    assert problems(record) == []
    stable(record)


def test_the_double_of_a_call_is_a_mere_span() -> None:
    """Of the same tool, directly above or below a call of ours; of another tool, or further away, it is a call."""
    record = decoded(
        [
            execution(),
            inner_tool(2, 1),
            call(3, None, 2),
            inner_tool(4, 3),
            inner_tool(5, 3, "other"),
            inner_tool(6, 4),
            call(7, None, 1),
        ]
    )
    assert nested(record) == {None: [3, 5, 6, 7]}
    assert [int(span.span.span_id, 16) for span in record.spans] == [2, 4]
    stable(record)


def test_a_span_inside_ours_whose_parent_is_gone_is_a_problem_where_others_recorded_it() -> None:
    record = decoded([execution(), inner_tool(2, 99), step(3, "s", parent=99)])
    assert record.tool_calls[0].problems == (f"its parent {99:016x} is not there",)
    assert record.steps[0].problems == ()


# a tool of others at the root


def root_tool(**fields: Any) -> SpanData:
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"q": 1}',
        "gen_ai.tool.call.result": "found",
    }
    return make(1, None, attributes, name="execute_tool search", **fields)


def test_a_tool_of_others_at_the_root_is_a_direct_execution_with_its_call() -> None:
    spans = [root_tool(status_code=2), make(2, 1, {}, name="GET /")]
    record = decoded(spans)
    assert (record.type, record.workflow_name, record.status) == (ExecutionType.DIRECT, None, ExecutionStatus.FAILED)
    assert (record.inputs, record.outputs) == ({"q": 1}, "found")
    (made,) = record.tool_calls
    assert (made.tool_name, made.call_id, made.params, made.result) == ("search", "c1", {"q": 1}, "found")
    assert (made.execution_id, made.step_id, made.error) == (record.execution_id, None, record.error)
    assert made.error == ErrorRecord(code="error", category="unexpected", message="")
    assert made.span == record.span
    assert (made.started_at, made.completed_at) == (record.started_at, record.completed_at)
    assert [part.step_id for part in record.steps] == ["GET /"]
    assert encode(record) == spans, "one span stands for both"
    stable(record)
    rows = rows_of(spans)
    line = summary(fold(rows), rows[:1], interrupted=False)
    assert (line.type, line.workflow_name, line.error) == (record.type, None, record.error)


def test_a_tool_that_was_called_from_elsewhere_is_direct_too_and_another_one_is_its_call() -> None:
    """As a server of MCP records them; the earlier of two entries is the execution."""
    record = decoded([root_tool()._replace(parent_span_id=9, flags=0x301), inner_root_tool(2)])
    assert (record.type, record.rootless) == (ExecutionType.DIRECT, False)
    assert nested(record) == {None: [1, 2]}
    assert problems(record) == []
    stable(record)


def inner_root_tool(span_id: int) -> SpanData:
    marker = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "fetch"}
    return make(span_id, 9, marker, flags=0x301)


# a trace that is read into the execution that called


def called_trace() -> list[SpanData]:
    """Our execution ``e`` made a request; the callee knows no more than the trace, and records a step of ours too."""
    trace = f"{7:032x}"
    return [
        execution(),
        step(2, "s"),
        make(3, 2, {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: 3}, name="POST", scope=ScopeData("httpx")),
        make(4, 3, {}, name="POST /x", flags=0x301, scope=ScopeData("fastapi")),
        step(5, "handler", 4, more={semconv.EXECUTION_ID: trace}),
        call(6, "handler", 5, more={semconv.EXECUTION_ID: trace}),
        make(7, 5, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}, scope=ScopeData("agents")),
        make(8, 4, {"gen_ai.operation.name": "invoke_agent"}, name="planner", scope=ScopeData("agents")),
        make(9, 8, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"}, scope=ScopeData("agents")),
        make(10, 6, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}, scope=ScopeData("agents")),
    ]


def test_a_trace_is_read_into_the_execution_that_called_as_if_it_were_inside() -> None:
    spans = called_trace()
    for order in (spans, spans[::-1]):
        record = decode(rows_of(order), "e")
        assert (record.execution_id, record.rootless, record.problems) == ("e", False, ())
        assert [(part.step_id, part.kind) for part in record.steps] == [
            ("s", "step"),
            ("handler", "step"),
            ("planner", "agent"),
        ]
        assert nested(record) == {2: [], 5: [6, 7], 8: [9], None: []}
        assert {made.execution_id for made in record.all_tool_calls()} == {"e"}
        assert [int(span.span.span_id, 16) for span in record.spans] == [3, 4, 10], "entries and doubles are mere spans"
        assert problems(record) == []


def test_a_trace_that_was_read_into_an_execution_comes_out_of_it_as_it_was() -> None:
    spans = called_trace()
    record = decode(rows_of(spans), "e")
    made = encode(record)
    assert {row.execution_id for row in rows_of(made)} == {"e", f"{7:032x}"}
    assert sorted(made, key=lambda span: span.span_id) == [
        span._replace(attributes={**span.attributes, **more})
        for span, more in zip(
            spans,
            [
                {semconv.EXECUTION_TYPE: "workflow"},
                *(
                    {semconv.STEP_TYPE: "code", semconv.ATTEMPT: 1} if number in {2, 5} else {}
                    for number in range(2, 6)
                ),
                {semconv.TOOL_SOURCE: "tool_step"},
                *({} for _ in range(7, 11)),
            ],
            strict=True,
        )
    ]
    assert decode(rows_of(made), "e") == record


def test_the_spans_of_a_trace_alone_are_an_execution() -> None:
    record = decoded(called_trace()[3:])
    assert (record.execution_id, record.workflow_name) == (f"{7:032x}", "POST /x")
    assert [part.step_id for part in record.steps] == ["handler", "planner"]
    stable(record)


def test_what_is_asked_for_has_to_be_there() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        decode(rows_of(called_trace()), "another")


def test_an_id_that_no_row_can_have_stays_in_the_span() -> None:
    """Whoever reads a record finds it again by its id, which the recorder would have made of it too."""
    long = "x" * 300
    more = {semconv.EXECUTION_ID: long, semconv.PARENT_EXECUTION_ID: long + "y"}
    spans = [execution(more=more), call(2, None, 1, more={semconv.EXECUTION_ID: long})]
    record = decoded(spans)
    assert record.execution_id == fold(rows_of(spans)).execution_id == clean_id(long, str)
    assert record.parent_execution_id == fold(rows_of(spans)).parent_execution_id == clean_id(long + "y", str)
    assert record.problems == (
        f"{semconv.PARENT_EXECUTION_ID} is too long: its beginning and a digest stand for it",
        f"{semconv.EXECUTION_ID} is too long: its beginning and a digest stand for it",
    )
    assert record.tool_calls[0].problems == record.problems[1:]
    assert record.span is not None
    assert record.span.attributes == more
    assert record.tool_calls[0].execution_id == record.execution_id
    assert [span.attributes[semconv.EXECUTION_ID] for span in encode(record)] == [long, long]
    stable(record)


def test_text_that_came_as_json_is_read_as_the_text_that_it_is() -> None:
    for key, expected in ((semconv.PROBLEMS, ('["a"]',)), (semconv.WORKFLOW_NAME, "5")):
        more = {
            semconv.EXECUTION_TYPE: "workflow",
            semconv.STATUS: "completed",
            key: CleanText('["a"]' if key == semconv.PROBLEMS else "5"),
        }
        record = decoded([execution(more=more)])
        assert (record.problems if key == semconv.PROBLEMS else record.workflow_name) == expected
        stable(record)
