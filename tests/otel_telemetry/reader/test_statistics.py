"""Counts, percentiles and intervals, against plain definitions of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.reader.statistics import FEW, Stats, from_durations, statistics, wilson_interval
from otel_telemetry.rows import RowKind, RowStatus, SpanRow, count_runs, runs_of
from otel_telemetry.testing.rows import make_row


def call(execution_id: str, tool: str, lasted_ns: int | None, status: RowStatus = RowStatus.COMPLETED) -> SpanRow:
    ended = None if lasted_ns is None else 1_000 + lasted_ns
    return make_row(RowKind.TOOL_CALL, execution_id, 1, ended_ns=ended, tool_name=tool, step_id="s", status=int(status))


def step(step_id: str, status: RowStatus) -> SpanRow:
    return make_row(RowKind.STEP, "run", 1, step_id=step_id, tool_name="http.get", status=int(status))


def test_one_tool() -> None:
    rows = [call(f"run-{n}", "http.get", n * 1_000_000) for n in range(1, 20)]
    rows.append(call("slow", "http.get", 90_000_000, RowStatus.FAILED))
    assert statistics(rows, "tool") == [
        Stats(
            name="http.get",
            n=20,
            failed=1,
            failed_percent=5.0,
            failed_interval=wilson_interval(1, 20),
            p50_ms=10.0,
            p95_ms=19.0,
            max_ms=90.0,
            slowest_execution_id="slow",
        )
    ]


def test_what_has_not_ended_or_never_ran_is_not_counted() -> None:
    assert statistics([call("run", "http.get", None)], "tool") == []
    assert statistics([step("load", RowStatus.SKIPPED)], "step") == []


def test_a_call_is_counted_once() -> None:
    """The step that makes it names the tool as well."""
    rows = [step("load", RowStatus.COMPLETED), call("run", "http.get", 1)]
    assert [(stats.name, stats.n) for stats in statistics(rows, "tool")] == [("http.get", 1)]
    assert [(stats.name, stats.n) for stats in statistics(rows, "step")] == [("load", 1)]


def test_an_execution_of_others_that_is_a_call_is_one() -> None:
    row = make_row(RowKind.EXECUTION, "run", 1, tool_name="search")
    assert [stats.name for stats in statistics([row], "tool")] == ["search"]


def test_the_most_used_comes_first() -> None:
    rows = [call("run", tool, 1) for tool in ("b", "a", "c", "c")]
    assert [stats.name for stats in statistics(rows, "tool")] == ["c", "a", "b"]


def test_an_interval_is_given_where_runs_are_few() -> None:
    for n, expected in ((FEW - 1, True), (FEW, False)):
        (stats,) = statistics([call("run", "t", 1)] * n, "tool")
        assert (stats.failed_interval is not None) is expected


@pytest.mark.parametrize(
    ("failed", "n", "low", "high"),
    # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_the_interval_is_wilsons(failed: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(failed, n) == (pytest.approx(low, abs=0.005), pytest.approx(high, abs=0.005))


@given(st.lists(st.tuples(st.integers(-(2**40), 2**62), st.sampled_from("abc")), max_size=60))
def test_counted_durations_differ_in_percentiles_alone_and_by_a_percent(runs: list[tuple[int, str]]) -> None:
    rows = [call(f"{n:02}", tool, lasted, RowStatus(2 + n % 2)) for n, (lasted, tool) in enumerate(runs)]
    counted = from_durations(count_runs(runs_of(rows)), "tool")
    exact = statistics(rows, "tool")
    for one, other in zip(counted, exact, strict=True):
        assert replace(one, p50_ms=other.p50_ms, p95_ms=other.p95_ms) == other
        for middle_ms, exact_ms in ((one.p50_ms, other.p50_ms), (one.p95_ms, other.p95_ms)):
            rounding_ms = 0.501e-6  # to whole nanoseconds
            assert middle_ms == pytest.approx(exact_ms, rel=0, abs=abs(exact_ms) * 0.01 + rounding_ms)


@given(st.lists(st.tuples(st.integers(-5, 2**62), st.booleans()), min_size=1, max_size=60))
def test_against_plain_definitions(runs: list[tuple[int, bool]]) -> None:
    rows = [
        call(f"{n:02}", "t", lasted, RowStatus.FAILED if failed else RowStatus.COMPLETED)
        for n, (lasted, failed) in enumerate(runs)
    ]
    (stats,) = statistics(rows, "tool")
    lasted = sorted(ns for ns, _ in runs)
    assert (stats.n, stats.failed) == (len(runs), sum(failed for _, failed in runs))
    for percent, found in ((50, stats.p50_ms), (95, stats.p95_ms)):
        smallest = min(ns for ns in lasted if 100 * sum(other <= ns for other in lasted) >= percent * len(lasted))
        assert found == smallest / 1e6
    assert stats.max_ms == lasted[-1] / 1e6
    assert runs[int(stats.slowest_execution_id)][0] == lasted[-1]
    if stats.failed_interval is not None:
        low, high = stats.failed_interval
        assert 0 <= low <= stats.failed_percent + 1e-9
        assert stats.failed_percent - 1e-9 <= high <= 100
