"""Durations counted in buckets: what is counted, and how much is lost by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.spans import RowKind, RowStatus, SpanRow, add_up, count_runs, runs_of
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
    assert [(b.kind, b.name, b.n, b.failed, b.slowest) for b in add_up(count_runs(runs_of(rows)))] == [
        (RowKind.STEP, "s", 1, 0, "step"),
        (RowKind.TOOL_CALL, "t", 2, 1, "execution of others that is a call"),
    ]


def test_what_is_replaced_is_taken_off() -> None:
    rows = [call("a", 10), call("b", 10, status=int(RowStatus.FAILED)), call("c", 99)]
    again = count_runs(runs_of(rows), runs_of(rows))
    assert {(bucket.n, bucket.failed) for bucket in again} == {(0, 0)}
    corrected = count_runs(runs_of([call("b", 10)]), runs_of([rows[1]]))
    assert [(b.n, b.failed) for b in add_up([*count_runs(runs_of(rows)), *corrected])] == [(2, 0), (1, 0)]


@pytest.mark.parametrize("cut", [0, 3, len(CORPUS)])
def test_parts_add_up(cut: int) -> None:
    parts = [*count_runs(runs_of(CORPUS[:cut])), *count_runs(runs_of(CORPUS[cut:]))]
    assert add_up(parts) == add_up(count_runs(runs_of(CORPUS)))


@given(st.integers(-(2**63), 2**64))
def test_one_run_stands_for_itself(lasted_ns: int) -> None:
    (bucket,) = count_runs(runs_of([call("run", lasted_ns)]))
    assert bucket.duration_ns == bucket.longest_ns == min(lasted_ns, 2**63 - 1)


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(-200, 200), min_size=1, max_size=50))
def test_a_bucket_is_one_percent_off_at_most_and_in_order(lasted: list[int]) -> None:
    buckets = add_up(count_runs(runs_of([call(f"{n:02}", ns) for n, ns in enumerate(lasted)])))
    standing_for = [bucket.duration_ns for bucket in buckets for _ in range(bucket.n)]
    for ns, stands in zip(sorted(lasted), standing_for, strict=True):
        assert abs(stands - ns) <= abs(ns) / 100 + 0.5  # in whole nanoseconds
    assert buckets[-1].longest_ns == max(lasted)
    assert lasted[int(buckets[-1].slowest)] == max(lasted)
