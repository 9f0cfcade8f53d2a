"""Which execution of ours a trace is read into, because it made the call that the trace records.

Plain W3C headers bring the callee the trace and the caller's span, but not the execution: there, spans are kept under
the id of their trace. Where an execution of ours in that trace holds the caller's span, the trace is a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_telemetry.rows.standing import parents_of

if TYPE_CHECKING:
    from otel_telemetry.rows import ExecutionRow, SpanRow


@dataclass(slots=True)
class Family:
    """A trace, and the executions of ours that belong to it."""

    trace: str
    """The id of the execution that is named after the trace."""
    own: list[str] = field(default_factory=list)
    home_before: str | None = None
    home: str | None = None


def home_of(
    trace: ExecutionRow, rows: Sequence[SpanRow], own: Mapping[str, tuple[ExecutionRow, Sequence[SpanRow]]]
) -> str | None:
    """Return the id of the execution of ours that a trace is read into, or None.

    That is the one that holds the caller of the trace's first span. Where several executions of ours made calls that
    the trace records, it is the one around them: the first that has no parent.

    Args:
        trace: the row of the execution named after the trace.
        rows: its spans.
        own: the executions of ours that have a span in this trace, each with its spans.
    """
    parents = parents_of(rows)
    caller = _outside(trace.who_span_id, parents)
    holders = {
        row.span_id: execution_id
        for execution_id, (_, spans) in own.items()
        for row in spans
        if row.trace_id == trace.trace_id
    }
    if caller is None or caller not in holders:
        return None
    calls = {holders[parent] for parent in parents.values() if parent in holders and parent not in parents}
    if len(calls) == 1:
        return holders[caller]
    tops = [(row.started_ns, execution_id) for execution_id, (row, _) in own.items() if row.parent_execution_id is None]
    return min(tops)[1] if tops else holders[caller]


def _outside(span_id: int, parents: Mapping[int, int | None]) -> int | None:
    """Return the first ancestor of a span that is not among its own trace's rows."""
    seen: set[int] = set()
    current: int | None = span_id
    while current is not None and current in parents and current not in seen:
        seen.add(current)
        current = parents[current]
    return None if current in seen else current
