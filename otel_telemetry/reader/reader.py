"""The reading side of the API: questions in, records out. Pure Python over any `SpanStore`."""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, Self, Unpack, overload

from otel_telemetry import codec, filter_values
from otel_telemetry.errors import AmbiguousIdError, InvalidFilterError, SearchWarning, unknown
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
from otel_telemetry.reader.statistics import KINDS, STATS_BY, Stats, StatsBy, from_durations, in_hours, statistics
from otel_telemetry.rows import OPEN_STATUSES, RowKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from otel_telemetry.records import ExecutionRecord, ExecutionSummary
    from otel_telemetry.rows import ExecutionRow, SpanRow

MAX_LIMIT: Final = 10_000
_NOBODY: Final[frozenset[int]] = frozenset()
_BATCH: Final = 100
"""Executions that `iterate` holds at once."""
MANY: Final = 20_000
"""Executions from which on a search for text without a time is warned of."""
_CANDIDATES: Final = 5
"""Ids to name where the beginning of one fits several."""
_LAST: Final = re.compile(
    r"last(?: (?P<which>pending|running|completed|failed|cancelled|interrupted))?(?:-(?P<back>\d{1,4}))?"
)


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
            payloads: whether to return whole records, or summaries that cost no look at payloads and steps.
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
        else:
            self._warn_of_text(where)

        after = None if before is None else before.position
        rows, live = self._executions(where, order_by, after, limit + 1)
        next_cursor = None
        if len(rows) > limit:
            rows = rows[:limit]
            last = Position.of(rows[-1], order_by)
            next_cursor = None if last is None else cursors.write(as_of_ns, last, where, order_by)
        if payloads:
            return Page(tuple(self._records(rows)), next_cursor)
        return Page(tuple(self._summaries(rows, live)), next_cursor)

    def get(self, execution_id: str) -> ExecutionRecord | None:
        """Return one execution with everything nested, or None where there is none of exactly this id."""
        (wanted,) = filter_values.ids("execution_id", execution_id)
        found, live = self._spans([wanted])
        return codec.decode(found[wanted], wanted, live_leases=live) if wanted in found else None

    def records(self, execution_ids: Sequence[str]) -> list[ExecutionRecord]:
        """Return the executions of these ids that are there, by one question."""
        found, live = self._spans(execution_ids)
        return [
            codec.decode(found[execution_id], execution_id, live_leases=live)
            for execution_id in dict.fromkeys(execution_ids)
            if execution_id in found
        ]

    def find(self, run: str, /, **filters: Unpack[Filters]) -> ExecutionRecord | None:
        """Return the execution that a person means.

        Args:
            run: ``last``; ``last failed``, or another status, or ``interrupted``; either with ``-1`` for the one
                before, ``-2`` and so on; an execution id; or its beginning, as long as it is the only one.
            filters: see `Filter`; which executions to look among.

        Returns:
            The execution, or None where there is none.

        Raises:
            AmbiguousIdError: several ids begin with `run`; the message names some.
        """
        if (words := _LAST.fullmatch(run.strip())) is not None:
            which = words["which"]
            asked: Filters = {**filters}
            if which == "interrupted":
                asked["interrupted"] = True
            elif which:
                asked["status"] = which
            back = int(words["back"] or 0)
            page = self.query(payloads=False, limit=back + 1, **asked)
            return self.get(page.records[back].execution_id) if len(page) > back else None
        exact = self.get(run)
        if exact is not None:
            return exact
        asked = {**filters}
        asked["execution_id_prefix"] = run
        found = self.query(payloads=False, limit=_CANDIDATES + 1, **asked)
        ids = [summary.execution_id for summary in found]
        if len(ids) > 1:
            more = ", …" if len(ids) > _CANDIDATES else ""
            raise AmbiguousIdError(f"{run} begins several ids: {', '.join(ids[:_CANDIDATES])}{more}")
        return self.get(ids[0]) if ids else None

    def last(self, **filters: Unpack[Filters]) -> ExecutionRecord | None:
        """Return the execution that started last of those that match, or None where none does."""
        return next(iter(self.query(limit=1, **filters)), None)

    def count(self, **filters: Unpack[Filters]) -> int:
        """Return how many executions match."""
        where = Filter.parse(self._clock(), **filters)
        self._warn_of_text(where)
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

        Where at most a time of start, a workflow and a version are asked for, counts and rates are exact, and
        percentiles are taken from a histogram: at most 1 % off. The hours at the edges of the window are looked at run
        by run. Should a run be recorded again with an earlier end, it stays the longest that it was. Any other question
        is answered from every run, exactly.

        Args:
            by: what to count. Agents, chains, model calls (``chat``) and plans are steps of others, and no part of
                ``step``.
            exact: whether to look at every run, whatever is asked.
            filters: see `Filter`.
        """
        _check_choice("by", by, STATS_BY)
        where = Filter.parse(self._clock(), **filters)
        window = replace(where, started_after_ns=None, started_before_ns=None, workflow_name=(), workflow_version=())
        if exact or window != Filter():
            return statistics(self._store.runs(where, live_leases=self._live_leases()), by)
        hours, edges = in_hours(where.started_after_ns, where.started_before_ns)
        parts = (
            ()
            if hours is None
            else self._store.durations(
                kind=KINDS[by],
                hours=hours,
                workflow_name=where.workflow_name,
                workflow_version=where.workflow_version,
                by_name=True,
            )
        )
        runs = chain.from_iterable(
            self._store.runs(replace(where, started_after_ns=after, started_before_ns=before), live_leases=_NOBODY)
            for after, before in edges
        )
        return from_durations(parts, runs, by)

    def _warn_of_text(self, where: Filter) -> None:
        """Say that text is looked for in every span, where there are many and no time bounds them."""
        if where.text is None or where.started_after_ns is not None or where.execution_id:
            return
        if self._store.count(Filter(), live_leases=_NOBODY) >= MANY:
            warnings.warn(
                "text is searched for in every span that is stored, which takes long here: give started_after too",
                SearchWarning,
                stacklevel=3,
            )

    def _live_leases(self) -> frozenset[int]:
        return self._alive(self._store.leases(), self._clock())

    def _executions(
        self, where: Filter, order_by: OrderBy, after: Position | None, limit: int
    ) -> tuple[list[ExecutionRow], frozenset[int]]:
        def read(live: frozenset[int]) -> list[ExecutionRow]:
            return self._store.executions(where, live_leases=live, order_by=order_by, after=after, limit=limit)

        live = self._live_leases() if where.interrupted is not None else _NOBODY
        rows = read(live)
        if where.interrupted is None and any(is_interrupted(row, _NOBODY) for row in rows):
            live = self._live_leases()
        if any(is_interrupted(row, live) for row in rows):
            # Read once more: a process closes its lease after its last span, which may have ended in between.
            rows = read(live)
        return rows, live

    def _spans(self, execution_ids: Sequence[str]) -> tuple[Mapping[str, Sequence[SpanRow]], frozenset[int]]:
        """Read the spans of executions, and the leases of living processes where that matters: few are still open."""
        found = self._store.spans(execution_ids)
        going_on = [row for rows in found.values() for row in _going_on(rows)]
        if not going_on:
            return found, _NOBODY
        live = self._live_leases()
        if any(row.lease_id is not None and row.lease_id not in live for row in going_on):
            found = self._store.spans(execution_ids)  # as above
        return found, live

    def _all_records(self, where: Filter, order_by: OrderBy) -> Iterator[ExecutionRecord]:
        for rows, _ in self._batches(where, order_by):
            yield from self._records(rows)

    def _all_summaries(self, where: Filter, order_by: OrderBy) -> Iterator[ExecutionSummary]:
        for rows, live in self._batches(where, order_by):
            yield from self._summaries(rows, live)

    def _batches(self, where: Filter, order_by: OrderBy) -> Iterator[tuple[list[ExecutionRow], frozenset[int]]]:
        after: Position | None = None
        while True:
            rows, live = self._executions(where, order_by, after, _BATCH)
            if rows:
                yield rows, live
                after = Position.of(rows[-1], order_by)
            if len(rows) < _BATCH:
                return

    def _records(self, executions: Sequence[ExecutionRow]) -> Iterator[ExecutionRecord]:
        found, live = self._spans([row.execution_id for row in executions])
        for row in executions:
            if row.execution_id in found:  # or it was deleted meanwhile
                yield codec.decode(found[row.execution_id], row.execution_id, live_leases=live)

    def _summaries(self, executions: Sequence[ExecutionRow], live: frozenset[int]) -> Iterator[ExecutionSummary]:
        heads = self._store.heads(executions)
        for row in executions:
            yield codec.summary(row, heads.get(row.execution_id, ()), interrupted=is_interrupted(row, live))


def _going_on(rows: Sequence[SpanRow]) -> list[SpanRow]:
    """Return the spans of an execution by which it may still go on: open ones; all of ours if its own is missing."""
    found = [row for row in rows if row.ended_ns is None or row.status in OPEN_STATUSES]
    if found or any(row.kind == RowKind.EXECUTION for row in rows):
        return found
    return [row for row in rows if row.kind < RowKind.OTHER_STEP]


def _check_choice(name: str, given: str, valid: Sequence[str]) -> None:
    if given not in valid:
        raise InvalidFilterError(unknown(name, given, valid))
