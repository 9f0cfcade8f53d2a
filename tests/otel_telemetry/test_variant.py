"""The way that an execution went: what is the same way, and what is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.rows import RowKind, RowStatus, SpanRow, derive, fold
from otel_telemetry.rows.variant import Activity, variant_of
from otel_telemetry.testing.rows import make_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = 1


def steps(*names: str) -> list[SpanRow]:
    """One step after the other."""
    return [step(number, name, number * 10, 10) for number, name in enumerate(names, 2)]


def step(number: int, name: str, start: int, lasted: int | None, parent: int = ROOT, **columns: object) -> SpanRow:
    ended = None if lasted is None else start + lasted
    place = {"started_ns": start, "ended_ns": ended, "parent_span_id": parent}
    return make_row(RowKind.STEP, "run", number, step_id=name, **{**place, **columns})


def call(number: int, tool: str, start: int, parent: int = ROOT, **columns: object) -> SpanRow:
    place = {"started_ns": start, "ended_ns": start + 5, "parent_span_id": parent}
    return make_row(RowKind.TOOL_CALL, "run", number, tool_name=tool, **{**place, **columns})


def way(rows: Iterable[SpanRow]) -> int:
    run = make_row(RowKind.EXECUTION, "run", ROOT, started_ns=0, ended_ns=10_000)
    everything = [run, *rows]
    variant = derive(fold(everything), everything).variant
    assert variant is not None
    return variant


def test_the_order_of_steps_is_the_way() -> None:
    assert way(steps("a", "b")) != way(steps("b", "a"))
    assert way(steps("a", "b")) != way(steps("a"))
    assert way(steps("a", "b")) == way([step(20, "a", 500, 1), step(3, "b", 600, 300)])


def test_an_execution_without_steps_has_a_way_too() -> None:
    nothing = variant_of({}, [], {})
    assert way([]) == way([make_row(RowKind.SPAN, "run", 2, name="GET /")]) == nothing
    assert nothing != way(steps("a"))


def test_what_runs_at_the_same_time_is_a_set() -> None:
    together = way([step(2, "a", 10, 20), step(3, "b", 20, 20)])
    assert together == way([step(2, "b", 10, 20), step(3, "a", 20, 20)])
    assert together not in {way(steps("a", "b")), way(steps("b", "a"))}
    assert way([step(2, "a", 10, 10), step(3, "b", 20, 10)]) == way(steps("a", "b")), "the one ended as the other began"
    chain = [step(2, "a", 10, 20), step(3, "b", 20, 30), step(4, "c", 40, 20)]
    assert way(chain) == way([step(2, "c", 10, 20), step(3, "a", 20, 30), step(4, "b", 40, 20)])
    long = [step(2, "a", 10, 90), step(3, "b", 20, 10), step(4, "c", 40, 10)]
    assert way(long) == way(chain), "a short one in the middle does not end the set"
    assert way([*long, step(5, "d", 200, 1)]) == way([*chain, step(5, "d", 200, 1)])


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("a", "b", "c", "b"), tuple("abcdefgh")])
def test_turns_of_a_loop_are_folded(names: tuple[str, ...]) -> None:
    """Into one, two or three, and four or more."""
    ways = {turns: way(steps("first", *names * turns, "last")) for turns in range(1, 9)}
    assert ways[2] == ways[3]
    assert ways[4] == ways[5] == ways[8]
    assert len(set(ways.values())) == 3


def test_attempts_are_folded_and_numbered_steps_are_turns() -> None:
    attempts = [step(number, "a", number * 10, 10, attempt=number - 1) for number in (2, 3)]
    assert way(attempts) == way(steps("a", "a")) == way(steps("a", "a#2")) != way(steps("a"))
    assert way(steps("a", "a#2", "a#3", "a#4")) == way(steps(*"aaaaa"))
    assert way(steps("a", "b", "a#2", "b#2")) == way(steps("a", "b") + steps("a", "b", "a", "b")[2:])
    assert way(steps("a#b")) != way(steps("a")), "only a number is one"


def test_how_many_of_one_name_run_at_the_same_time_is_folded_too() -> None:
    ways = {many: way([step(2 + n, "a", 10 + n, 100) for n in range(many)]) for many in range(1, 7)}
    assert ways[2] == ways[3]
    assert ways[4] == ways[5] == ways[6]
    assert len(set(ways.values())) == 3


def test_whether_something_failed_is_no_part_of_it() -> None:
    failed = [row._replace(status=int(RowStatus.FAILED), error_code="x") for row in steps("a", "b")]
    assert way(failed) == way(steps("a", "b"))


def test_what_ties_goes_by_sequence_then_by_span() -> None:
    by_sequence = [step(9, "a", 10, 0, sequence=1), step(2, "b", 10, 0, sequence=2)]
    assert way(by_sequence) == way(by_sequence[::-1]) == way(steps("a", "b"))
    by_span = [step(2, "a", 10, 0), step(9, "b", 10, 0)]
    assert way(by_span) == way(by_span[::-1]) == way(steps("a", "b"))


def test_what_is_inside_a_step_is_told_from_what_is_beside_it() -> None:
    inside = [step(2, "a", 10, 50), step(3, "b", 20, 10, parent=2)]
    assert way(inside) not in {way(steps("a", "b")), way([step(2, "a", 10, 50), step(3, "b", 20, 10)])}
    between = [step(2, "a", 10, 50), make_row(RowKind.SPAN, "run", 7, parent_span_id=2), step(3, "b", 20, 10, parent=7)]
    assert way(between) == way(inside), "whatever span is between"


def test_only_calls_outside_of_steps_are_part_of_it() -> None:
    assert way([*steps("a"), call(8, "t", 25, parent=2)]) == way(steps("a"))
    outside = [*steps("a"), call(8, "t", 35)]
    assert way(outside) != way(steps("a"))
    assert way(outside) == way([*steps("a"), make_row(RowKind.SPAN, "run", 7, parent_span_id=1), call(8, "t", 35, 7)])
    under = [*steps("a"), make_row(RowKind.SPAN, "run", 7, parent_span_id=2), call(8, "t", 35, 7)]
    assert way(under) == way(steps("a"))


def test_a_run_that_goes_on_has_no_way_yet() -> None:
    rows = [make_row(RowKind.EXECUTION, "run", 1, started_ns=0, ended_ns=None, status=1), *steps("a")]
    assert (derive(fold(rows), rows).variant, derive(fold(rows), rows).max_repeat) == (None, None)


def test_parents_in_a_circle_lead_to_the_top() -> None:
    circle = [make_row(RowKind.SPAN, "run", n, parent_span_id=17 - n) for n in (8, 9)]
    assert way([*circle, step(2, "a", 10, 1, parent=8)]) == way(steps("a"))
    assert way([*circle, call(2, "t", 10, parent=8)]) == way([call(2, "t", 10)])
    own = [step(2, "a", 10, 1, parent=3), step(3, "b", 20, 1, parent=2)]
    assert isinstance(way(own), int)


def test_one_span_in_two_traces_is_no_trouble() -> None:
    """An id generator that is broken, and one of the two has not ended."""
    one = Activity(10, 0, 5, None, "t")
    assert isinstance(variant_of({}, [(one, None), (one._replace(ended_ns=20), None)], {}), int)


NAMES = st.sampled_from(["a", "b", "a#2", "c"])


@st.composite
def runs(draw: st.DrawFn) -> Sequence[SpanRow]:
    rows: list[SpanRow] = []
    for number in range(2, 2 + draw(st.integers(0, 12))):
        parent = draw(st.sampled_from([ROOT, *range(2, number)]))
        start = draw(st.integers(0, 6))
        if draw(st.booleans()):
            lasted = draw(st.none() | st.integers(-1, 6))
            rows.append(step(number, draw(NAMES), start, lasted, parent, sequence=draw(st.none() | st.integers(0, 2))))
        else:
            rows.append(call(number, draw(NAMES), start, parent))
    return rows


@given(runs(), st.randoms(use_true_random=False))
def test_the_order_in_which_spans_are_read_changes_nothing(rows: Sequence[SpanRow], random: object) -> None:
    shuffled = [*rows]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert way(shuffled) == way(rows)


@given(runs(), st.integers(1, 10**18))
def test_when_it_went_changes_nothing(rows: Sequence[SpanRow], later: int) -> None:
    moved = [
        row._replace(started_ns=row.started_ns + later, ended_ns=None if row.ended_ns is None else row.ended_ns + later)
        for row in rows
    ]
    assert way(moved) == way(rows)


def test_equal_calls_are_counted() -> None:
    rows = [
        make_row(RowKind.EXECUTION, "run", 1, started_ns=0, ended_ns=99),
        *(call(2 + n, "t", n, call_hash=made) for n, made in enumerate((1, 2, 1, 1, None, None))),
    ]
    assert derive(fold(rows), rows).max_repeat == 3
    assert derive(fold(rows), rows[:1]).max_repeat == 0
