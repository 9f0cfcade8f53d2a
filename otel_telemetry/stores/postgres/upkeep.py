"""A PostgreSQL store, as far as looking after it needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.rows.durations import HOUR_NS
from otel_telemetry.rows.execution_key import decode, encode, first_of_day
from otel_telemetry.stores import partitions
from otel_telemetry.stores.ddl import named
from otel_telemetry.stores.postgres import writer
from otel_telemetry.stores.statements import read_span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

    from otel_telemetry.rows import Durations, SpanRow
    from otel_telemetry.stores.changes import Changes
    from otel_telemetry.stores.postgres.driver import psycopg
    from otel_telemetry.stores.postgres.url import Place

_SQL: Final = named("postgresql")
_DAY_NS: Final = 24 * HOUR_NS


class PostgresDatabase:
    """See `stores.upkeep.Database`."""

    def __init__(self, connection: psycopg.Connection, place: Place) -> None:
        self._connection = connection
        self._place = place

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is done inside, or roll it all back."""
        return writer.transaction(self._connection, self._place)

    def held(self) -> writer.Tables:
        """Return what the tables hold."""
        return writer.Tables(self._connection)

    def run(self, name: str, **values: Any) -> list[Any]:
        """Run a statement of the write path."""
        given = {
            key: encode(value) if isinstance(value, str) and key == "execution_id" else value
            for key, value in values.items()
        }
        cursor = self._connection.execute(_SQL[name], given)
        return cursor.fetchall() if cursor.description else []

    def apply(self, changes: Changes) -> None:
        """Write what has changed."""
        writer.apply(self._connection, changes)

    def add_kept(self, parts: Sequence[Durations]) -> None:
        """Add to what is counted of executions that retention removed."""
        writer.add_kept_durations(self._connection, parts)

    def whole(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Return all rows of executions, with everything but their resources."""
        keys = sorted(map(encode, execution_ids))
        found = self._connection.execute(_SQL["whole_spans_of"], {"execution_ids": keys}, binary=True)
        return list(map(read_span, found.fetchall()))

    def replace(self, rows: Sequence[SpanRow]) -> None:
        """Write rows of spans that are there."""
        writer.replace_spans(self._connection, rows)

    def lock_all(self) -> None:
        """Keep every other process from writing, until the transaction ends."""
        self._connection.execute("LOCK TABLE executions IN SHARE ROW EXCLUSIVE MODE")

    def remove_days(self, before_ns: int, live_leases: Collection[int]) -> int:
        """Remove the executions of whole days: their partitions are emptied at once, tombstones stay.

        A day in which something still runs, or started later, is left alone.
        """
        removed = 0
        with self.transaction():
            days = [day for day in partitions.days(self._connection) if (day + 1) * _DAY_NS <= before_ns]
        for day in days:
            with self.transaction():
                removed += self._remove_day(day, before_ns, live_leases)
        return removed

    def _remove_day(self, day: int, before_ns: int, live_leases: Collection[int]) -> int:
        of_day = partitions.name_of("executions", day)
        # what is written meanwhile waits, and finds tombstones
        self._connection.execute(f"LOCK TABLE {of_day} IN SHARE ROW EXCLUSIVE MODE")
        bounds = {"first": first_of_day(day), "next_first": first_of_day(day + 1)}
        if self.run("staying_of_day", before_ns=before_ns, live_leases=list(live_leases), **bounds):
            return 0
        for (key,) in self.run("covered_by_day", **bounds):
            self.run("remove_spans_of", execution_id=decode(key))
        self.run("bury_covered_by_day", **bounds)
        removed = self._connection.execute(_SQL["bury_day"], bounds).rowcount
        emptied = ", ".join(partitions.name_of(table, day) for table in ("spans", "terms"))
        self._connection.execute(f"TRUNCATE {emptied}")
        return removed

    def make_room(self, held_s: float) -> None:
        """Do nothing: others write at the same time."""

    def give_back(self) -> None:
        """Do nothing: the server does that by itself."""
