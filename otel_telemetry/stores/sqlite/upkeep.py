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
    from otel_telemetry.stores.changes import Changes

_SQL: Final = named("sqlite")
_LEAST_ROOM_S: Final = 0.002
_ROOM: Final = 9
"""Where others write, they have this many times as long as looking after the store takes from them."""
_PAGES_AT_ONCE: Final = 256
"""Pages that one transaction gives back: writers wait for it."""


class SQLiteDatabase:
    """See `stores.upkeep.Database`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._version = 0

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
        """Leave the file to others for a while, if any of them has written: only one can at a time."""
        before, self._version = self._version, writer.data_version(self._connection)
        time.sleep(_LEAST_ROOM_S if self._version == before else max(_LEAST_ROOM_S, _ROOM * held_s))

    def give_back(self) -> None:
        """Cut free pages off the file, some at a time."""
        (mode,) = self._connection.execute("PRAGMA auto_vacuum").fetchone()
        free = self._free_pages() if mode else 0
        while free:
            with self.transaction():
                begun = time.monotonic()
                for _ in range(min(free, _PAGES_AT_ONCE)):
                    # a step of this statement frees one page, and the driver takes one step where there are no rows
                    self._connection.execute("PRAGMA incremental_vacuum(1)")
            before, free = free, self._free_pages()
            if free >= before:
                return
            self.make_room(time.monotonic() - begun)

    def _free_pages(self) -> int:
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        return int(free)
