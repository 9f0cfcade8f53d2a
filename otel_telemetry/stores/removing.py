"""Removing executions: their spans and terms go in one transaction, and a tombstone stays.

The tombstone is greater than anything that can still be claimed, so a span that comes late is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from otel_telemetry.rows import ExecutionRow, SpanRow, derive, tombstone
from otel_telemetry.rows.execution import DELETED
from otel_telemetry.rows.execution_key import encode
from otel_telemetry.stores.changes import Changes

if TYPE_CHECKING:
    from otel_telemetry.rows import Derived
    from otel_telemetry.stores.held import Held

AT_ONCE = 10
"""Executions that one transaction removes: writers wait for it."""


class Removal(NamedTuple):
    """What is to be removed."""

    changes: Changes
    execution_ids: list[str]
    """Those whose spans go: the executions, and the traces that are read into them."""
    executions: int
    traces: list[str]
    """Those that the removed executions may have called: who called them is to be judged again."""


def removal(execution_ids: Collection[str], held: Held, *, counted: bool) -> Removal:
    """Return what removes executions.

    Args:
        execution_ids: which; one that is not there, or was removed before, is nothing to remove.
        held: what the tables hold.
        counted: whether to take their runs off the histograms. Retention leaves these as they are.
    """
    rows = held.lock(execution_ids)
    rows |= held.lock(held.covered(sorted(rows)))
    there = {execution_id: row for execution_id, row in rows.items() if row.who_rank != DELETED}
    spans = held.spans(sorted(there))
    changes = Changes()
    for execution_id, row in there.items():
        if row.covered_by is None:
            derived = derived_of(row, there, spans)
            key = encode(execution_id)
            changes.dropped_terms += [(term, row.started_ns, key) for term in derived.counts.terms]
            if counted:
                changes.tally.take_off(derived.counts.frame, derived.counts.runs)
        changes.updated.append((row, tombstone(row)))
    traces = {span.trace_id.hex() for of_one in spans.values() for span in of_one}
    executions = sum(row.covered_by is None for row in there.values())
    return Removal(changes, sorted(there), executions, sorted(traces - there.keys()))


def derived_of(row: ExecutionRow, rows: dict[str, ExecutionRow], spans: dict[str, list[SpanRow]]) -> Derived:
    """Return what follows from the spans of an execution, and of the traces among `rows` that are read into it."""
    traces = [other for other in rows.values() if other.covered_by == row.execution_id]
    return derive(row, spans[row.execution_id], [span for trace in traces for span in spans[trace.execution_id]])
