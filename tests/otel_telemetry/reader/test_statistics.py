"""Counts, percentiles and intervals, against plain definitions of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_telemetry.query import FinishedRun
from otel_telemetry.reader import STATS_BY, Reader
from otel_telemetry.reader.statistics import FEW, Stats, from_durations, in_hours, statistics, wilson_interval
from otel_telemetry.rows import RowKind, RowStatus, SpanRow, Tally
from otel_telemetry.rows.durations import HOUR_NS, TOOL_CALL
from otel_telemetry.stores.registry import open_exporter
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import make_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_telemetry.reader import Filters
    from otel_telemetry.rows import Durations


HOUR = HOUR_NS


def call(execution_id: str, tool: str, lasted_ns: int, *, failed: bool = False) -> FinishedRun:
    return FinishedRun(TOOL_CALL, tool, failed, lasted_ns, execution_id)


def runs_of(*rows: SpanRow) -> list[FinishedRun]:
    """The runs that a store counts of these rows."""
    model = Model(rows)
    return list(model.runs(model.executions()))


def tallied(runs: Iterable[FinishedRun], hour: int = 3) -> list[Durations]:
    tally = Tally()
    for kind, name, failed, lasted, execution_id in runs:
        tally.add(execution_id, (hour, "invoice", "1"), [(kind, name, failed, lasted)])
    return tally.parts()


def test_one_tool() -> None:
    rows = [call(f"run-{n}", "http.get", n * 1_000_000) for n in range(1, 20)]
    rows.append(call("slow", "http.get", 90_000_000, failed=True))
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
    assert runs_of(make_row(RowKind.TOOL_CALL, "run", 1, tool_name="http.get", ended_ns=None)) == []
    assert runs_of(make_row(RowKind.STEP, "run", 1, step_id="load", status=int(RowStatus.SKIPPED))) == []


def test_a_call_is_counted_once() -> None:
    """The step that makes it names the tool as well."""
    rows = runs_of(
        make_row(RowKind.STEP, "run", 1, step_id="load", tool_name="http.get"),
        make_row(RowKind.TOOL_CALL, "run", 2, tool_name="http.get", step_id="load"),
        make_row(RowKind.INNER_CALL, "run", 3, tool_name="http.get", parent_span_id=2),
    )
    assert [(stats.name, stats.n) for stats in statistics(rows, "tool")] == [("http.get", 1)]
    assert [(stats.name, stats.n) for stats in statistics(rows, "step")] == [("load", 1)]


def test_an_execution_of_others_that_is_a_call_is_one() -> None:
    row = make_row(RowKind.ENTRY_CALL, "run", 1, tool_name="search")
    assert [stats.name for stats in statistics(runs_of(row), "tool")] == ["search"]


def test_agents_and_model_calls_are_counted_apart_from_steps() -> None:
    rows = [
        make_row(RowKind.EXECUTION, "run", 1),
        make_row(RowKind.STEP, "run", 2, step_id="load"),
        *(
            make_row(RowKind.INNER_STEP, "run", 3 + number, step_id=f"the {kind}", step_kind=kind)
            for number, kind in enumerate(("agent", "chain", "chat", "plan", "chat"))
        ),
    ]
    runs = runs_of(*rows)
    for by, expected in {
        "tool": [],
        "step": [("load", 1)],
        "agent": [("the agent", 1)],
        "chain": [("the chain", 1)],
        "chat": [("the chat", 2)],
        "plan": [("the plan", 1)],
    }.items():
        assert [(stats.name, stats.n) for stats in statistics(runs, by)] == expected  # type: ignore[arg-type]
        counted = from_durations(tallied(runs), [], by)  # type: ignore[arg-type]
        assert [(stats.name, stats.n) for stats in counted] == expected
    assert STATS_BY == ("tool", "step", "agent", "chain", "chat", "plan")


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
    rows = [call(f"{n:02}", tool, lasted, failed=n % 2 == 1) for n, (lasted, tool) in enumerate(runs)]
    exact = statistics(rows, "tool")
    for cut in (0, len(rows) // 2, len(rows)):  # some from the histogram, the others run by run
        check_counted(from_durations([*tallied(rows[:cut]), *tallied([], 4)], rows[cut:], "tool"), exact)
    hours = [part for n, row in enumerate(rows) for part in tallied([row], n)]
    check_counted(from_durations(hours, [], "tool"), exact)


def check_counted(counted: list[Stats], exact: list[Stats]) -> None:
    for one, other in zip(counted, exact, strict=True):
        assert replace(one, p50_ms=other.p50_ms, p95_ms=other.p95_ms) == other
        for middle_ms, exact_ms in ((one.p50_ms, other.p50_ms), (one.p95_ms, other.p95_ms)):
            rounding_ms = 0.501e-6  # to whole nanoseconds
            assert middle_ms == pytest.approx(exact_ms, rel=0, abs=abs(exact_ms) * 0.01 + rounding_ms)


@given(st.lists(st.tuples(st.integers(-5, 2**62), st.booleans()), min_size=1, max_size=60))
def test_against_plain_definitions(runs: list[tuple[int, bool]]) -> None:
    rows = [call(f"{n:02}", "t", lasted, failed=failed) for n, (lasted, failed) in enumerate(runs)]
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


# windows of time


@pytest.mark.parametrize(
    ("window", "hours", "edges"),
    [
        ((None, None), (None, None), []),
        ((0, None), (0, None), []),
        ((None, 3 * HOUR), (None, 3), []),
        ((2 * HOUR, 5 * HOUR), (2, 5), []),
        ((2 * HOUR + 1, 5 * HOUR - 1), (3, 4), [(2 * HOUR + 1, 3 * HOUR), (4 * HOUR, 5 * HOUR - 1)]),
        ((2 * HOUR + 1, None), (3, None), [(2 * HOUR + 1, 3 * HOUR)]),
        ((None, 2 * HOUR + 1), (None, 2), [(2 * HOUR, 2 * HOUR + 1)]),
        ((2 * HOUR + 1, 3 * HOUR - 1), None, [(2 * HOUR + 1, 3 * HOUR - 1)]),
        ((2 * HOUR + 1, 3 * HOUR + 1), None, [(2 * HOUR + 1, 3 * HOUR + 1)]),
        ((2 * HOUR, 2 * HOUR), None, [(2 * HOUR, 2 * HOUR)]),
        ((5 * HOUR, 2 * HOUR), None, [(5 * HOUR, 2 * HOUR)]),
        ((-HOUR - 1, 1), (-1, 0), [(-HOUR - 1, -HOUR), (0, 1)]),
    ],
)
def test_a_window_is_whole_hours_and_its_edges(window: Any, hours: Any, edges: Any) -> None:
    assert in_hours(*window) == (hours, edges)


TIMES = st.integers(-4 * HOUR, 4 * HOUR) | st.integers(-4, 4).map(lambda hour: hour * HOUR)


@given(st.none() | TIMES, st.none() | TIMES, st.lists(TIMES, max_size=20))
def test_each_start_is_in_one_part_of_its_window(after: int | None, before: int | None, starts: list[int]) -> None:
    hours, edges = in_hours(after, before)
    for start in starts:
        parts = [_within(start, *edge) for edge in edges]
        if hours is not None:
            parts.append(_within(start // HOUR, *hours))
        assert sum(parts) == _within(start, after, before)


def _within(start: int, after: int | None, before: int | None) -> bool:
    return (after is None or after <= start) and (before is None or start < before)


WORKFLOWS = st.sampled_from([None, "invoice", "refund"])


@given(
    st.lists(st.tuples(TIMES, st.integers(0, 10**10), WORKFLOWS, st.booleans(), st.integers(0, 4)), max_size=25),
    st.none() | TIMES,
    st.none() | TIMES,
    st.none() | st.sampled_from(["invoice", "nothing"]),
)
@settings(max_examples=60)
def test_a_window_says_what_looking_at_every_run_says(
    drawn: list[tuple[int, int, str | None, bool, int]], after: int | None, before: int | None, workflow: str | None
) -> None:
    filters: Filters = {"started_after": after, "started_before": before, "workflow_name": workflow}
    rows: list[SpanRow] = []
    for number, (start, lasted, name, failed, kind) in enumerate(drawn):
        version = None if kind else "1"
        place = {"started_ns": start, "ended_ns": start + lasted, "status": 3 if failed else 2}
        rows.append(
            make_row(RowKind.EXECUTION, f"run-{number}", 1, workflow_name=name, workflow_version=version, **place)
        )
        step_kind = (None, "agent", "chain", "chat", "plan")[kind]
        rows.append(make_row(RowKind.INNER_STEP, f"run-{number}", 2, step_id="s", step_kind=step_kind, **place))
        # a run may begin in another hour than its execution: that of the execution counts
        later = {**place, "started_ns": start + HOUR, "ended_ns": start + HOUR + lasted}
        rows.append(make_row(RowKind.TOOL_CALL, f"run-{number}", 3, tool_name=f"t{kind % 2}", **later))
    with closing(open_exporter("memory://")) as exporter:
        exporter.write(rows)
        with closing(exporter.store()) as store:
            reader = Reader(store, alive=lambda leases, now: frozenset())
            for by in STATS_BY:
                for more in ({}, {"workflow_version": "1"}):
                    asked: Filters = {**filters, **more}  # type: ignore[typeddict-item]
                    check_counted(reader.stats(by, **asked), reader.stats(by, exact=True, **asked))
