"""Spans as rows: nothing is lost, columns say what is asked for, foreign conventions are understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_telemetry import semconv
from otel_telemetry.rows import (
    COLUMNS,
    INTERRUPTED_LEASE,
    RowKind,
    RowStatus,
    SpanRow,
    claim,
    data_of,
    doubles,
    greatest,
    index_value,
    is_greater,
    join,
    metadata_of,
    row_of,
    search_text,
)
from otel_telemetry.rows.conventions import CONVENTIONS
from span_processors.data import CleanText, EventData, ResourceData, ScopeData, SpanData
from span_processors.redaction import canonical
from tests.otel_telemetry.strategies import JSON, TEXT, spans

RESOURCE = ResourceData.of({"service.name": "test"})
REMOTE_PARENT = 0x301


def make(attributes: dict[str, Any], **fields: Any) -> SpanData:
    values: dict[str, Any] = {
        "trace_id": 2**127 + 1,
        "span_id": 5,
        "parent_span_id": None,
        "trace_state": "",
        "flags": 3,
        "name": "name",
        "kind": 0,
        "start_ns": 10,
        "end_ns": 20,
        "status_code": 0,
        "status_message": None,
        "events": (),
        "links": (),
        "dropped_attributes": 0,
        "dropped_events": 0,
        "dropped_links": 0,
        "resource": RESOURCE,
        "scope": ScopeData(semconv.SCOPE_NAME),
    }
    return SpanData(**(values | fields), attributes=attributes)


def tool_call(**more: Any) -> dict[str, Any]:
    return {
        semconv.KIND: "tool_call",
        semconv.EXECUTION_ID: "e",
        semconv.OPERATION_NAME: "execute_tool",
        semconv.TOOL_SOURCE: "code_block",
        semconv.TOOL_NAME: "t",
        **more,
    }


def types_of(value: Any) -> Any:
    """The value with its types, so that 1, 1.0 and true differ, as do text and `CleanText`."""
    if isinstance(value, dict):
        return {key: types_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [types_of(item) for item in value]
    return type(value), repr(value)


@given(spans(), st.none() | st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=500)
def test_a_row_holds_all_of_its_span(span: SpanData, lease_id: int | None) -> None:
    row = row_of(span, lease_id)
    back = data_of(row)
    assert back == span
    assert types_of(back.attributes) == types_of(span.attributes)
    assert row_of(back, lease_id) == row


@given(spans())
def test_a_row_fits_its_columns(span: SpanData) -> None:
    before = canonical(span.attributes)
    row = row_of(span, 1)
    assert canonical(span.attributes) == before, "the span is not changed"
    for name in COLUMNS:
        value = getattr(row, name)
        if isinstance(value, int):
            assert -(2**63) <= value < 2**63, name
        if name in ("document", "payload"):
            assert value is None or (value.isascii() and isinstance(json.loads(value), dict))
        elif isinstance(value, str) and name != "name":
            assert len(value) <= 256, name
    assert row.resource_id == span.resource.key


def test_a_usual_tool_call_needs_no_document() -> None:
    attributes = tool_call(
        **{
            semconv.SEQUENCE: 4,
            semconv.STEP_ID: "s",
            semconv.CALL_HASH: -7,
            semconv.TOOL_PARAMS: CleanText('{"a":1}'),
            semconv.TOOL_RESULT: CleanText("[2]"),
        }
    )
    row = row_of(make(attributes, name="execute_tool t", span_id=2**63 + 1, parent_span_id=2**64 - 1), 9)
    assert row == SpanRow(
        execution_id="e",
        span_id=-(2**63) + 1,
        started_ns=10,
        trace_id=(2**127 + 1).to_bytes(16, "big"),
        parent_span_id=-1,
        kind=RowKind.TOOL_CALL,
        status=RowStatus.COMPLETED,
        ended_ns=20,
        sequence=4,
        name=None,
        execution_type=None,
        workflow_name=None,
        workflow_version=None,
        caller_id=None,
        parent_execution_id=None,
        step_id="s",
        step_kind=None,
        attempt=None,
        tool_name="t",
        error_code=None,
        error_category=None,
        call_hash=-7,
        scope=None,
        lease_id=9,
        resource_id=RESOURCE.key,
        document=None,
        payload='{"arguments":{"a":1},"output":[2]}',
        resource=RESOURCE,
    )


def test_an_execution_is_indexed_by_its_metadata() -> None:
    metadata = {"customer": "é", "n": 1, "tags": {"b": 1, "a": 2}, "k" * 300: 1}
    attributes = {
        semconv.KIND: "execution",
        semconv.EXECUTION_ID: "e",
        semconv.STATUS: "cancelled",
        semconv.EXECUTION_TYPE: "direct",
        semconv.WORKFLOW_NAME: "w",
        semconv.WORKFLOW_VERSION: "3",
        semconv.CALLER_ID: "c",
        semconv.PARENT_EXECUTION_ID: "p",
        "engine.shard": 8,
        semconv.METADATA: CleanText(canonical(metadata)),
    }
    span = make(attributes)
    row = row_of(span, None)
    assert row.metadata == (("customer", '"\\u00e9"'), ("n", "1"), ("tags", '{"a":2,"b":1}'))
    assert (row.status, row.execution_type, row.workflow_name, row.workflow_version) == (4, "direct", "w", "3")
    assert (row.caller_id, row.parent_execution_id, row.call_hash) == ("c", "p", None)
    assert data_of(row).attributes["engine.shard"] == 8
    assert metadata_of(row._replace(metadata=())) == row.metadata, "its document says it too"


@pytest.mark.parametrize("as_text", [CleanText, str, json.loads])
def test_the_columns_of_an_error_come_from_its_record(as_text: Any) -> None:
    error = as_text('{"code":"timeout","category":"transient","message":"m"}')
    row = row_of(make(tool_call(**{semconv.ERROR: error})), 1)
    assert (row.error_code, row.error_category, row.status) == ("timeout", "transient", RowStatus.FAILED)


@pytest.mark.parametrize("error", ["not JSON", 5, "[1]", '{"code":7}'])
def test_an_unreadable_error_leaves_its_columns_empty(error: Any) -> None:
    row = row_of(make(tool_call(**{semconv.ERROR: error})), 1)
    assert (row.error_code, row.error_category) == (None, None)


@pytest.mark.parametrize(
    ("end_ns", "status_code", "status"),
    [
        (None, 0, RowStatus.RUNNING),
        (20, 0, RowStatus.COMPLETED),
        (20, 1, RowStatus.COMPLETED),
        (20, 2, RowStatus.FAILED),
    ],
)
def test_a_span_without_a_status_has_that_of_its_end(end_ns: int | None, status_code: int, status: RowStatus) -> None:
    for attributes in (tool_call(), {}, {semconv.KIND: "execution", semconv.STATUS: "skipped"}):
        assert row_of(make(attributes, end_ns=end_ns, status_code=status_code), 1).status == status


TRACE = f"{2**127 + 1:032x}"


TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
INSIDE = {"parent_span_id": 1}
REMOTE = {"parent_span_id": 1, "flags": REMOTE_PARENT}


@pytest.mark.parametrize(
    ("attributes", "fields", "expected"),
    [
        pytest.param({}, {}, (RowKind.ENTRY, "workflow", "name", "name", None), id="root"),
        pytest.param({}, INSIDE, (RowKind.OTHER_STEP, None, None, "name", None), id="child"),
        pytest.param({}, REMOTE, (RowKind.ENTRY, "workflow", "name", "name", None), id="remote parent"),
        pytest.param(
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"},
            {},
            (RowKind.ENTRY, "workflow", "planner", "name", None),
            id="gen_ai agent",
        ),
        pytest.param(
            {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "w", "gen_ai.agent.name": "planner"},
            {},
            (RowKind.ENTRY, "workflow", "w", "name", None),
            id="gen_ai workflow",
        ),
        pytest.param(
            {"gen_ai.operation.name": "chat", "gen_ai.agent.name": "planner"},
            INSIDE,
            (RowKind.OTHER_STEP, None, None, "name", None),
            id="gen_ai chat",
        ),
        pytest.param(TOOL, INSIDE, (RowKind.OTHER_CALL, None, None, None, "search"), id="gen_ai tool"),
        pytest.param(TOOL, {}, (RowKind.ENTRY_CALL, "direct", None, None, "search"), id="gen_ai tool alone"),
        pytest.param(TOOL, REMOTE, (RowKind.ENTRY_CALL, "direct", None, None, "search"), id="gen_ai tool, called"),
        pytest.param(
            {"openinference.span.kind": "TOOL", "tool.name": "search"},
            INSIDE,
            (RowKind.OTHER_CALL, None, None, None, "search"),
            id="openinference tool",
        ),
        pytest.param(
            {"openinference.span.kind": "CHAIN"},
            INSIDE,
            (RowKind.OTHER_STEP, None, None, "name", None),
            id="openinference chain",
        ),
        pytest.param(
            {"openinference.span.kind": "TOOL"},
            INSIDE,
            (RowKind.OTHER_CALL, None, None, None, "name"),
            id="openinference tool without a name",
        ),
        pytest.param(
            {"traceloop.span.kind": "workflow", "traceloop.entity.name": "w", "traceloop.entity.version": 3},
            {},
            (RowKind.ENTRY, "workflow", "w", "w", None),
            id="traceloop workflow",
        ),
        pytest.param(
            {"traceloop.span.kind": "task", "traceloop.entity.name": "fetch"},
            INSIDE,
            (RowKind.OTHER_STEP, None, None, "fetch", None),
            id="traceloop task",
        ),
        pytest.param(
            {"traceloop.span.kind": "tool", "traceloop.entity.name": "search"},
            INSIDE,
            (RowKind.OTHER_CALL, None, None, None, "search"),
            id="traceloop tool",
        ),
        pytest.param(
            {"gen_ai.operation.name": ["execute_tool"]},
            INSIDE,
            (RowKind.OTHER_STEP, None, None, "name", None),
            id="marker that is no text",
        ),
        pytest.param(
            {"openinference.span.kind": "TOOL", "tool.name": "search", "gen_ai.operation.name": "chat"},
            INSIDE,
            (RowKind.OTHER_CALL, None, None, None, "search"),
            id="two markers",
        ),
    ],
)
def test_spans_of_others_get_kind_and_columns(attributes: dict[str, Any], fields: Any, expected: Any) -> None:
    span = make(attributes, **fields)
    row = row_of(span, None)
    assert (row.kind, row.execution_type, row.workflow_name, row.step_id, row.tool_name) == expected
    assert row.execution_id == TRACE
    assert data_of(row) == span


MARKERS = [
    ("openinference.span.kind", "TOOL", "tool"),
    ("openinference.span.kind", "AGENT", "agent"),
    ("openinference.span.kind", "CHAIN", "chain"),
    ("openinference.span.kind", "LLM", "chat"),
    ("openinference.span.kind", "RETRIEVER", None),
    ("traceloop.span.kind", "tool", "tool"),
    ("traceloop.span.kind", "agent", "agent"),
    ("traceloop.span.kind", "workflow", "chain"),
    ("traceloop.span.kind", "task", "chain"),
    ("traceloop.span.kind", "unknown", None),
    ("gen_ai.operation.name", "execute_tool", "tool"),
    ("gen_ai.operation.name", "invoke_agent", "agent"),
    ("gen_ai.operation.name", "create_agent", "agent"),
    ("gen_ai.operation.name", "invoke_workflow", "chain"),
    ("gen_ai.operation.name", "chat", "chat"),
    ("gen_ai.operation.name", "generate_content", "chat"),
    ("gen_ai.operation.name", "text_completion", "chat"),
    ("gen_ai.operation.name", "plan", "plan"),
    ("gen_ai.operation.name", "embeddings", None),
]
"""What each value of a convention's marker says: a tool, or the kind of a step."""


def test_every_marker_is_in_the_table() -> None:
    known = {(convention.marker, said) for convention in CONVENTIONS for said in (*convention.tools, *convention.kinds)}
    assert known == {(marker, said.lower()) for marker, said, what in MARKERS if what}


@pytest.mark.parametrize(("marker", "said", "what"), MARKERS)
def test_what_a_marker_says_decides_with_the_place_of_the_span(marker: str, said: str, what: str | None) -> None:
    ours = {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: 3}
    step_kind = None if what == "tool" else what
    for value in (said, said.upper(), said.lower()):
        for more, fields, tool, other in (
            ({}, {}, RowKind.ENTRY_CALL, RowKind.ENTRY),
            ({}, REMOTE, RowKind.ENTRY_CALL, RowKind.ENTRY),
            ({}, INSIDE, RowKind.OTHER_CALL, RowKind.OTHER_STEP),
            (ours, INSIDE, RowKind.INNER_CALL, RowKind.INNER_STEP if step_kind else RowKind.SPAN),
            (ours, REMOTE, RowKind.INNER_CALL, RowKind.INNER_STEP if step_kind else RowKind.SPAN),
        ):
            span = make({marker: value, **more}, scope=ScopeData("agents", "2"), **fields)
            row = row_of(span, 1)
            assert (row.kind, row.step_kind, row.scope) == (tool if what == "tool" else other, step_kind, "agents")
            assert (row.call_hash is not None) == (what == "tool")
            assert data_of(row) == span


def test_a_tool_of_others_inside_an_execution_may_be_a_call() -> None:
    attributes = {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: 3, **TOOL, "http": 1}
    row = row_of(make(attributes, parent_span_id=7), 1)
    assert (row.kind, row.execution_id, row.sequence, row.step_id, row.tool_name) == (
        RowKind.INNER_CALL,
        "e",
        3,
        None,
        "search",
    )
    assert data_of(row).attributes == attributes


def test_a_span_of_ours_that_says_so_is_just_a_span() -> None:
    attributes = {semconv.KIND: "span", semconv.EXECUTION_ID: "e", **TOOL}
    row = row_of(make(attributes, parent_span_id=7), 1)
    assert (row.kind, row.tool_name) == (RowKind.SPAN, None)
    assert data_of(row).attributes == attributes


def test_a_root_that_names_an_execution_is_that_execution() -> None:
    row = row_of(make({semconv.EXECUTION_ID: "e"}), 1)
    assert (row.kind, row.execution_id, row.workflow_name) == (RowKind.ENTRY, "e", "name")


def test_equal_calls_of_others_have_one_hash() -> None:
    one, same, other = (
        row_of(make({**TOOL, "gen_ai.tool.call.arguments": given}, parent_span_id=1), None).call_hash
        for given in ('{"q":1}', {"q": 1}, '{"q":2}')
    )
    assert one == same
    assert one != other
    assert one != row_of(make({**TOOL, "gen_ai.tool.name": "find"}, parent_span_id=1), None).call_hash


def test_a_failed_span_of_others_has_an_error_code() -> None:
    event = EventData("exception", 15, {"exception.type": "ValueError"})
    assert row_of(make({}, status_code=2), None).error_code == "error"
    assert row_of(make({}, status_code=2, events=(event,)), None).error_code == "ValueError"
    row = row_of(make({"error.type": "timeout"}, status_code=2, events=(event,)), None)
    assert (row.error_code, row.error_category) == ("timeout", "unexpected")


def test_a_scope_is_named_where_it_is_not_ours() -> None:
    assert row_of(make(tool_call(), scope=ScopeData(semconv.SCOPE_NAME, "9")), 1).scope is None
    for name, stored in (("web", "web"), ("", ""), ("x" * 300, "x" * 256)):
        span = make({}, scope=ScopeData(name))
        row = row_of(span, None)
        assert (row.scope, data_of(row)) == (stored, span)


def test_the_heavy_attributes_of_others_are_payload_too() -> None:
    row = row_of(make({"input.value": '{"q": 1}', "output.value": [1]}), None)
    assert row.payload == '{"input.value":"{\\"q\\": 1}","output.value":[1]}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "5", '{"a":5}', '{"unknown":1}', '{"events":[5]}', '{"events":[["e"]]}', '{"links":[["z"]]}'),
        *('{"links":[["z","1"]]}', '{"dropped":[1]}', '{"scope":[]}', '{"json":[]}', '{"a":'),
    ],
)
def test_a_damaged_document_is_a_problem_and_costs_no_column(text: str) -> None:
    row = row_of(make(tool_call(), name="execute_tool t"), 1)._replace(document=text)
    span = data_of(row)
    assert span.attributes == {**tool_call(), semconv.PROBLEMS: ["the document of the row is not readable"]}
    assert span.name == "execute_tool t"


@pytest.mark.parametrize("text", ["", "x", "[]", "5", "null"])
def test_a_damaged_payload_is_a_problem(text: str) -> None:
    span = data_of(row_of(make(tool_call()), 1)._replace(payload=text))
    assert span.attributes == {**tool_call(), semconv.PROBLEMS: ["the payload of the row is not readable"]}


def test_a_kind_or_status_of_a_later_version_is_read_as_far_as_possible() -> None:
    row = row_of(make({semconv.KIND: "step", semconv.EXECUTION_ID: "e", semconv.STATUS: "failed"}), 1)
    assert semconv.STATUS not in data_of(row._replace(status=77)).attributes
    assert data_of(row._replace(kind=77)).attributes[semconv.EXECUTION_ID] == "e"


# which of several states stands


@given(spans(), spans(), st.sampled_from([None, INTERRUPTED_LEASE, 1]), st.sampled_from([None, INTERRUPTED_LEASE, 1]))
@settings(max_examples=200)
def test_of_two_states_one_is_greater_and_it_stands(
    span: SpanData, other: SpanData, lease: int | None, other_lease: int | None
) -> None:
    same = other._replace(trace_id=span.trace_id, span_id=span.span_id, start_ns=span.start_ns)
    rows = [row_of(span, lease), row_of(same, other_lease)]
    assert is_greater(rows[0], rows[1]) + is_greater(rows[1], rows[0]) == (rows[0] != rows[1])
    (stands,) = greatest(rows)
    assert [stands] == list(greatest(rows[::-1])) == list(greatest([*rows, *rows]))
    if rows[0].ended_ns is None != rows[1].ended_ns is None:
        assert stands.ended_ns is not None


@given(st.dictionaries(TEXT, JSON, max_size=2), st.dictionaries(TEXT, JSON, max_size=2))
def test_what_was_planned_runs_once_it_was_started(one: dict[str, Any], other: dict[str, Any]) -> None:
    for kind in ("execution", "step"):
        known = {semconv.KIND: kind, semconv.EXECUTION_ID: "e"}
        planned = row_of(make({**one, **known, semconv.STATUS: "pending"}, end_ns=None), 1)
        started = row_of(make({**other, **known, semconv.STATUS: "running"}, end_ns=None), 1)
        assert is_greater(started, planned)
        assert not is_greater(planned, started)
        joined = join(claim(planned), claim(started))
        assert joined == join(claim(started), claim(planned))
        assert joined.status == RowStatus.RUNNING


def test_a_state_with_a_lease_is_greater_than_one_that_was_imported() -> None:
    span = make({semconv.KIND: "execution", semconv.EXECUTION_ID: "e", semconv.STATUS: "running"}, end_ns=None)
    leased, interrupted, imported = (row_of(span, lease) for lease in (1, INTERRUPTED_LEASE, None))
    assert is_greater(leased, interrupted)
    assert is_greater(interrupted, imported)


# doubles


def calls_of(*spans: tuple[int, int | None, str, bool]) -> list[SpanRow]:
    """Rows of tool calls inside one of our executions: id, parent, tool, and whether it is ours."""
    return [
        row_of(
            make(
                tool_call(**{semconv.TOOL_NAME: tool})
                if ours
                else {semconv.EXECUTION_ID: "e", semconv.SEQUENCE: 1, **TOOL, "gen_ai.tool.name": tool},
                span_id=number,
                parent_span_id=parent,
            ),
            1,
        )
        for number, parent, tool, ours in spans
    ]


OURS, OTHERS = True, False


@pytest.mark.parametrize(
    ("spans_inside", "hidden"),
    [
        pytest.param([(2, 1, "t", OURS), (3, 2, "t", OTHERS)], {3}, id="child"),
        pytest.param([(2, 1, "t", OTHERS), (3, 2, "t", OURS)], {2}, id="parent"),
        pytest.param([(2, 1, "t", OTHERS), (3, 2, "t", OURS), (4, 3, "t", OTHERS)], {2, 4}, id="parent and child"),
        pytest.param([(2, 1, "t", OURS), (3, 2, "u", OTHERS)], set(), id="another tool"),
        pytest.param([(2, 1, "t", OURS), (3, 1, "t", OTHERS)], set(), id="siblings"),
        pytest.param(
            [(2, 1, "t", OURS), (3, 2, "u", OTHERS), (4, 3, "t", OTHERS)], set(), id="the same tool further down"
        ),
        pytest.param([(2, 1, "t", OTHERS), (3, 2, "t", OTHERS)], set(), id="of others alone"),
        pytest.param([(2, 1, "t", OURS), (3, 2, "t", OURS)], set(), id="of ours alone"),
    ],
)
def test_a_double_is_of_the_same_tool_and_directly_above_or_below(spans_inside: Any, hidden: set[int]) -> None:
    rows = calls_of(*spans_inside)
    for order in (rows, rows[::-1]):
        assert doubles(order) == {(10, number) for number in hidden}


@given(JSON, JSON)
def test_equal_values_have_equal_index_texts(one: Any, other: Any) -> None:
    same = canonical(_sorted(one)) == canonical(_sorted(other))
    assert (index_value(one) == index_value(other)) == same


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_index_values() -> None:
    texts = [index_value(value) for value in (None, True, 1, 1.0, "é", [2])]
    assert texts == ["null", "true", "1", "1.0", '"\\u00e9"', "[2]"]
    assert index_value("x" * 198) == '"' + "x" * 198 + '"'
    assert index_value("x" * 199) != index_value("x" * 198 + "y")
    assert index_value("x" * 199).startswith("sha256:")
    assert len(index_value("x" * 10**6)) == 71
    assert index_value("nul\0 \ud800") == index_value("nul\ufffd \ufffd")


@given(TEXT, TEXT, TEXT)
def test_text_is_found_where_it_stands(before: str, text: str, after: str) -> None:
    params = CleanText(canonical({"q": text}))
    row = row_of(make(tool_call(note=before + text + after, **{semconv.TOOL_PARAMS: params})), 1)
    assert search_text(text) in (row.document or "")
    assert search_text(text) in (row.payload or "")
