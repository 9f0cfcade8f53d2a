"""What each span stands for in the record of its execution: judged from all of its rows.

Filters, statistics, lists and records all take their answer from here, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import IntEnum
from typing import Final

from otel_telemetry.rows.execution import HAS_BOTH_CALLS, OWN_BARE, REMOTE, TOP, ExecutionRow
from otel_telemetry.rows.row import CALL_KINDS, RowKind, SpanRow

SpanKey = tuple[int, int]
"""(started_ns, span_id): names a span within its execution."""


class Standing(IntEnum):
    """What a span is in a record."""

    SPAN = 0
    EXECUTION = 1
    STEP = 2
    TOOL_CALL = 3
    DIRECT = 4
    """The execution, and the tool call that it is."""
    SEGMENT = 5
    """Another span of an execution of ours: before or after the one that says how it stands."""


# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_SPAN: Final = Standing.SPAN
_EXECUTION: Final = Standing.EXECUTION
_STEP: Final = Standing.STEP
_CALL: Final = Standing.TOOL_CALL
_DIRECT: Final = Standing.DIRECT
_SEGMENT: Final = Standing.SEGMENT
_K_EXECUTION: Final = int(RowKind.EXECUTION)
_K_CALL: Final = int(RowKind.TOOL_CALL)
_K_OTHER_STEP: Final = int(RowKind.OTHER_STEP)
_K_ENTRY: Final = int(RowKind.ENTRY)
_K_ENTRY_CALL: Final = int(RowKind.ENTRY_CALL)
_CALLS_OF_OTHERS: Final = CALL_KINDS - {_K_CALL}
_ALWAYS: Final[dict[int, Standing]] = {
    RowKind.SPAN: _SPAN,
    RowKind.STEP: _STEP,
    RowKind.TOOL_CALL: _CALL,
    RowKind.INNER_STEP: _STEP,
    RowKind.INNER_CALL: _CALL,
    RowKind.OTHER_STEP: _STEP,
    RowKind.OTHER_CALL: _CALL,
}
"""What spans of these kinds stand for in their own execution, whatever else is there."""


def stands(
    execution: ExecutionRow, row: SpanRow, hidden: AbstractSet[SpanKey] = frozenset(), *, adopted: bool = False
) -> Standing:
    """Return what a span stands for.

    Args:
        execution: the row of its execution, or of the one that it is read into.
        row: the span.
        hidden: the doubles (`doubles`) among all rows of the execution.
        adopted: whether the span is of a trace that is read into this execution.
    """
    kind = row.kind
    if adopted and kind >= _K_OTHER_STEP:
        what = _as_inside(row)
    elif kind == _K_EXECUTION:
        what = _of_claim(execution, row, adopted=adopted)
    elif kind in {_K_ENTRY, _K_ENTRY_CALL}:
        what = _of_entry(execution, row)
    else:
        what = _ALWAYS.get(kind, _SPAN)  # a later version may know more
    if hidden and kind in _CALLS_OF_OTHERS and (row.started_ns, row.span_id) in hidden:
        return _EXECUTION if what is _DIRECT else _SPAN
    return what


def _as_inside(row: SpanRow) -> Standing:
    """Return what a span of others stands for that is read into an execution of ours."""
    if row.kind in _CALLS_OF_OTHERS:
        return _CALL
    return _SPAN if row.step_kind is None else _STEP


def _of_claim(execution: ExecutionRow, row: SpanRow, *, adopted: bool) -> Standing:
    if adopted or execution.who_rank < OWN_BARE:
        return _SPAN
    newest = row.span_id == execution.state_span_id and row.started_ns == execution.state_started_ns
    return _EXECUTION if newest else _SEGMENT


def _of_entry(execution: ExecutionRow, row: SpanRow) -> Standing:
    is_root = (
        row.span_id == execution.who_span_id
        and row.started_ns == execution.started_ns
        and execution.who_rank in {TOP, REMOTE}
    )
    if row.kind == _K_ENTRY_CALL:
        return _DIRECT if is_root else _CALL
    return _EXECUTION if is_root else _STEP


def parents_of(rows: Sequence[SpanRow]) -> dict[int, int | None]:
    """Return the parent of each span by its id; of several spans with one id, that of the first by time."""
    parents = {row.span_id: row.parent_span_id for row in rows}
    if len(parents) < len(rows):
        parents = {row.span_id: row.parent_span_id for row in last_first(rows)}
    return parents


def last_first(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """Return spans by time, the last first."""
    return sorted(rows, key=lambda row: (row.started_ns, row.parent_span_id or 0), reverse=True)


def may_have_doubles(execution: ExecutionRow, adopted: Collection[SpanRow] = ()) -> bool:
    """Whether it is worth looking for doubles (`doubles`) in an execution."""
    return execution.flags & HAS_BOTH_CALLS == HAS_BOTH_CALLS or bool(adopted)


def doubles(rows: Sequence[SpanRow]) -> frozenset[SpanKey]:
    """Return the tool spans of others that only double a call of ours: the same tool, direct parent or child."""
    calls = [row for row in rows if row.kind == _K_CALL]
    if not calls:
        return frozenset()
    tools = {(row.span_id, row.tool_name) for row in calls}
    parents = {(row.parent_span_id, row.tool_name) for row in calls}
    return frozenset(
        [
            (row.started_ns, row.span_id)
            for row in rows
            if row.kind in _CALLS_OF_OTHERS
            and ((row.parent_span_id, row.tool_name) in tools or (row.span_id, row.tool_name) in parents)
        ]
    )
