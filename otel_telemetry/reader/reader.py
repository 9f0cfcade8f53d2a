"""The reading side of the API: questions in, records out. Pure Python over any `SpanStore`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, Self, Unpack, overload

from otel_telemetry import codec, filter_values
from otel_telemetry.errors import InvalidFilterError, unknown
from otel_telemetry.query import (
    ORDERS,
    Filter,
    Filters,
    Lease,
    OrderBy,
    Position,
    SpanStore,
    is_interrupted,
)
from otel_telemetry.reader import cursors
from otel_telemetry.reader.page import Page
from otel_telemetry.reader.statistics import STATS_BY, Stats, StatsBy, from_durations, statistics
from otel_telemetry.rows import RowKind, SpanRow, data_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from otel_telemetry.records import ExecutionRecord, ExecutionSummary

MAX_LIMIT: Final = 10_000
_EXECUTION: Final = int(RowKind.EXECUTION)
_NOBODY: Final[frozenset[int]] = frozenset()
_BATCH: Final = 100
"""Executions that `iterate` holds at once."""


class Reader:
    """Answers questions about what a store holds. Safe to use from several threads, as far as the store is.

    Every method that takes filters takes those of `Filter.parse`, and raises `InvalidFilterError` for an unknown name
    or value, `StoreUnavailableError` where the store cannot be reached, `StoreError` where it cannot be read.

    Args:
        store: where the spans are.
        alive: which of these leases, at this time (nanoseconds since the epoch, UTC), belong to processes that live.
        clock: the time.
    """

    def __init__(
        self,
        store: SpanStore,
        *,
        alive: Callable[[Iterable[Lease], int], frozenset[int]],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._alive = alive
        self._clock = clock

    def close(self) -> None:
        """Let go of the store's connections."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @overload
    def query(
        self,
        *,
        payloads: Literal[True] = True,
        limit: int = 50,
        cursor: str | None = None,
        order_by: OrderBy = "-started_at",
        **filters: Unpack[Filters],
    ) -> Page[ExecutionRecord]: ...

    @overload
    def query(
        self,
        *,
        payloads: Literal[False],
        limit: int = 50,
        cursor: str | None = None,
        order_by: OrderBy = "-started_at",
        **filters: Unpack[Filters],
    ) -> Page[ExecutionSummary]: ...

    def query(
        self,
        *,
        payloads: bool = True,
        limit: int = 50,
        cursor: str | None = None,
        order_by: OrderBy = "-started_at",
        **filters: Unpack[Filters],
    ) -> Page[ExecutionRecord] | Page[ExecutionSummary]:
        """Return one page of the executions that match.

        Pages follow each other by position, not by number: an execution that is recorded while somebody reads neither
        repeats one that was seen nor hides one that was not.

        Args:
            payloads: whether to return whole records, or summaries that cost no look at payloads and spans.
            limit: how many executions at most, 1 to 10,000.
            cursor: the `next_cursor` of the page before, given with the same filters and order.
            order_by: by start or duration; ``-`` for the latest or longest first. What has not ended has no duration.
            filters: see `Filter`.

        Raises:
            InvalidCursorError: the cursor is damaged or comes from another query.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
            raise InvalidFilterError(f"limit is a whole number from 1 to {MAX_LIMIT:,}, not {limit!r}")
        _check_choice("order_by", order_by, ORDERS)
        before = None if cursor is None else cursors.read(cursor)
        as_of_ns = self._clock() if before is None else before.as_of_ns
        where = Filter.parse(as_of_ns, **filters)
        if before is not None:
            cursors.check(before, where, order_by)

        after = None if before is None else before.position
        rows, live = self._executions(where, order_by, after, limit + 1)
        next_cursor = None
        if len(rows) > limit:
            rows = rows[:limit]
            last = Position.of(rows[-1], order_by)
            next_cursor = None if last is None else cursors.write(as_of_ns, last, where, order_by)
        if payloads:
            return Page(tuple(self._records(rows)), next_cursor)
        return Page(tuple(_summaries(rows, live)), next_cursor)

    def get(self, execution_id: str) -> ExecutionRecord | None:
        """Return one execution with everything nested, or None where there is none of this id."""
        (wanted,) = filter_values.texts("execution_id", execution_id)
        rows, live = self._with_leases(lambda _: self._store.spans([wanted]))
        return _record(rows, live) if rows else None

    def last(self, **filters: Unpack[Filters]) -> ExecutionRecord | None:
        """Return the execution that started last of those that match, or None where none does."""
        return next(iter(self.query(limit=1, **filters)), None)

    def count(self, **filters: Unpack[Filters]) -> int:
        """Return how many executions match."""
        where = Filter.parse(self._clock(), **filters)
        return self._store.count(where, live_leases=self._live_leases())

    @overload
    def iterate(
        self, *, payloads: Literal[True] = True, order_by: OrderBy = "-started_at", **filters: Unpack[Filters]
    ) -> Iterator[ExecutionRecord]: ...

    @overload
    def iterate(
        self, *, payloads: Literal[False], order_by: OrderBy = "-started_at", **filters: Unpack[Filters]
    ) -> Iterator[ExecutionSummary]: ...

    def iterate(
        self, *, payloads: bool = True, order_by: OrderBy = "-started_at", **filters: Unpack[Filters]
    ) -> Iterator[ExecutionRecord] | Iterator[ExecutionSummary]:
        """Return an iterator over all executions that match, however many, in constant memory. See `query`."""
        _check_choice("order_by", order_by, ORDERS)
        where = Filter.parse(self._clock(), **filters)
        return self._all_records(where, order_by) if payloads else self._all_summaries(where, order_by)

    def stats(self, by: StatsBy = "tool", *, exact: bool = False, **filters: Unpack[Filters]) -> list[Stats]:
        """Return how each tool, or each step, of the executions that match has done; the most used first.

        Without filters the answer covers all that is stored, and takes milliseconds however much that is: percentiles
        are then taken from a histogram and are at most 1 % off. The other figures are exact, as is everything that is
        asked with filters; but should a run be recorded again with an earlier end, it stays the longest that it was.

        Args:
            by: what to count.
            exact: whether to look at every run, also without filters.
            filters: see `Filter`.
        """
        _check_choice("by", by, STATS_BY)
        where = Filter.parse(self._clock(), **filters)
        if where == Filter() and not exact:
            return from_durations(self._store.durations(), by)
        return statistics(self._store.calls(where, live_leases=self._live_leases()), by)

    def _live_leases(self) -> frozenset[int]:
        return self._alive(self._store.leases(), self._clock())

    def _executions(
        self, where: Filter, order_by: OrderBy, after: Position | None, limit: int
    ) -> tuple[Sequence[SpanRow], frozenset[int]]:
        # Without payloads: whoever wants them reads the executions' spans, and these rows among them.
        return self._with_leases(
            lambda live: self._store.executions(
                where, live_leases=live, order_by=order_by, after=after, limit=limit, payloads=False
            ),
            asked=where.interrupted is not None,
        )

    def _with_leases(
        self, read: Callable[[frozenset[int]], Sequence[SpanRow]], *, asked: bool = False
    ) -> tuple[Sequence[SpanRow], frozenset[int]]:
        """Read rows, and the leases of living processes where it matters: few executions that are read are still open.

        Args:
            read: reads the rows, given the leases.
            asked: whether the leases decide which rows are read.
        """
        if not asked:
            rows = read(_NOBODY)
            if not any(is_interrupted(row, _NOBODY) for row in rows):
                return rows, _NOBODY
        live = self._live_leases()
        if asked or any(is_interrupted(row, live) for row in rows):
            # Read once more: a process closes its lease after its last span, which may have ended in between.
            rows = read(live)
        return rows, live

    def _all_records(self, where: Filter, order_by: OrderBy) -> Iterator[ExecutionRecord]:
        for rows, _ in self._batches(where, order_by):
            yield from self._records(rows)

    def _all_summaries(self, where: Filter, order_by: OrderBy) -> Iterator[ExecutionSummary]:
        for rows, live in self._batches(where, order_by):
            yield from _summaries(rows, live)

    def _batches(self, where: Filter, order_by: OrderBy) -> Iterator[tuple[Sequence[SpanRow], frozenset[int]]]:
        after: Position | None = None
        while True:
            rows, live = self._executions(where, order_by, after, _BATCH)
            if rows:
                yield rows, live
                after = Position.of(rows[-1], order_by)
            if len(rows) < _BATCH:
                return

    def _records(self, executions: Sequence[SpanRow]) -> Iterator[ExecutionRecord]:
        spans: dict[str, list[SpanRow]] = {row.execution_id: [] for row in executions}
        rows, live = self._with_leases(lambda _: self._store.spans(list(spans)))
        for row in rows:
            spans[row.execution_id].append(row)
        for execution in executions:
            yield _record(_own_spans(execution, spans[execution.execution_id]), live)


def _own_spans(execution: SpanRow, rows: Sequence[SpanRow]) -> Sequence[SpanRow]:
    """Return the rows of one execution: where its id was recorded twice, those in its trace."""
    if sum([row.kind == _EXECUTION for row in rows]) == 1:
        return rows
    key = execution.span_id, execution.started_ns
    own = next((row for row in rows if (row.span_id, row.started_ns) == key), execution)
    return [own, *(row for row in rows if row.kind != _EXECUTION and row.trace_id == execution.trace_id)]


def _record(rows: Sequence[SpanRow], live: frozenset[int]) -> ExecutionRecord:
    spans = [data_of(row, parsed=True) for row in rows]
    interrupted = {span.span_id for span, row in zip(spans, rows, strict=True) if is_interrupted(row, live)}
    return codec.decode(spans, interrupted=interrupted)


def _summaries(rows: Iterable[SpanRow], live: frozenset[int]) -> Iterator[ExecutionSummary]:
    return (codec.summary(data_of(row, parsed=True), interrupted=is_interrupted(row, live)) for row in rows)


def _check_choice(name: str, given: str, valid: Sequence[str]) -> None:
    if given not in valid:
        raise InvalidFilterError(unknown(name, given, valid))
