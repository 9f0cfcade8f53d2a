"""One execution is one row: what each span says of it, what each span is in it, and which trace is a part of it."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from otel_telemetry.rows import (
    ExecutionRow,
    RowKind,
    SpanRow,
    Standing,
    claim,
    derive,
    doubles,
    extend,
    fold,
    join,
    stands,
    tombstone,
)
from otel_telemetry.rows.execution import DELETED, INSIDE, OWN, OWN_BARE, REMOTE, STAND_IN, TOP
from otel_telemetry.stores.covering import home_of
from otel_telemetry.testing.rows import DEAD_LEASE, LIVE_LEASE, make_row
from otel_telemetry.testing.traces import rows_of

TRACE = bytes(15) + b"\7"
EXECUTION, STEP, CALL, SPAN = RowKind.EXECUTION, RowKind.STEP, RowKind.TOOL_CALL, RowKind.SPAN


def row(kind: RowKind, span_id: int, **columns: Any) -> SpanRow:
    """A row of the execution `run`, in one trace."""
    start = columns.pop("at", span_id)
    named = {"execution_id": "run", "trace_id": TRACE, "started_ns": start, "ended_ns": start + 5, **columns}
    return make_row(kind, named.pop("execution_id"), span_id, **named)


def test_the_join_of_claims_is_a_semilattice() -> None:
    for seed in range(300):
        claims = [claim(one) for one in rows_of(seed)]
        by_id: dict[str, list[ExecutionRow]] = {}
        for said in claims:
            by_id.setdefault(said.execution_id, []).append(said)
        draw = random.Random(seed)
        for said in by_id.values():
            a, b, c = (draw.choice(said) for _ in range(3))
            assert join(a, b) == join(b, a)
            assert join(a, join(b, c)) == join(join(a, b), c)
            assert join(a, a) is a


@pytest.mark.parametrize(
    ("one", "rank"),
    [
        (row(EXECUTION, 1, workflow_name="w"), OWN),
        (row(EXECUTION, 1, execution_type="direct"), OWN),
        (row(EXECUTION, 1), OWN_BARE),
        (row(RowKind.ENTRY, 1, parent_span_id=None), TOP),
        (row(RowKind.ENTRY_CALL, 1, parent_span_id=9), REMOTE),
        (row(RowKind.OTHER_STEP, 1, parent_span_id=9), STAND_IN),
        (row(RowKind.OTHER_CALL, 1, parent_span_id=9), STAND_IN),
        (row(STEP, 1), INSIDE),
        (row(RowKind.INNER_CALL, 1), INSIDE),
    ],
)
def test_each_kind_of_span_has_its_say(one: SpanRow, rank: int) -> None:
    assert claim(one).who_rank == rank


def test_the_best_span_names_it_and_of_equals_the_earliest() -> None:
    late, early = row(EXECUTION, 2, workflow_name="late"), row(EXECUTION, 1, workflow_name="early")
    bare, inner = row(EXECUTION, 3, at=0), row(STEP, 4, at=0, step_id="s")
    for order in itertools.permutations([late, early, bare, inner]):
        found = fold(order)
        assert (found.workflow_name, found.started_ns) == ("early", 1)


def test_of_ours_the_newest_span_says_how_it_stands() -> None:
    first = row(EXECUTION, 1, workflow_name="w", status=3, error_code="e")
    second = row(EXECUTION, 2, status=1, ended_ns=None, lease_id=LIVE_LEASE)
    for order in ([first, second], [second, first]):
        found = fold(order)
        assert (found.status, found.ended_ns, found.error_code, found.lease_id) == (1, None, None, LIVE_LEASE)
        assert found.workflow_name == "w"


def test_of_others_the_same_span_says_who_and_how() -> None:
    first, second = row(RowKind.ENTRY, 1, status=2, workflow_name="a"), row(RowKind.ENTRY, 2, status=3, at=9)
    found = fold([second._replace(parent_span_id=8), first._replace(parent_span_id=9)])
    assert (found.workflow_name, found.status, found.started_ns) == ("a", 2, 1)


def test_an_orphan_of_ours_runs_as_long_as_the_process_of_its_newest_span() -> None:
    early = row(STEP, 1, step_id="s", lease_id=DEAD_LEASE, status=3)
    late = row(CALL, 2, tool_name="t", lease_id=LIVE_LEASE)
    for order in ([early, late], [late, early]):
        found = fold(order)
        assert (found.status, found.ended_ns, found.lease_id, found.is_rootless) == (1, None, LIVE_LEASE, True)
        assert found.workflow_name == "step s"
    assert extend(fold([early]), [late]) == fold([early, late])


def test_an_orphan_of_others_is_named_and_timed_after_its_earliest_span() -> None:
    spans = [row(RowKind.OTHER_STEP, n, parent_span_id=99, step_id=f"s{n}", ended_ns=n + 50) for n in (3, 1, 2)]
    found = fold(spans)
    assert (found.workflow_name, found.started_ns, found.ended_ns, found.is_rootless) == ("s1", 1, 51, True)


def test_nothing_is_greater_than_a_tombstone() -> None:
    there = fold([row(EXECUTION, 1, workflow_name="w")])
    dead = tombstone(there)
    assert join(dead, there).who_rank == join(there, dead).who_rank == DELETED


@pytest.mark.parametrize(
    ("call", "hidden"),
    [
        ({"parent_span_id": 5, "tool_name": "pay"}, True),  # the framework stands around our call
        ({"parent_span_id": 5, "tool_name": "search"}, False),
        ({"parent_span_id": 4, "tool_name": "pay"}, False),  # not directly
    ],
)
def test_a_tool_span_of_others_around_our_call_is_its_double(call: dict[str, Any], *, hidden: bool) -> None:
    theirs = row(RowKind.INNER_CALL, 5, tool_name="pay", parent_span_id=1)
    ours = row(CALL, 6, **call)
    assert doubles([theirs, ours]) == ({(5, 5)} if hidden else frozenset())


def test_a_tool_span_of_others_inside_our_call_is_its_double() -> None:
    ours = row(CALL, 5, tool_name="pay", parent_span_id=1)
    inside = row(RowKind.INNER_CALL, 6, tool_name="pay", parent_span_id=5)
    other = row(RowKind.INNER_CALL, 7, tool_name="search", parent_span_id=5)
    root = fold([row(EXECUTION, 1, workflow_name="w"), ours, inside, other])
    hidden = doubles([ours, inside, other])
    assert [stands(root, one, hidden) for one in (ours, inside, other)] == [
        Standing.TOOL_CALL,
        Standing.SPAN,
        Standing.TOOL_CALL,
    ]


def test_what_is_read_into_ours_is_judged_as_if_it_were_inside() -> None:
    root = fold([row(EXECUTION, 1, workflow_name="w")])
    kinds = {
        RowKind.ENTRY: Standing.SPAN,
        RowKind.OTHER_STEP: Standing.SPAN,
        RowKind.OTHER_CALL: Standing.TOOL_CALL,
        RowKind.ENTRY_CALL: Standing.TOOL_CALL,
        STEP: Standing.STEP,
    }
    for kind, expected in kinds.items():
        assert stands(root, row(kind, 9, parent_span_id=1), adopted=True) is expected
    agent = row(RowKind.OTHER_STEP, 9, parent_span_id=1, step_kind="agent")
    assert stands(root, agent, adopted=True) is Standing.STEP
    adopted = [row(RowKind.ENTRY, 2, parent_span_id=1), row(RowKind.OTHER_CALL, 3, parent_span_id=2, tool_name="t")]
    derived = derive(root, [row(EXECUTION, 1, workflow_name="w")], adopted)
    assert (derived.counts.steps, derived.counts.tool_calls) == (0, 1)


def own(name: str, *span_ids: int, parent: str | None = None) -> tuple[ExecutionRow, list[SpanRow]]:
    spans = [row(EXECUTION, span_ids[0], execution_id=name, workflow_name=name, parent_execution_id=parent)]
    spans += [row(STEP, span_id, execution_id=name, parent_span_id=span_ids[0]) for span_id in span_ids[1:]]
    return fold(spans), spans


def trace(*spans: tuple[int, int]) -> tuple[ExecutionRow, list[SpanRow]]:
    rows = [row(RowKind.ENTRY, span_id, execution_id=TRACE.hex(), parent_span_id=parent) for span_id, parent in spans]
    return fold(rows), rows


def test_a_trace_is_a_part_of_the_execution_that_holds_its_caller() -> None:
    mates = {"a": own("a", 1, 2), "b": own("b", 3, 4)}
    assert home_of(*trace((50, 4)), mates) == "b"
    assert home_of(*trace((51, 50), (50, 2)), mates) == "a"
    assert home_of(*trace((50, 99)), mates) is None
    assert home_of(*trace((50, 51), (51, 50)), mates) is None


def test_a_trace_that_several_called_is_a_part_of_the_one_around_them() -> None:
    mates = {"b": own("b", 3, 4, parent="a"), "a": own("a", 1, 2), "c": own("c", 5, parent="a")}
    assert home_of(*trace((50, 4), (60, 5)), mates) == "a"
    nested = {"b": own("b", 3, 4, parent="x"), "c": own("c", 5, parent="x")}
    assert home_of(*trace((50, 4), (60, 5)), nested) == "b"


def test_a_span_of_another_trace_is_no_caller() -> None:
    execution, spans = own("a", 1, 2)
    elsewhere = [one._replace(trace_id=bytes(16)) if one.span_id == 2 else one for one in spans]
    assert home_of(*trace((50, 2)), {"a": (execution, elsewhere)}) is None
