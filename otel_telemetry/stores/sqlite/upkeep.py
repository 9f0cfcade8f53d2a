"""A SQLite store, as far as looking after it needs one."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.rows.execution_key import encode
from otel_telemetry.stores.ddl import named
from otel_telemetry.stores.sqlite import writer
from otel_telemetry.stores.statements import read_span, stored_durations

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager

    from otel_telemetry.rows import Durations, SpanRow
    from otel_telemetry.stores.merging import Changes

_SQL: Final = named("sqlite")
_LEAST_ROOM_S: Final = 0.01
_PAGES_AT_ONCE: Final = 256
"""Pages that one transaction gives back: writers wait for it."""


class SQLiteDatabase:
    """See `stores.upkeep.Database`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def transaction(self) -> AbstractContextManager[None]:
        """Commit what is done inside, or roll it all back."""
        return writer.transaction(self._connection)

    def held(self) -> writer.Tables:
        """Return what the tables hold."""
        return writer.Tables(self._connection)

    def run(self, name: str, **values: Any) -> list[Any]:
        """Run a statement of the write path."""
        given = [
            encode(value) if isinstance(value, str) and key == "execution_id" else value
            for key, value in values.items()
        ]
        return self._connection.execute(_SQL[name], given).fetchall()

    def apply(self, changes: Changes) -> None:
        """Write what has changed."""
        writer.apply(self._connection, changes)

    def add_kept(self, parts: Sequence[Durations]) -> None:
        """Add to what is counted of executions that retention removed."""
        self._connection.executemany(_SQL["add_kept_durations"], map(stored_durations, parts))

    def whole(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Return all rows of executions, with everything but their resources."""
        statement = _SQL["whole_spans_of"]
        return [
            read_span(values)
            for execution_id in execution_ids
            for values in self._connection.execute(statement, (encode(execution_id),))
        ]

    def replace(self, rows: Sequence[SpanRow]) -> None:
        """Write rows of spans that are there."""
        writer.put_spans(self._connection, rows)

    def lock_all(self) -> None:
        """Do nothing: a transaction that writes is the only one."""

    def remove_days(self, before_ns: int, live_leases: Collection[int]) -> int:  # noqa: ARG002  (PostgreSQL can)
        """Return 0: nothing here is removed by the day."""
        return 0

    def make_room(self, held_s: float) -> None:
        """Wait as long: SQLite gives no turns, and whoever waits only tries again now and then."""
        time.sleep(max(_LEAST_ROOM_S, held_s))

    def give_back(self) -> None:
        """Cut free pages off the file, some at a time."""
        (mode,) = self._connection.execute("PRAGMA auto_vacuum").fetchone()
        while mode:
            (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if not free:
                return
            begun = time.monotonic()
            with self.transaction():
                self._connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            (left,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if left >= free:
                return
            self.make_room(time.monotonic() - begun)
