"""What follows from all spans of an execution: what it is found by, what is counted of it, how it went.

The one definition of what filters find and statistics count. A store keeps the result beside the execution, and makes
it anew whenever the spans say something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.rows.convert import metadata_of
from otel_telemetry.rows.durations import HOUR_NS, KINDS_OF_STEPS, TOOL_CALL, Frame, Run
from otel_telemetry.rows.execution import HAS_OWN_SCOPE, ROOTLESS_RANKS
from otel_telemetry.rows.hashing import hash64
from otel_telemetry.rows.row import RowKind, RowStatus, SpanRow
from otel_telemetry.rows.standing import (
    SpanKey,
    Standing,
    doubles,
    last_first,
    may_have_doubles,
    parents_of,
    stands,
)
from otel_telemetry.rows.variant import MOST, Activity, variant_of
from otel_telemetry.semconv import SCOPE_NAME

if TYPE_CHECKING:
    from otel_telemetry.rows.execution import ExecutionRow

# What an execution is found by, apart from its own row: kind, key (of metadata) and value of a term.
METADATA: Final = 1
TOOL: Final = 2
STEP: Final = 3
ERROR_CODE: Final = 4
ERROR_CATEGORY: Final = 5
ERROR: Final = 6
"""A code as the key and a category as the value: of one error."""
SCOPE: Final = 7
STEP_KIND: Final = 8
TRACE: Final = 9
"""A trace that holds spans of the execution, beside that of its own span."""

# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_STEP: Final = Standing.STEP
_EXECUTION: Final = Standing.EXECUTION
_SEGMENT: Final = Standing.SEGMENT
_SPAN: Final = Standing.SPAN
_CALL: Final = Standing.TOOL_CALL
_DIRECT: Final = Standing.DIRECT
_PLAIN_STEP: Final = KINDS_OF_STEPS[None]
_K_STEP: Final = int(RowKind.STEP)
_K_CALL: Final = int(RowKind.TOOL_CALL)
_FAILED: Final = int(RowStatus.FAILED)
_SKIPPED: Final = int(RowStatus.SKIPPED)


class Counts(NamedTuple):
    """What some rows of an execution add to it; the rows of a whole execution add up to what is known of it."""

    frame: Frame
    terms: set[int]
    runs: list[Run]
    steps: int
    tool_calls: int
    retries: int


class Derived(NamedTuple):
    """What follows from all rows of an execution."""

    counts: Counts
    variant: int | None
    """The way it went (`variant`); None while it runs, without its own span, and where it is too long."""
    max_repeat: int | None
    """How often the call was made that was made most often: one tool, equal parameters. None as for `variant`."""


@lru_cache(16384)
def term(kind: int, value: str, key: str = "") -> int:
    """Return what is stored of a term: 64 bits.

    Two terms have the same with a probability of 1 in 10^7 where a store has two million of them.
    """
    return hash64(f"{kind}\0{key}\0{value}")


def metadata_term(key: str, value: str) -> int:
    """Return what is stored of a key of metadata and its value (of `rows.index_value`)."""
    return hash64(f"{METADATA}\0{key}\0{value}")


def counts_of(
    execution: ExecutionRow,
    rows: Iterable[SpanRow],
    hidden: AbstractSet[SpanKey] = frozenset(),
    adopted: Sequence[SpanRow] = (),
) -> Counts:
    """Return what rows of an execution add to it.

    Args:
        execution: its row.
        rows: some of its spans.
        hidden: the doubles among all of its spans (`standing.doubles`).
        adopted: some of the spans of the trace that is read into it.
    """
    return _counts(execution, _counted(execution, rows, hidden, adopted), _found_by_place(execution, rows, adopted))


def _counts(execution: ExecutionRow, counted: Sequence[tuple[SpanRow, Standing]], terms: set[int]) -> Counts:
    """Return what rows add to an execution, and to the terms that it is found by so far."""
    steps = [row for row, what in counted if what is _STEP]
    calls = [row for row, what in counted if what is _CALL or what is _DIRECT]
    runs: list[Run] = []
    for row in steps:
        _count_step(row, terms, runs)
    for row in calls:
        tool, ended = row.tool_name, row.ended_ns
        if tool is not None and ended is not None:
            runs.append((TOOL_CALL, tool, row.status == _FAILED, ended - row.started_ns))
    terms.update([term(TOOL, tool) for tool in {row.tool_name for row in (*steps, *calls)} if tool is not None])
    for row, _ in counted:
        if row.error_category is not None or row.error_code is not None:
            _add_error(row, terms)
    retries = sum([(row.attempt or 0) > 1 for row in steps])
    return Counts(frame_of(execution), terms, runs, len(steps), len(calls), retries)


def _counted(
    execution: ExecutionRow, rows: Iterable[SpanRow], hidden: AbstractSet[SpanKey], adopted: Iterable[SpanRow]
) -> list[tuple[SpanRow, Standing]]:
    """Return the rows that count, each with what it stands for."""
    found = []
    for is_adopted, group in ((False, rows), (True, adopted)):
        for row in group:
            kind = row.kind
            if kind == _K_CALL:
                found.append((row, _CALL))
            elif kind == _K_STEP:
                found.append((row, _STEP))
            else:
                what = stands(execution, row, hidden, adopted=is_adopted)
                if what is not _SPAN and what is not _SEGMENT:
                    found.append((row, what))
    return found


def _found_by_place(execution: ExecutionRow, rows: Iterable[SpanRow], adopted: Iterable[SpanRow]) -> set[int]:
    """Return the terms of where any of its spans were recorded."""
    scopes = {row.scope for row in rows} | {row.scope for row in adopted}
    traces = {row.trace_id for row in rows} | {row.trace_id for row in adopted}
    terms = {term(SCOPE, scope) for scope in scopes if scope is not None}
    if None in scopes and not execution.flags & HAS_OWN_SCOPE:  # of a trace that is read into it
        terms.add(term(SCOPE, SCOPE_NAME))
    terms.update([term(TRACE, trace_id.hex()) for trace_id in traces if trace_id != execution.trace_id])
    return terms


def frame_of(execution: ExecutionRow) -> Frame:
    """Return by what the runs of an execution are counted."""
    return execution.started_ns // HOUR_NS, execution.workflow_name or "", execution.workflow_version or ""


def _count_step(row: SpanRow, terms: set[int], runs: list[Run]) -> None:
    name, kind, ended = row.step_id, row.step_kind, row.ended_ns
    if kind is not None:
        terms.add(term(STEP_KIND, kind))
    if name is None:
        return
    terms.add(term(STEP, name))
    if ended is not None and row.status != _SKIPPED:
        of_kind = _PLAIN_STEP if kind is None else KINDS_OF_STEPS.get(kind, _PLAIN_STEP)
        runs.append((of_kind, name, row.status == _FAILED, ended - row.started_ns))


def _add_error(row: SpanRow, terms: set[int]) -> None:
    code, category = row.error_code, row.error_category
    if code is not None:
        terms.add(term(ERROR_CODE, code))
    if category is not None:
        terms.add(term(ERROR_CATEGORY, category))
        if code is not None:
            terms.add(term(ERROR, category, code))


def derive(execution: ExecutionRow, rows: Sequence[SpanRow], adopted: Sequence[SpanRow] = ()) -> Derived:
    """Return what follows from all rows of an execution.

    Args:
        execution: its row.
        rows: all of its spans.
        adopted: all spans of the trace that is read into it.
    """
    all_rows = [*rows, *adopted] if adopted else rows
    hidden = doubles(all_rows) if may_have_doubles(execution, adopted) else frozenset()
    counted = _counted(execution, rows, hidden, adopted)
    counts = _counts(execution, counted, _found_by_place(execution, rows, adopted))
    counts.terms.update([metadata_term(*item) for item in _metadata(execution, rows)])
    if not has_a_way(execution, len(rows)):
        return Derived(counts, None, None)
    return Derived(counts, *_way(all_rows, counted))


def has_a_way(execution: ExecutionRow, spans: int) -> bool:
    """Whether it is known how an execution with so many spans went: it has ended, is no fragment, and not too long."""
    return execution.ended_ns is not None and execution.who_rank not in ROOTLESS_RANKS and spans <= MOST


def _metadata(execution: ExecutionRow, rows: Sequence[SpanRow]) -> tuple[tuple[str, str], ...]:
    """Return the metadata of the span that the execution takes it from."""
    started_ns, span_id = execution.metadata_started_ns, execution.metadata_span_id
    if started_ns is not None:
        for row in rows:
            if row.span_id == span_id and row.started_ns == started_ns:
                return metadata_of(row)
    return ()


def _way(rows: Sequence[SpanRow], counted: Sequence[tuple[SpanRow, Standing]]) -> tuple[int, int]:
    parents = parents_of(rows)
    found = [row for row, what in counted if what is _STEP]
    if len(parents) < len(rows):
        found = last_first(found)
    steps = {row.span_id: _activity(row, row.step_id) for row in found}
    calls = [row for row, what in counted if what is _CALL or what is _DIRECT]
    outside = [(_activity(row, row.tool_name), row.parent_span_id) for row in calls if row.parent_span_id not in steps]
    made = [row.call_hash for row in calls if row.call_hash is not None]
    most = max(Counter(made).values(), default=0) if len(set(made)) < len(made) else min(len(made), 1)
    return variant_of(steps, outside, parents), most


def _activity(row: SpanRow, name: str | None) -> Activity:
    return Activity(row.started_ns, row.sequence or 0, row.span_id, row.ended_ns, name or row.name or "")
