"""A few spans each, that say more together than one by one: to be written in every order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any, Final, NamedTuple

from otel_telemetry import semconv as names
from otel_telemetry.rows import SpanRow, row_of
from otel_telemetry.testing.rows import DEAD_LEASE, LIVE_LEASE
from otel_telemetry.testing.traces import OTHERS, OWN, REMOTE, T0, span_of, started
from span_processors.data import CleanText, ScopeData
from span_processors.redaction import canonical

_FAILED: Final = 2
_SPANS_OF_ONE: Final = 1000
_MOST: Final = 4
"""Rows of a family: more have too many orders."""


class _Family:
    """One copy of a family: its ids are its own."""

    def __init__(self, number: int) -> None:
        self.run = f"family-{number}"
        self.trace = 2**64 + number * _SPANS_OF_ONE
        self._first = number * _SPANS_OF_ONE

    def own(self, kind: str, span: int, parent: int | None = None, **said: Any) -> SpanRow:
        """Return a row of ours: an execution, a step or a call, at the time that its number says."""
        at, lasted, lease = said.pop("at", span), said.pop("lasted", 50), said.pop("lease", LIVE_LEASE)
        execution_id, code, status = said.pop("execution", self.run), said.pop("code", 0), said.pop("status", None)
        trace = self.trace + said.pop("trace", 0)
        attributes: dict[str, Any] = {names.EXECUTION_ID: execution_id, names.KIND: kind, names.SEQUENCE: span}
        attributes |= {_KEYS[name]: CleanText(canonical(v)) if name in _JSON else v for name, v in said.items()}
        if kind != "tool_call":
            attributes[names.STATUS] = "failed" if code else "completed"
        if code:
            attributes[names.ERROR] = CleanText(canonical({"code": "declined", "category": "bank", "message": "no"}))
        made = self._span((trace, span, parent), at, lasted, kind, attributes, code=code)
        if lasted is None:
            made = started(made)
        if status is not None:
            made.attributes[names.STATUS] = status
        return row_of(made, lease)

    def other(self, span: int, parent: int | None, tool: str | None = None, **more: Any) -> SpanRow:
        """Return a row of others: a tool's span, or another one; inside an execution, or where a trace enters."""
        at, lasted, inside = more.pop("at", span), more.pop("lasted", 50), more.pop("inside", False)
        attributes: dict[str, Any] = {names.EXECUTION_ID: self.run, names.SEQUENCE: span} if inside else {}
        if (execution_id := more.pop("execution", None)) is not None:
            attributes[names.EXECUTION_ID] = execution_id
        if tool is not None:
            attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
        if (agent := more.pop("agent", None)) is not None:
            attributes |= {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent}
        flags = 1 if inside or more.pop("local", False) else REMOTE
        trace, name = self.trace + more.pop("trace", 0), more.pop("name", f"span {span}")
        made = self._span(
            (trace, span, parent), at, lasted, name, attributes, code=more.pop("code", 0), scope=OTHERS[0], flags=flags
        )
        return row_of(started(made) if lasted is None else made, LIVE_LEASE if inside else None)

    def _span(
        self,
        ids: tuple[int, int, int | None],
        at: int,
        lasted: int | None,
        name: str,
        attributes: dict[str, Any],
        *,
        code: int,
        scope: ScopeData = OWN,
        flags: int = 1,
    ) -> Any:
        trace, span, parent = ids
        above = None if parent is None else self._first + parent
        start, end = T0 + at, T0 + at + (50 if lasted is None else lasted)
        return span_of(
            trace, self._first + span, above, start, end, name, attributes, code=code, scope=scope, flags=flags
        )


_KEYS: Final = {
    "workflow": names.WORKFLOW_NAME,
    "version": names.WORKFLOW_VERSION,
    "type": names.EXECUTION_TYPE,
    "parent_execution": names.PARENT_EXECUTION_ID,
    "metadata": names.METADATA,
    "inputs": names.INPUTS,
    "step": names.STEP_ID,
    "attempt": names.ATTEMPT,
    "tool": names.TOOL_NAME,
    "hash": names.CALL_HASH,
}
_JSON: Final = ("metadata", "inputs")


def _doubles_in_a_run(f: _Family) -> list[SpanRow]:
    """A framework stands around a call of ours, and another one inside it; the run goes on."""
    return [
        f.own("execution", 1, workflow="w", lasted=None),
        f.other(2, 1, "pay", inside=True),
        f.own("tool_call", 3, 2, tool="pay", hash=1),
        f.other(4, 3, "pay", inside=True),
    ]


def _no_doubles(f: _Family) -> list[SpanRow]:
    """Another tool, or not directly: each is a call of its own."""
    return [
        f.own("tool_call", 2, 1, tool="pay", hash=1),
        f.other(3, 2, "search", inside=True),
        f.own("step", 4, 2, step="s"),
        f.other(5, 4, "pay", inside=True),
    ]


def _a_call_and_its_other_side(f: _Family) -> list[SpanRow]:
    """The callee records the call that the caller does; the caller ends, and goes on being told of."""
    return [
        f.own("execution", 1, workflow="w"),
        f.own("tool_call", 2, 1, tool="pay", hash=1),
        f.other(3, 2, "pay"),
        f.own("step", 4, 1, step="s"),
    ]


def _a_callee_with_more_inside(f: _Family) -> list[SpanRow]:
    """What is read into the caller counts there: a tool, an agent, and a step of ours; not the entry."""
    return [
        f.own("execution", 1, workflow="w", version="2"),
        f.other(2, 1, name="POST /x", code=_FAILED),
        f.other(3, 2, "search", local=True, code=_FAILED),
        f.other(4, 2, agent="planner", local=True),
    ]


def _steps_of_ours_below_plain_headers(f: _Family) -> list[SpanRow]:
    trace = f"{f.trace:032x}"
    return [
        f.own("execution", 1, workflow="w", lasted=None),
        f.own("step", 3, 2, step="handler", attempt=2, execution=trace),
        f.other(2, 1, name="POST /x"),
        f.own("tool_call", 4, 3, tool="pay", hash=1, execution=trace),
    ]


def _several_callers(f: _Family) -> list[SpanRow]:
    """A run and its child both called: the trace is a part of the one around them."""
    return [
        f.own("execution", 1, workflow="w"),
        f.own("execution", 2, 1, workflow="child", execution=f"{f.run}-child", parent_execution=f.run),
        f.other(3, 2, "pay"),
        f.other(4, 1, "search"),
    ]


def _several_callers_side_by_side(f: _Family) -> list[SpanRow]:
    """None of them is around the others: the one that made the first call."""
    return [
        f.own("execution", 1, workflow="a", parent_execution="x"),
        f.own("execution", 2, workflow="b", execution=f"{f.run}-b", parent_execution="x"),
        f.other(4, 2, "pay", at=3),
        f.other(3, 1, "search", at=4),
    ]


def _several_callers_that_nobody_started(f: _Family) -> list[SpanRow]:
    """The first of them to begin is around the others, as far as anybody knows."""
    return [
        f.own("execution", 1, workflow="a"),
        f.own("execution", 2, workflow="b", execution=f"{f.run}-b"),
        f.other(3, 2, "pay"),
        f.other(4, 1, "search"),
    ]


def _a_caller_of_another_trace(f: _Family) -> list[SpanRow]:
    """The span of that id which is there belongs to another trace of the run: it did not call."""
    return [
        f.own("execution", 1, workflow="w", trace=1),
        f.own("execution", 2, workflow="w", lasted=None),
        f.other(3, 1, "pay"),
    ]


def _a_callee_of_an_earlier_segment(f: _Family) -> list[SpanRow]:
    """What is told of the later one is of another trace, and what was called before counts on."""
    return [
        f.own("execution", 1, workflow="w", lasted=9),
        f.other(2, 1, "pay"),
        f.own("execution", 3, workflow="w", trace=1),
        f.own("step", 4, 3, step="s", trace=1),
    ]


def _parents_in_a_circle(f: _Family) -> list[SpanRow]:
    return [f.own("execution", 1, workflow="w"), f.other(2, 3), f.other(3, 2, "pay")]


def _a_root_that_comes_late(f: _Family) -> list[SpanRow]:
    """Spans of others stand in for it, the best of them at each time."""
    return [
        f.other(4, 3, local=True, at=1, code=_FAILED),
        f.other(3, 2, "pay", local=True, at=2),
        f.other(2, 9, at=3),
        f.other(1, None, "search", at=4),
    ]


def _an_orphan(f: _Family) -> list[SpanRow]:
    """It runs as long as the process of its newest span, whatever that came to."""
    return [
        f.own("step", 2, 1, step="a", lease=DEAD_LEASE, code=_FAILED),
        f.own("tool_call", 3, 1, tool="pay", lasted=None),
        f.own("tool_call", 3, 1, tool="pay", lease=None),
        f.own("step", 4, 1, step="b", lease=DEAD_LEASE, lasted=None),
    ]


def _resumed(f: _Family) -> list[SpanRow]:
    """The first says who it is, the newest how it stands, and by and by no longer its metadata and name."""
    return [
        f.own("execution", 1, workflow="w", version="1", inputs={"n": 1}, metadata={"order": 1}, code=_FAILED),
        f.own("execution", 2, workflow="v", metadata={"order": 2}, lasted=None, lease=DEAD_LEASE),
        f.own("execution", 2, lasted=9),
        f.own("step", 3, 2, step="s", attempt=2),
    ]


def _resumed_by_its_id_alone(f: _Family) -> list[SpanRow]:
    """What says nothing of the workflow says how it stands all the same; also where it is the earliest."""
    return [
        f.own("execution", 1, metadata={"order": 1}, lasted=5),
        f.own("execution", 2, workflow="w", type="workflow", lasted=None),
        f.own("execution", 3, inputs={"n": 3}, code=_FAILED),
    ]


def _failed_and_taken_up_again(f: _Family) -> list[SpanRow]:
    """While it runs anew, it did not fail: an error of before is the execution's no more."""
    return [
        f.own("execution", 1, workflow="w", code=_FAILED),
        f.own("execution", 2, workflow="w", lasted=None),
        f.own("step", 3, 2, step="s", attempt=2, lasted=None),
        f.own("step", 3, 2, step="s", attempt=2),
    ]


def _planned(f: _Family) -> list[SpanRow]:
    """That it has begun stands in the place of that it will."""
    return [
        f.own("execution", 1, workflow="w", status="pending", lasted=None),
        f.own("execution", 1, workflow="w", lasted=None),
        f.own("step", 2, 1, step="s", lasted=None),
    ]


def _no_direct_call_in_the_end(f: _Family) -> list[SpanRow]:
    """What said that it is a direct call says nothing more: another span says who it is."""
    return [
        f.own("execution", 1, type="direct", lasted=None),
        f.own("execution", 1, lasted=5),
        f.own("execution", 2, workflow="w", lasted=None),
    ]


def _one_id_for_two_spans(f: _Family) -> list[SpanRow]:
    """As a broken generator of ids gives: when they began tells them apart."""
    return [
        f.own("execution", 1, workflow="a", metadata={"order": 1}, code=_FAILED),
        f.own("execution", 1, at=5, workflow="b", metadata={"order": 2}, lasted=None),
        f.own("execution", 1, at=3, workflow="c", metadata={"order": 3}),
    ]


def _our_id_on_a_root_of_others(f: _Family) -> list[SpanRow]:
    """It is the execution, until a span of ours says that it is."""
    return [
        f.other(1, None, name="POST /x", execution=f.run),
        f.own("step", 2, 1, step="s"),
        f.own("execution", 4, 1, workflow="w", lasted=None),
    ]


def _two_roots_at_one_time(f: _Family) -> list[SpanRow]:
    """The smaller id is the execution, whatever a span is; one that came from elsewhere is none."""
    return [
        f.other(1, 9, at=1),
        f.other(2, None, "pay", at=1, lasted=None),
        f.other(3, None, name="GET /", at=1, code=_FAILED),
        f.other(4, None, "search", at=1),
    ]


def _a_double_that_is_none_in_the_end(f: _Family) -> list[SpanRow]:
    """As long as it seems to be the tool's span, it is the double of our call."""
    return [
        f.own("execution", 1, workflow="w", lasted=None),
        f.own("tool_call", 3, 2, tool="pay", hash=1),
        f.other(2, 1, "pay", inside=True, lasted=None),
        f.other(2, 1, inside=True),
    ]


def _a_root_that_doubles_our_call(f: _Family) -> list[SpanRow]:
    """It is the execution all the same, and the call is ours."""
    return [
        f.other(1, None, "pay"),
        f.own("tool_call", 2, 1, tool="pay", hash=1, execution=f"{f.trace:032x}"),
        f.other(3, 2, "pay", local=True),
    ]


def _told_as_something_else(f: _Family) -> list[SpanRow]:
    """What a span is, its last state says; what the one before said is gone, but where others say it too."""
    return [
        f.other(2, 9, "pay", lasted=None),
        f.other(2, 9, name="GET /", lasted=20),
        f.other(3, 2, "pay", local=True, lasted=None),
        f.other(3, 2, "search", local=True, lasted=30),
    ]


def _a_step_that_changes(f: _Family) -> list[SpanRow]:
    """Two steps say the same, until one of them says something else."""
    return [
        f.own("execution", 1, workflow="w", lasted=None),
        f.own("step", 2, 1, step="a", tool="pay", lasted=None),
        f.own("step", 2, 1, step="b", code=_FAILED),
        f.own("step", 3, 1, step="a", tool="pay"),
    ]


def _several_ends(f: _Family) -> list[SpanRow]:
    """The latest end stands; of equals what a process of ours holds, which an import does not."""
    return [
        f.own("execution", 1, workflow="a", lasted=7, lease=None, metadata={"order": 1}),
        f.own("execution", 1, workflow="b", lasted=7, code=_FAILED),
        f.own("execution", 1, workflow="c", lasted=6),
        f.own("execution", 1, workflow="d", lasted=7, lease=0),
    ]


FAMILIES: Final[tuple[Callable[[_Family], list[SpanRow]], ...]] = (
    _doubles_in_a_run,
    _no_doubles,
    _a_call_and_its_other_side,
    _a_callee_with_more_inside,
    _steps_of_ours_below_plain_headers,
    _several_callers,
    _several_callers_side_by_side,
    _several_callers_that_nobody_started,
    _a_caller_of_another_trace,
    _a_callee_of_an_earlier_segment,
    _parents_in_a_circle,
    _a_root_that_comes_late,
    _an_orphan,
    _resumed,
    _resumed_by_its_id_alone,
    _failed_and_taken_up_again,
    _planned,
    _no_direct_call_in_the_end,
    _one_id_for_two_spans,
    _our_id_on_a_root_of_others,
    _two_roots_at_one_time,
    _a_double_that_is_none_in_the_end,
    _a_root_that_doubles_our_call,
    _told_as_something_else,
    _a_step_that_changes,
    _several_ends,
)


class Round(NamedTuple):
    """The next row of each copy."""

    rows: list[SpanRow]
    whose: dict[str, str]
    """What each execution is an example of."""


def rounds() -> list[Round]:
    """Return every family in every order of its rows, each by ids of its own: what to write first, then, and so on."""
    whose: dict[str, str] = {}
    all_rounds = [Round([], whose) for _ in range(_MOST)]
    number = 0
    for make in FAMILIES:
        for order in permutations(range(len(make(_Family(0))))):
            number += 1
            rows = make(_Family(number))
            for place, this in zip(order, all_rounds, strict=False):
                this.rows.append(rows[place])
                whose[rows[place].execution_id] = f"({make.__name__.strip('_')}, in the order {order})"
    return all_rounds
