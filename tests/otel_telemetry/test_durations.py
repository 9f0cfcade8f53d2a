"""Durations counted in buckets: what is counted, and how much is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.rows import RowKind, RowStatus, SpanRow, Tally, add_up, counts_of, fold
from otel_telemetry.rows.durations import HOUR_NS, KINDS_OF_STEPS, STEP, TOOL_CALL
from otel_telemetry.testing.rows import CORPUS, make_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_telemetry.rows import Durations
    from otel_telemetry.rows.durations import Run

FRAME = (3, "invoice", "1")


def run(lasted_ns: int, name: str = "t", *, failed: bool = False, kind: int = TOOL_CALL) -> Run:
    return kind, name, failed, lasted_ns


def counted(*runs: tuple[str, Run]) -> list[Durations]:
    """The parts of runs, each of the execution that is named."""
    tally = Tally()
    for execution_id, one in runs:
        tally.add(execution_id, FRAME, [one])
    return tally.parts()


def of_executions(rows: Iterable[SpanRow]) -> list[Durations]:
    tally = Tally()
    groups: dict[str, list[SpanRow]] = {}
    for row in rows:
        groups.setdefault(row.execution_id, []).append(row)
    for execution_id, group in groups.items():
        counts = counts_of(fold(group), group)
        tally.add(execution_id, counts.frame, counts.runs)
    return tally.parts()


def call(execution_id: str, lasted_ns: int | None, **columns: object) -> SpanRow:
    ended_ns = None if lasted_ns is None else 1_000 + lasted_ns
    return make_row(RowKind.TOOL_CALL, execution_id, 1, **({"tool_name": "t", "ended_ns": ended_ns} | columns))


def test_what_is_counted() -> None:
    rows = [
        call("call", 1_000, step_id="s", status=int(RowStatus.FAILED)),
        make_row(RowKind.STEP, "step", 1, step_id="s", tool_name="t"),
        make_row(RowKind.ENTRY_CALL, "execution of others that is a call", 1, tool_name="t"),
        make_row(RowKind.STEP, "skipped", 1, step_id="s", status=int(RowStatus.SKIPPED)),
        make_row(RowKind.SPAN, "neither", 1),
        make_row(RowKind.EXECUTION, "execution", 1, tool_name="t"),
        make_row(RowKind.OTHER_STEP, "step of others", 1, step_id="s", started_ns=0),
        make_row(RowKind.INNER_CALL, "call of others", 1, tool_name="t", started_ns=0),
        call("not ended", None),
    ]
    by_name: dict[tuple[int, str], list[Durations]] = {}
    for part in of_executions(rows):
        by_name.setdefault((part.kind, part.name), []).append(part)
    assert {key: (sum(p.n for p in parts), sum(p.failed for p in parts)) for key, parts in by_name.items()} == {
        (STEP, "s"): (2, 0),
        (TOOL_CALL, "t"): (3, 1),
    }


@pytest.mark.parametrize(("step_kind", "kind"), [*KINDS_OF_STEPS.items(), ("of a later version", STEP)])
def test_a_step_is_counted_by_its_kind(step_kind: str | None, kind: int) -> None:
    for row_kind in (RowKind.INNER_STEP, RowKind.OTHER_STEP):
        rows = [make_row(row_kind, "run", 1, step_id="s", step_kind=step_kind)]
        assert [(part.kind, part.name) for part in of_executions(rows)] == [(kind, "s")]


def test_the_double_of_a_call_is_not_counted() -> None:
    rows = [
        call("run", 10),
        make_row(RowKind.INNER_CALL, "run", 2, parent_span_id=1, tool_name="t"),
        make_row(RowKind.INNER_CALL, "run", 3, parent_span_id=1, tool_name="u"),
    ]
    counts = counts_of(fold(rows), rows, frozenset({(1_000, 2)}))
    assert counts.runs == [(TOOL_CALL, "t", False, 10), (TOOL_CALL, "u", False, 1_000)]
    assert counts.tool_calls == 2


def test_runs_are_counted_by_hour_workflow_and_version_of_their_execution() -> None:
    rows = [
        make_row(
            RowKind.EXECUTION, "run", 1, started_ns=2 * HOUR_NS - 1, workflow_name="invoice", workflow_version="3"
        ),
        call("run", 10, started_ns=5 * HOUR_NS, ended_ns=5 * HOUR_NS + 10),
    ]
    assert [part[:5] for part in of_executions(rows)] == [(1, "invoice", "3", TOOL_CALL, "t")]
    nameless = [make_row(RowKind.EXECUTION, "run", 1, started_ns=-1), rows[1]]
    assert [part[:5] for part in of_executions(nameless)] == [(-1, "", "", TOOL_CALL, "t")]


def test_what_is_replaced_is_taken_off() -> None:
    runs = {"a": run(10), "b": run(10, failed=True), "c": run(99)}
    tally = Tally()
    for execution_id, one in runs.items():
        tally.add(execution_id, FRAME, [one])
    for one in runs.values():
        tally.take_off(FRAME, [one])
    assert tally.parts() == []
    corrected = Tally()
    corrected.add("b", FRAME, [run(99)])
    corrected.take_off(FRAME, [runs["b"]])
    (total,) = add_up([*counted(*runs.items()), *corrected.parts()])
    assert (total.n, total.failed, sorted(total.buckets.values())) == (3, 0, [1, 2])


def test_what_is_taken_off_in_one_frame_stays_in_another() -> None:
    """As where an execution gets its name late."""
    tally = Tally()
    tally.add("a", (3, "invoice", "1"), [run(10)])
    tally.take_off((3, "", ""), [run(10)])
    assert [(part[:3], part.n) for part in tally.parts()] == [((3, "", ""), -1), ((3, "invoice", "1"), 1)]


@pytest.mark.parametrize("cut", [0, 3, len(CORPUS)])
def test_parts_add_up(cut: int) -> None:
    everything = [(row.execution_id, one) for row in CORPUS for one in counts_of(fold([row]), [row]).runs]
    parts = [*counted(*everything[:cut]), *counted(*everything[cut:])]
    before = [part._replace(buckets=dict(part.buckets)) for part in parts]
    assert add_up(parts) == add_up(counted(*everything)) == counted(*everything)
    assert parts == before


@given(st.integers(-(2**63), 2**64))
def test_one_run_stands_for_itself(lasted_ns: int) -> None:
    (runs,) = counted(("run", run(lasted_ns)))
    assert runs.at(1) == runs.longest_ns == min(lasted_ns, 2**63 - 1)


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(-200, 200), min_size=1, max_size=50))
def test_every_rank_is_one_percent_off_at_most(lasted: Sequence[int]) -> None:
    (runs,) = counted(*((f"{n:02}", run(ns)) for n, ns in enumerate(lasted)))
    for rank, ns in enumerate(sorted(lasted), 1):
        assert abs(runs.at(rank) - ns) <= abs(ns) / 100 + 0.5  # in whole nanoseconds
    assert runs.at(len(lasted)) == runs.longest_ns == max(lasted)
    assert lasted[int(runs.slowest)] == max(lasted)
