"""What follows from all spans of an execution: what it is found by, what is counted of it, how it went.

The one definition of what filters find and statistics count. A store keeps the result beside the execution, and makes
it anew whenever the spans say something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final, NamedTuple

from otel_telemetry.rows.durations import HOUR_NS, KINDS_OF_STEPS, TOOL_CALL, Run
from otel_telemetry.rows.execution import ExecutionRow
from otel_telemetry.rows.hashing import hash64
from otel_telemetry.rows.row import RowKind, RowStatus, SpanRow
from otel_telemetry.rows.standing import SpanKey, Standing, doubles, may_have_doubles, stands
from otel_telemetry.rows.variant import MOST, Activity, variant_of

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
_K_STEP: Final = int(RowKind.STEP)
_K_CALL: Final = int(RowKind.TOOL_CALL)
_FAILED: Final = int(RowStatus.FAILED)
_SKIPPED: Final = int(RowStatus.SKIPPED)


class Counts(NamedTuple):
    """What some rows of an execution add to it; the rows of a whole execution add up to what is known of it."""

    terms: set[int]
    runs: list[Run]
    steps: int
    tool_calls: int
    retries: int


class Derived(NamedTuple):
    """What follows from all rows of an execution."""

    counts: Counts
    variant: int | None
    """The way it went (`variant`); None while it runs, and where it is too long."""
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
    adopted: Iterable[SpanRow] = (),
) -> Counts:
    """Return what rows of an execution add to it.

    Args:
        execution: its row.
        rows: some of its spans.
        hidden: the doubles among all of its spans (`standing.doubles`).
        adopted: some of the spans of the trace that is read into it.
    """
    terms: set[int] = set()
    runs: list[Run] = []
    steps = calls = retries = 0
    hour, workflow = execution.started_ns // HOUR_NS, execution.workflow_name or ""
    version, trace_id = execution.workflow_version or "", execution.trace_id
    for is_adopted, group in ((False, rows), (True, adopted)):
        for row in group:
            kind = row.kind
            if kind == _K_CALL:
                what = Standing.TOOL_CALL
            elif kind == _K_STEP:
                what = _STEP
            else:
                what = stands(execution, row, hidden, adopted=is_adopted)
            if row.scope is not None:
                terms.add(term(SCOPE, row.scope))
            if row.trace_id != trace_id:
                terms.add(term(TRACE, row.trace_id.hex()))
            if what is _SPAN or what is _SEGMENT:
                continue
            tool = row.tool_name
            if what is _STEP:
                steps += 1
                name = row.step_id
                if row.attempt is not None and row.attempt > 1:
                    retries += 1
                if tool is not None:
                    terms.add(term(TOOL, tool))
                if row.step_kind is not None:
                    terms.add(term(STEP_KIND, row.step_kind))
                if name is not None:
                    terms.add(term(STEP, name))
                    if row.ended_ns is not None and row.status != _SKIPPED:
                        of_kind = KINDS_OF_STEPS.get(row.step_kind, KINDS_OF_STEPS[None])
                        lasted = row.ended_ns - row.started_ns
                        runs.append(Run(hour, workflow, version, of_kind, name, row.status == _FAILED, lasted))
            elif what is not _EXECUTION:  # a call, or the direct call that the execution is
                calls += 1
                if tool is not None:
                    terms.add(term(TOOL, tool))
                    if row.ended_ns is not None:
                        lasted = row.ended_ns - row.started_ns
                        runs.append(Run(hour, workflow, version, TOOL_CALL, tool, row.status == _FAILED, lasted))
            code, category = row.error_code, row.error_category
            if code is not None:
                terms.add(term(ERROR_CODE, code))
            if category is not None:
                terms.add(term(ERROR_CATEGORY, category))
                if code is not None:
                    terms.add(term(ERROR, category, code))
    return Counts(terms, runs, steps, calls, retries)


def derive(
    execution: ExecutionRow,
    rows: Sequence[SpanRow],
    metadata: Iterable[tuple[str, str]] = (),
    adopted: Sequence[SpanRow] = (),
) -> Derived:
    """Return what follows from all rows of an execution.

    Args:
        execution: its row.
        rows: all of its spans.
        metadata: that of the span that `execution` takes it from.
        adopted: all spans of the trace that is read into it.
    """
    all_rows = [*rows, *adopted] if adopted else rows
    hidden = doubles(all_rows) if may_have_doubles(execution, adopted) else frozenset()
    counts = counts_of(execution, rows, hidden, adopted)
    counts.terms.update([metadata_term(*item) for item in metadata])
    if execution.ended_ns is None or counts.steps + counts.tool_calls > MOST:
        return Derived(counts, None, None)
    return Derived(counts, *_way(execution, rows, adopted, hidden))


def _way(
    execution: ExecutionRow, rows: Sequence[SpanRow], adopted: Collection[SpanRow], hidden: AbstractSet[SpanKey]
) -> tuple[int, int]:
    parents: dict[int, int | None] = {}
    steps: dict[int, Activity] = {}
    calls: list[tuple[Activity, int | None]] = []
    repeats: Counter[int] = Counter()
    for is_adopted, group in ((False, rows), (True, adopted)):
        for row in group:
            parents[row.span_id] = row.parent_span_id
            what = stands(execution, row, hidden, adopted=is_adopted)
            if what is _SPAN or what is _EXECUTION or what is _SEGMENT:
                continue
            name = (row.step_id if what is _STEP else row.tool_name) or row.name or ""
            activity = Activity(row.started_ns, row.sequence or 0, row.span_id, row.ended_ns, name)
            if what is _STEP:
                steps[row.span_id] = activity
                continue
            if row.call_hash is not None:
                repeats[row.call_hash] += 1
            calls.append((activity, row.parent_span_id))
    return variant_of(steps, calls, parents), max(repeats.values(), default=0)
