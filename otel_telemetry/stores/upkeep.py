"""Looking after a store: removing executions, retention, and making everything anew from the spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from otel_telemetry.rows import OPEN_STATUSES, SpanRow, Tally, data_of, row_of
from otel_telemetry.rows.conventions import VERSION
from otel_telemetry.rows.durations import HOUR_NS
from otel_telemetry.rows.execution_key import decode
from otel_telemetry.stores.changes import Changes
from otel_telemetry.stores.merging import merge
from otel_telemetry.stores.removing import AT_ONCE, derived_of, removal
from span_processors.data import ResourceData

if TYPE_CHECKING:
    from otel_telemetry.rows import Durations
    from otel_telemetry.stores.held import Held

_EXECUTIONS_AT_ONCE: Final = 500


@dataclass(slots=True)
class Pruned:
    """What retention removed."""

    executions: int = 0
    kept_open: int = 0
    """Executions that are old enough but still run."""


class Database(Protocol):
    """A connection to a store, as far as looking after it needs one."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is done inside, or roll it all back."""

    def held(self) -> Held:
        """Return what the tables hold."""

    def run(self, name: str, **values: Any) -> list[Any]:
        """Run a statement of the write path; the values are in the order in which it names them."""

    def apply(self, changes: Changes) -> None:
        """Write what has changed."""

    def add_kept(self, parts: Sequence[Durations]) -> None:
        """Add to what is counted of executions that retention removed."""

    def whole(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Return all rows of executions, with everything."""

    def replace(self, rows: Sequence[SpanRow]) -> None:
        """Write rows of spans that are there."""

    def lock_all(self) -> None:
        """Keep every other process from writing, until the transaction ends."""

    def remove_days(self, before_ns: int, live_leases: Collection[int]) -> int:
        """Remove at once the executions of whole days that ended before, where that can be done; return how many."""

    def make_room(self, held_s: float) -> None:
        """Let those write who waited for a transaction of so many seconds."""

    def give_back(self) -> None:
        """Let go of the space of what was removed, as far as the database does not by itself."""


def delete(database: Database, execution_ids: Collection[str]) -> int:
    """Remove executions: their spans, terms, and share of the histograms. Their ids stay refused.

    Returns:
        How many there were.
    """
    removed = 0
    for some in _batches(sorted(set(execution_ids))):
        removed += _remove(database, some, counted=True)
    database.give_back()
    return removed


def prune(
    database: Database, before_ns: int, live_leases: Collection[int], progress: Callable[[int], None] | None = None
) -> Pruned:
    """Remove the executions that started before a whole hour; what was counted of them is kept.

    One that still runs stays. A tombstone is forgotten when it is twice as old as what is removed.

    Args:
        database: the store.
        before_ns: the time, nanoseconds since the epoch; it is cut to a whole hour.
        live_leases: the leases of the processes that are alive.
        progress: told how many executions are removed so far.
    """
    hour = before_ns // HOUR_NS
    limit_ns = hour * HOUR_NS
    pruned = Pruned()
    with database.transaction():
        database.run("keep_durations", hour=hour)
        database.run("remove_durations_before", hour=hour)
        open_ids = [
            decode(bytes(key))
            for key, status, lease_id in database.run("started_before", started_ns=limit_ns)
            if status in OPEN_STATUSES and lease_id in live_leases
        ]
        _give_share_back(database, open_ids)
    pruned.kept_open = len(open_ids)
    pruned.executions += database.remove_days(limit_ns, live_leases)
    kept = set(open_ids)
    with database.transaction():
        old = [decode(bytes(key)) for key, *_ in database.run("started_before", started_ns=limit_ns)]
    for some in _batches([execution_id for execution_id in old if execution_id not in kept]):
        pruned.executions += _remove(database, some, counted=False)
        if progress is not None:
            progress(pruned.executions)
    with database.transaction():
        database.run("remove_tombstones", started_ns=limit_ns - max(0, time.time_ns() - limit_ns))
    database.give_back()
    return pruned


def reindex(database: Database, progress: Callable[[int], None] | None = None) -> int:
    """Judge every span again, and make executions, terms and histograms anew from the spans.

    Whatever else was there is deleted first, but for tombstones and for what was counted of executions that retention
    removed. Other processes cannot write meanwhile: their spans wait.

    Returns:
        How many spans there are.
    """
    spans = 0
    with database.transaction():
        database.lock_all()
        for name in ("remove_executions", "remove_terms_of_all", "remove_all_durations"):
            database.run(name)
        ids_of_all = [decode(bytes(key)) for (key,) in database.run("ids_of_spans")]
        for ids in _batches(ids_of_all, _EXECUTIONS_AT_ONCE):
            stored = database.whole(ids)
            judged = list(map(_judged, stored))
            database.replace([new for new, old in zip(judged, stored, strict=True) if new[:-2] != old[:-2]])
            changes = merge(judged, database.held())
            changes.spans, changes.replaced_spans = [], []
            database.apply(changes)
            spans += len(stored)
            if progress is not None:
                progress(spans)
        database.run("set_meta", key="conventions", value=str(VERSION))
    return spans


def _judged(row: SpanRow) -> SpanRow:
    """Return the row that the same span gets today. Its resource stays where it is, and need not be known."""
    return row_of(data_of(row._replace(resource=ResourceData(row.resource_id, {}))), row.lease_id)


def _remove(database: Database, execution_ids: Collection[str], *, counted: bool) -> int:
    with database.transaction():
        begun = time.monotonic()
        removed = removal(execution_ids, database.held(), counted=counted)
        database.apply(removed.changes)
        for execution_id in removed.execution_ids:
            database.run("remove_spans_of", execution_id=execution_id)
        if removed.traces:
            database.apply(merge((), database.held(), removed.traces))
    database.make_room(time.monotonic() - begun)
    return removed.executions


def _give_share_back(database: Database, execution_ids: Sequence[str]) -> None:
    """Take the runs of executions that stay out of what is kept, and count them again."""
    held = database.held()
    rows = held.lock(execution_ids)
    rows |= held.lock(held.covered(sorted(rows)))
    spans = held.spans(sorted(rows))
    back, kept = Changes(), Tally()
    for execution_id, row in rows.items():
        if row.covered_by is None:
            counts = derived_of(row, rows, spans).counts
            back.tally.add(execution_id, counts.frame, counts.runs)
            kept.take_off(counts.frame, counts.runs)
    database.apply(back)
    database.add_kept(kept.parts())


def _batches(execution_ids: Iterable[str], size: int = AT_ONCE) -> Iterator[list[str]]:
    iterator = iter(execution_ids)
    while some := list(islice(iterator, size)):
        yield some
