"""Filters: what a user may give, what is refused and how, and what each means."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.errors import InvalidFilterError
from otel_telemetry.query import ORDERS, Filter, Filters, Position, is_interrupted
from otel_telemetry.records import ExecutionStatus, ExecutionType, StepStatus
from otel_telemetry.rows import INTERRUPTED_LEASE, ExecutionRow, RowKind, SpanRow
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import make_row

NOW = 1_700_000_000_000_000_000
NOBODY: frozenset[int] = frozenset()
DAY = 86_400 * 10**9


def test_every_keyword_becomes_a_field() -> None:
    renamed = {"started_after", "started_before", "min_duration_ms", "max_duration_ms"}
    names = {field.name for field in fields(Filter)}
    assert set(Filters.__annotations__) - renamed == {name for name in names if not name.endswith("_ns")}
    assert {f"{name.removesuffix('_ms')}_ns" for name in renamed} == {name for name in names if name.endswith("_ns")}


def test_nothing_asked_is_nothing_set() -> None:
    assert Filter.parse() == Filter()
    assert Filter.parse(**dict.fromkeys(Filters.__annotations__)) == Filter()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("failed", (ExecutionStatus.FAILED,)),
        ("FAILED", (ExecutionStatus.FAILED,)),
        (ExecutionStatus.FAILED, (ExecutionStatus.FAILED,)),
        (StepStatus.FAILED, (ExecutionStatus.FAILED,)),
        (["running", "Pending", "running"], (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)),
        ({"completed"}, (ExecutionStatus.COMPLETED,)),
        (iter(["completed"]), (ExecutionStatus.COMPLETED,)),
    ],
)
def test_enums(given: Any, expected: tuple[ExecutionStatus, ...]) -> None:
    assert Filter.parse(status=given).status == expected


def test_texts() -> None:
    assert Filter.parse(workflow_name="a").workflow_name == ("a",)
    assert Filter.parse(workflow_name=("b", "a", "b")).workflow_name == ("a", "b")
    assert Filter.parse(caller_id="nul\0 half\ud800").caller_id == ("nul\ufffd half\ufffd",)
    assert Filter.parse(text="nul\0").text == "nul\ufffd"
    assert Filter.parse(type="direct").type == (ExecutionType.DIRECT,)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (5, 5),
        (datetime(2026, 1, 2, tzinfo=UTC), 1_767_312_000 * 10**9),
        (datetime(2026, 1, 2), 1_767_312_000 * 10**9),  # noqa: DTZ001  (naive is what is tested)
        (datetime(2026, 1, 2, 2, tzinfo=timezone(timedelta(hours=2))), 1_767_312_000 * 10**9),
        (datetime(2026, 1, 2, 0, 0, 0, 1, tzinfo=UTC), 1_767_312_000 * 10**9 + 1_000),
        ("2026-01-02", 1_767_312_000 * 10**9),
        ("2026-01-02T00:00:00Z", 1_767_312_000 * 10**9),
        (" 2026-01-02T02:00+02:00 ", 1_767_312_000 * 10**9),
        ("1d", NOW - DAY),
        ("90m", NOW - 5_400 * 10**9),
        ("1.5H", NOW - 5_400 * 10**9),
        ("2w", NOW - 14 * DAY),
        ("250 ms", NOW - 250_000_000),
        ("0.000000001s", NOW - 1),
    ],
)
def test_moments(given: Any, expected: int) -> None:
    assert Filter.parse(NOW, started_after=given).started_after_ns == expected
    assert Filter.parse(NOW, started_before=given).started_before_ns == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1, 10**6),
        (0.5, 500_000),
        ("250ms", 250 * 10**6),
        ("1.5s", 1_500 * 10**6),
        ("2h", 7_200 * 10**9),
        (-1, -(10**6)),
    ],
)
def test_durations(given: Any, expected: int) -> None:
    assert Filter.parse(min_duration_ms=given).min_duration_ns == expected
    assert Filter.parse(max_duration_ms=given).max_duration_ns == expected


def test_trace_ids() -> None:
    one, other = "0123456789abcdef" * 2, "f" * 32
    assert Filter.parse(trace_id=one.upper()).trace_id == (one,)
    assert Filter.parse(trace_id=[other, one, other.upper()]).trace_id == (one, other)


def test_kinds_of_steps() -> None:
    assert Filter.parse(kind="chat").kind == ("chat",)
    assert Filter.parse(kind=("plan", "agent", "plan", "chain")).kind == ("agent", "chain", "plan")


def test_scopes_and_flags() -> None:
    assert Filter.parse(scope=["web", "agents\0"]).scope == ("agents\ufffd", "web")
    for name in ("top_level", "foreign", "interrupted"):
        for asked in (True, False):
            assert getattr(Filter.parse(**{name: asked}), name) is asked


def test_metadata() -> None:
    where = Filter.parse(metadata={"b": {1, 2}, "a\0": float("nan"), "big": 2**70})
    assert where.metadata == {"a\ufffd": "NaN", "b": [1, 2], "big": str(2**70)}
    assert list(where.metadata) == sorted(where.metadata)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"workflow": "x"}, "unknown filter 'workflow': did you mean 'workflow_name'?"),
        ({"workflow": None}, "did you mean 'workflow_name'?"),
        ({"started_after_ns": 1}, "did you mean 'started_after'?"),
        ({"status": "faled"}, "unknown status 'faled': did you mean 'failed'?"),
        ({"status": "skipped"}, "Valid: cancelled, completed, failed, pending, running"),
        ({"status": StepStatus.SKIPPED}, "unknown status 'skipped'"),
        ({"status": ["failed", 3]}, "unknown status 3"),
        ({"type": "workflows"}, "did you mean 'workflow'?"),
        ({"status": []}, "status was given 0 values; leave it out"),
        ({"execution_id": [str(n) for n in range(1_001)]}, "execution_id was given 1,001 values; 1,000 are the most"),
        ({"workflow_version": 3}, "workflow_version takes text, not int: 3"),
        ({"caller_id": b"ann"}, "caller_id takes text, not bytes"),
        ({"caller_id": {"a": 1}}, "caller_id takes text, not dict"),
        ({"started_after": "yesterday"}, "started_after cannot be 'yesterday': give a datetime, an ISO 8601 text"),
        ({"started_after": 1.5}, "integer nanoseconds"),
        ({"started_after": True}, "integer nanoseconds"),
        ({"started_before": datetime(9999, 1, 1, tzinfo=UTC)}, "years 1678 to 2261; leave it out"),
        ({"started_before": 2**63}, "leave it out"),
        ({"started_after": "999999999w"}, "leave it out"),
        ({"min_duration_ms": "long"}, "min_duration_ms cannot be 'long': give milliseconds"),
        ({"min_duration_ms": float("nan")}, "give milliseconds"),
        ({"max_duration_ms": float("inf")}, "give milliseconds"),
        ({"max_duration_ms": 1e13}, "leave it out"),
        ({"max_duration_ms": 10**400}, "give milliseconds"),
        ({"max_duration_ms": True}, "give milliseconds"),
        ({"interrupted": "yes"}, "interrupted is True or False, not 'yes'"),
        ({"interrupted": 1}, "interrupted is True or False, not 1"),
        ({"top_level": "yes"}, "top_level is True or False, not 'yes'"),
        ({"foreign": 0}, "foreign is True or False, not 0"),
        ({"trace_id": "12"}, "trace_id takes 32 hexadecimal digits, not '12'"),
        ({"trace_id": "g" * 32}, "trace_id takes 32 hexadecimal digits"),
        ({"trace_id": ["0" * 32, "0" * 33]}, "trace_id takes 32 hexadecimal digits"),
        ({"trace_id": " " + "0" * 32}, "trace_id takes 32 hexadecimal digits"),
        ({"trace_id": "\u0661" * 32}, "trace_id takes 32 hexadecimal digits"),
        ({"trace_id": 7}, "trace_id takes text, not int: 7"),
        ({"trace_id": []}, "trace_id was given 0 values; leave it out"),
        ({"kind": "agents"}, "unknown kind 'agents': did you mean 'agent'?"),
        ({"kind": "Agent"}, "unknown kind 'Agent': did you mean 'agent'?"),
        ({"kind": "step"}, "unknown kind 'step'. Valid: agent, chain, chat, plan"),
        ({"kind": ["chat", None]}, "unknown kind 'None'"),
        ({"kind": []}, "kind was given 0 values; leave it out"),
        ({"scope": 7}, "scope takes text, not int: 7"),
        ({"metadata": "a=1"}, "metadata takes a mapping"),
        ({"metadata": {1: 1}}, "a key of metadata takes text, not int: 1"),
        ({"metadata": {str(n): n for n in range(101)}}, "asks for 101 keys; 100 are the most"),
        ({"text": ""}, "text takes 1 to 1,000 characters, not 0"),
        ({"text": "x" * 1_001}, "not 1,001"),
        ({"text": ["a"]}, "text takes text, not list"),
        ({"execution_id_prefix": ""}, "execution_id_prefix takes 1 to"),
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused(filters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFilterError) as caught:
        Filter.parse(NOW, **filters)
    assert message in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from(sorted(Filters.__annotations__)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.text())
        | st.datetimes() | st.dictionaries(st.text(), st.integers() | st.text()) | st.just(object()),
    )
)  # fmt: skip
def test_parsing_is_total(filters: dict[str, Any]) -> None:
    """Anything is either understood or refused; what is understood, a database can be asked."""
    try:
        where = Filter.parse(NOW, **filters)
    except InvalidFilterError:
        return
    for name in ("started_after_ns", "started_before_ns", "min_duration_ns", "max_duration_ns"):
        value = getattr(where, name)
        assert value is None or -(2**63) < value < 2**63
    for texts in where.row_conditions().values():
        assert "\0" not in repr(texts)
    repr(where).encode()


# meaning

RUN = make_row(
    RowKind.EXECUTION, "run", 1, started_ns=1_000, ended_ns=3_000, workflow_name="invoice", metadata={"n": 1}, status=3,
    error_code="top", error_category="outer",
)  # fmt: skip
STEP = make_row(RowKind.STEP, "run", 2, step_id="charge", error_code="declined", error_category="payment")
CALL = make_row(
    RowKind.TOOL_CALL, "run", 3, step_id="other", tool_name="stripe", payload={"arguments": {"city": "K\u00f6ln"}}
)
SPAN = make_row(RowKind.SPAN, "run", 4, name="GET /", error_code="plain", scope="web", trace_id=bytes(15) + b"\x07")
AGENT = make_row(RowKind.INNER_STEP, "run", 5, step_id="planner", step_kind="agent", parent_span_id=1, scope="agents")
DOUBLE = make_row(
    RowKind.INNER_CALL, "run", 6, parent_span_id=3, tool_name="stripe", error_code="double", scope="agents"
)
TOOL = make_row(RowKind.INNER_CALL, "run", 7, parent_span_id=5, tool_name="search", error_code="inner", scope="agents")
ALL = [RUN, STEP, CALL, SPAN, AGENT, DOUBLE, TOOL]


def row_of(*rows: SpanRow) -> ExecutionRow:
    """The row of the execution that these are of."""
    (row,) = Model(rows).executions()
    return row


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"status": "failed"}, True),
        ({"status": ["completed", "running"]}, False),
        ({"started_after": 1_000}, True),
        ({"started_after": 1_001}, False),
        ({"started_before": 1_000}, False),
        ({"started_before": 1_001}, True),
        ({"min_duration_ms": 0.002}, True),
        ({"min_duration_ms": 0.002001}, False),
        ({"max_duration_ms": 0.002}, True),
        ({"max_duration_ms": 0.001999}, False),
        ({"error_code": "top"}, True),
        ({"error_code": "declined"}, True),
        ({"error_code": "plain"}, False),
        ({"error_category": "payment", "error_code": "declined"}, True),
        ({"error_category": "outer", "error_code": "declined"}, False),
        ({"tool_name": "stripe"}, True),
        ({"step_id": "charge"}, True),
        ({"step_id": "other"}, False),
        ({"metadata": {"n": 1}}, True),
        ({"metadata": {"n": 1.0}}, False),
        ({"metadata": {"n": True}}, False),
        ({"metadata": {"n": "1"}}, False),
        ({"metadata": {"n": 1, "m": 1}}, False),
        ({"text": "K\u00f6ln"}, True),
        ({"text": "k\u00f6ln"}, False),
        ({"text": "GET"}, True),
        ({"text": "strip"}, True),
        ({"text": "nvoic"}, True),
        ({"text": "declined"}, True),
        ({"text": "execute_tool"}, False),
        ({"step_id": "planner"}, True),
        ({"tool_name": "search"}, True),
        ({"tool_name": ["nothing", "search"]}, True),
        ({"error_code": "inner"}, True),
        ({"error_code": "double"}, False),
        ({"kind": "agent"}, True),
        ({"kind": ["chat", "agent"]}, True),
        ({"kind": "chat"}, False),
        ({"scope": "web"}, True),
        ({"scope": "otel_telemetry"}, True),
        ({"scope": ["nothing", "agents"]}, True),
        ({"scope": "agent"}, False),
        ({"trace_id": f"{2:032x}"}, True),
        ({"trace_id": f"{7:032x}"}, True),
        ({"trace_id": f"{99:032x}"}, False),
        ({"top_level": True}, True),
        ({"top_level": False}, False),
        ({"foreign": False}, True),
        ({"foreign": True}, False),
        ({"execution_id_prefix": "ru"}, True),
        ({"execution_id_prefix": "RU"}, False),
        ({"status": "failed", "tool_name": "stripe", "text": "nowhere"}, False),
    ],
    ids=str,
)
def test_meaning(filters: dict[str, Any], expected: bool) -> None:  # noqa: FBT001  (a table's column)
    assert Filter.parse(NOW, **filters).matches(row_of(*ALL), ALL, NOBODY) is expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"foreign": True}, True),
        ({"type": "direct"}, True),
        ({"tool_name": "search"}, True),
        ({"tool_name": "GET /"}, False),
        ({"error_code": "E"}, True),
        ({"step_id": "search"}, False),
        ({"text": "search"}, True),
        ({"scope": "otel_telemetry"}, False),
    ],
    ids=str,
)
def test_meaning_for_a_tool_of_others_at_the_root(filters: dict[str, Any], expected: bool) -> None:  # noqa: FBT001  (a table's column)
    trace = f"{5:032x}"
    row = make_row(
        RowKind.ENTRY_CALL, trace, 1, trace_id=bytes(15) + b"\5", tool_name="search", execution_type="direct",
        error_code="E", scope="mcp",
    )  # fmt: skip
    assert Filter.parse(NOW, **filters).matches(row_of(row), [row], NOBODY) is expected


def test_what_a_trace_that_is_read_into_it_says_counts_too() -> None:
    trace = RUN.trace_id.hex()
    place = {"trace_id": RUN.trace_id, "parent_span_id": 1, "scope": "web"}
    entry = make_row(RowKind.ENTRY, trace, 8, step_id="POST /x", workflow_name="POST /x", **place)
    tool = make_row(RowKind.OTHER_CALL, trace, 9, tool_name="lookup", **{**place, "parent_span_id": 8})
    agent = make_row(RowKind.ENTRY, trace, 10, step_id="helper", step_kind="agent", **place)
    model = Model([RUN, entry, tool, agent])
    (row,) = model.executions()
    rows = model.spans("run")
    assert len(rows) == 4
    for filters, expected in (
        ({"tool_name": "lookup"}, True),
        ({"step_id": "helper"}, True),
        ({"kind": "agent"}, True),
        ({"step_id": "POST /x"}, False),  # a mere span, as inside any execution of ours
        ({"scope": "web"}, True),
        ({"foreign": True}, False),
    ):
        assert Filter.parse(**filters).matches(row, rows, NOBODY) is expected, filters


@pytest.mark.parametrize(("parent", "expected"), [(None, True), ("other", False)])
def test_top_level_is_what_no_other_execution_started(parent: str | None, expected: bool) -> None:  # noqa: FBT001  (a table's column)
    row = RUN._replace(parent_execution_id=parent)
    assert Filter(top_level=True).matches(row_of(row), [row], NOBODY) is expected
    assert Filter(top_level=False).matches(row_of(row), [row], NOBODY) is not expected


@pytest.mark.parametrize("filters", [{"min_duration_ms": 0}, {"max_duration_ms": 10**6}])
def test_what_has_not_ended_has_no_duration(filters: dict[str, Any]) -> None:
    running = RUN._replace(ended_ns=None, status=1)
    assert not Filter.parse(**filters).matches(row_of(running), [running], NOBODY)


@pytest.mark.parametrize(
    ("status", "lease_id", "expected"),
    [
        *((1, 7, False), (0, 7, False), (1, 8, True), (0, 8, True), (2, 8, False), (1, None, False)),
        (1, INTERRUPTED_LEASE, True),
    ],
)  # fmt: skip
def test_interrupted(status: int, lease_id: int | None, expected: bool) -> None:  # noqa: FBT001  (a table's column)
    row = RUN._replace(status=status, lease_id=lease_id)
    execution = row_of(row)
    assert is_interrupted(execution, frozenset({7})) is expected
    assert Filter(interrupted=True).matches(execution, [row], frozenset({7})) is expected
    assert Filter(interrupted=False).matches(execution, [row], frozenset({7})) is not expected


def test_positions() -> None:
    ended = make_row(RowKind.EXECUTION, "run", 1, started_ns=5, ended_ns=7)
    running, over = row_of(ended._replace(ended_ns=None)), row_of(ended)
    assert Position.of(over, "started_at") == Position.of(over, "-started_at") == (5, 5, "run")
    assert Position.of(over, "duration") == Position.of(over, "-duration") == (2, 5, "run")
    assert Position.of(running, "-duration") is None
    assert Position.of(running, "-started_at") == (5, 5, "run")
    assert len(ORDERS) == 4


def test_equal_starts_are_in_the_order_of_keys() -> None:
    """An id that has its time in it comes before any other; the value and the start decide first."""
    ids = ["01900000-0000-7000-8000-000000000000", "01900000-0000-7000-8000-000000000001", "!", "0", "run-1", "run-10"]
    in_order = [
        *(Position(1, 1, execution_id) for execution_id in ids),
        *(Position(1, 2, execution_id) for execution_id in ids),
        *(Position(2, 1, execution_id) for execution_id in ids),
    ]
    assert sorted({*in_order}, key=lambda position: position.place) == in_order
