"""Durations counted in buckets: what is counted, and how much is lost by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.rows import RowKind, RowStatus, SpanRow, add_up, count_runs, runs_of
from otel_telemetry.testing.rows import CORPUS, make_row


def call(execution_id: str, lasted_ns: int | None, **columns: object) -> SpanRow:
    ended_ns = None if lasted_ns is None else 1_000 + lasted_ns
    return make_row(RowKind.TOOL_CALL, execution_id, 1, ended_ns=ended_ns, **({"tool_name": "t"} | columns))


def test_what_is_counted() -> None:
    rows = [
        call("call", 1_000, step_id="s", status=int(RowStatus.FAILED)),
        make_row(RowKind.STEP, "step", 1, step_id="s", tool_name="t"),
        make_row(RowKind.EXECUTION, "execution of others that is a call", 1, tool_name="t"),
        make_row(RowKind.STEP, "skipped", 1, step_id="s", status=int(RowStatus.SKIPPED)),
        make_row(RowKind.SPAN, "neither", 1),
        call("not ended", None),
    ]
    assert [(d.kind, d.name, d.n, d.failed, d.slowest) for d in add_up(count_runs(runs_of(rows)))] == [
        (RowKind.STEP, "s", 1, 0, "step"),
        (RowKind.TOOL_CALL, "t", 2, 1, "execution of others that is a call"),
    ]


def test_what_is_replaced_is_taken_off() -> None:
    rows = [call("a", 10), call("b", 10, status=int(RowStatus.FAILED)), call("c", 99)]
    assert count_runs(runs_of(rows), runs_of(rows)) == []
    corrected = count_runs(runs_of([call("b", 99)]), runs_of([rows[1]]))
    (total,) = add_up([*count_runs(runs_of(rows)), *corrected])
    assert (total.n, total.failed, sorted(total.buckets.values())) == (3, 0, [1, 2])


def test_what_is_written_and_replaced_at_once_is_not_the_slowest() -> None:
    rows = [call("a", 99), call("a", 10), call("b", 20)]
    (counted,) = count_runs(runs_of(rows), runs_of(rows[:1]))
    assert (counted.n, counted.longest_ns, counted.slowest) == (2, 20, "b")


@pytest.mark.parametrize("cut", [0, 3, len(CORPUS)])
def test_parts_add_up(cut: int) -> None:
    parts = [*count_runs(runs_of(CORPUS[:cut])), *count_runs(runs_of(CORPUS[cut:]))]
    before = [part._replace(buckets=dict(part.buckets)) for part in parts]
    assert add_up(parts) == add_up(count_runs(runs_of(CORPUS)))
    assert parts == before


@given(st.integers(-(2**63), 2**64))
def test_one_run_stands_for_itself(lasted_ns: int) -> None:
    (runs,) = count_runs(runs_of([call("run", lasted_ns)]))
    assert runs.at(1) == runs.longest_ns == min(lasted_ns, 2**63 - 1)


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(-200, 200), min_size=1, max_size=50))
def test_every_rank_is_one_percent_off_at_most(lasted: list[int]) -> None:
    (runs,) = count_runs(runs_of([call(f"{n:02}", ns) for n, ns in enumerate(lasted)]))
    for rank, ns in enumerate(sorted(lasted), 1):
        assert abs(runs.at(rank) - ns) <= abs(ns) / 100 + 0.5  # in whole nanoseconds
    assert runs.at(len(lasted)) == runs.longest_ns == max(lasted)
    assert lasted[int(runs.slowest)] == max(lasted)
