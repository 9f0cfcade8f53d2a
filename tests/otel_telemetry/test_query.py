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
from otel_telemetry.rows import INTERRUPTED_LEASE, RowKind, SpanRow
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
SPAN = make_row(RowKind.SPAN, "run", 4, name="GET /", error_code="plain")
ALL = [RUN, STEP, CALL, SPAN]


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
        ({"execution_id_prefix": "ru"}, True),
        ({"execution_id_prefix": "RU"}, False),
        ({"status": "failed", "tool_name": "stripe", "text": "nowhere"}, False),
    ],
    ids=str,
)
def test_meaning(filters: dict[str, Any], expected: bool) -> None:  # noqa: FBT001  (a table's column)
    assert Filter.parse(NOW, **filters).matches(RUN, ALL, NOBODY) is expected


@pytest.mark.parametrize("filters", [{"min_duration_ms": 0}, {"max_duration_ms": 10**6}])
def test_what_has_not_ended_has_no_duration(filters: dict[str, Any]) -> None:
    running = RUN._replace(ended_ns=None, status=1)
    assert not Filter.parse(**filters).matches(running, [running], NOBODY)


@pytest.mark.parametrize(
    ("status", "lease_id", "expected"),
    [
        *((1, 7, False), (0, 7, False), (1, 8, True), (0, 8, True), (2, 8, False), (1, None, False)),
        (1, INTERRUPTED_LEASE, True),
    ],
)  # fmt: skip
def test_interrupted(status: int, lease_id: int | None, expected: bool) -> None:  # noqa: FBT001  (a table's column)
    row = RUN._replace(status=status, lease_id=lease_id)
    assert is_interrupted(row, frozenset({7})) is expected
    assert Filter(interrupted=True).matches(row, [row], frozenset({7})) is expected
    assert Filter(interrupted=False).matches(row, [row], frozenset({7})) is not expected


def test_positions() -> None:
    ended = make_row(RowKind.EXECUTION, "run", 1, started_ns=5, ended_ns=7)
    running: SpanRow = ended._replace(ended_ns=None)
    assert Position.of(ended, "started_at") == Position.of(ended, "-started_at") == (5, 5, "run", 1)
    assert Position.of(ended, "duration") == Position.of(ended, "-duration") == (2, 5, "run", 1)
    assert Position.of(running, "-duration") is None
    assert len(ORDERS) == 4
