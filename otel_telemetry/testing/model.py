"""What a store should answer, by plain Python: the side that backends are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from otel_telemetry.query import Filter, FinishedRun, OrderBy, Position
from otel_telemetry.rows import (
    Derived,
    Durations,
    ExecutionRow,
    SpanRow,
    Tally,
    derive,
    fold,
    greatest,
)
from otel_telemetry.rows.execution import TOP
from otel_telemetry.stores.covering import home_of


class Model:
    """The executions that rows are of: made from all of them at once, whatever they came in.

    Args:
        written: rows, in any order; each may be there several times and in several states.
    """

    def __init__(self, written: Iterable[SpanRow]) -> None:
        groups: dict[str, list[SpanRow]] = {}
        for row in written:
            groups.setdefault(row.execution_id, []).append(row)
        self.rows = {execution_id: list(greatest(group)) for execution_id, group in groups.items()}
        """The spans that stand, by the execution that they are kept under."""
        self.all = {execution_id: fold(group) for execution_id, group in self.rows.items()}
        """The row of each execution, also of traces that are read into others."""
        for execution_id, execution in list(self.all.items()):
            self.all[execution_id] = execution._replace(covered_by=self._home(execution))
        self.tally = Tally()
        self.terms: set[tuple[int, int, str]] = set()
        for execution_id in self.all:
            self._derive(execution_id)

    def _home(self, row: ExecutionRow) -> str | None:
        if not row.is_trace or row.who_rank >= TOP:
            return None
        own = {
            mate.execution_id: (mate, self.rows[mate.execution_id])
            for mate in self.all.values()
            if mate.is_own
            and not mate.is_trace
            and any(span.trace_id == row.trace_id for span in self.rows[mate.execution_id])
        }
        return home_of(row, self.rows[row.execution_id], own)

    def _derive(self, execution_id: str) -> None:
        row = self.all[execution_id]
        derived = self.derived(execution_id)
        lasted = None if row.ended_ns is None else row.ended_ns - row.started_ns
        row = row._replace(duration_ns=lasted, spans=len(self.rows[execution_id]))
        if derived is not None:
            counts = derived.counts
            row = row._replace(
                variant=derived.variant,
                max_repeat=derived.max_repeat,
                steps=counts.steps,
                tool_calls=counts.tool_calls,
                retries=counts.retries,
            )
            self.tally.add(execution_id, counts.frame, counts.runs)
            self.terms |= {(term, row.started_ns, execution_id) for term in counts.terms}
        self.all[execution_id] = row

    def derived(self, execution_id: str) -> Derived | None:
        """Return what follows from an execution's spans; None for a trace that is read into another one."""
        row = self.all[execution_id]
        if row.covered_by is not None:
            return None
        return derive(row, self.rows[execution_id], self._adopted(execution_id))

    def _adopted(self, execution_id: str) -> list[SpanRow]:
        traces = [row.execution_id for row in self.all.values() if row.covered_by == execution_id]
        return [span for trace in traces for span in self.rows[trace]]

    def executions(self) -> list[ExecutionRow]:
        """Return the rows of the executions that are listed."""
        return [row for row in self.all.values() if row.covered_by is None]

    def spans(self, execution_id: str) -> list[SpanRow]:
        """Return every row of an execution and of the trace that is read into it, as a store gives them back."""
        if execution_id not in self.all or self.all[execution_id].covered_by is not None:
            return []
        rows = [*self.rows[execution_id], *self._adopted(execution_id)]
        return [as_read(row) for row in in_time_order(rows)]

    def matching(
        self,
        where: Filter,
        *,
        live_leases: frozenset[int] = frozenset(),
        order_by: OrderBy = "-started_at",
    ) -> list[ExecutionRow]:
        """Return the executions that match, in order."""
        placed = [
            (position.place, row)
            for row in self.executions()
            if (position := Position.of(row, order_by)) is not None
            and where.matches(row, self.spans(row.execution_id), live_leases)
        ]
        placed.sort(key=lambda pair: pair[0], reverse=order_by.startswith("-"))
        return [row for _, row in placed]

    def runs(self, executions: Iterable[ExecutionRow]) -> Iterator[FinishedRun]:
        """Yield the runs of tools and steps of executions."""
        for row in executions:
            derived = self.derived(row.execution_id)
            for run in () if derived is None else derived.counts.runs:
                yield FinishedRun(*run, row.execution_id)

    def durations(self) -> Sequence[Durations]:
        """Return what is counted of all runs."""
        return self.tally.parts()


def as_read(row: SpanRow) -> SpanRow:
    """Return `row` as a store gives it back: its metadata was for the index only."""
    return row._replace(metadata=())


def in_time_order(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """Return rows in the order of `SpanStore.spans`."""
    return sorted(rows, key=lambda row: (row.started_ns, row.sequence or 0, row.span_id))
