"""What the exporters into a SQLite file and into memory share: the driver's part, and what a fork needs.

SQLite knows nothing of forks. A child that begins while another thread of the parent is inside SQLite inherits locks
that nobody will ever let go; and one that inherits an open connection takes the locks of its parent for its own. So a
fork waits until no exporter is at work, and the child closes the connections that it inherited at rest.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.sqlite.upkeep import SQLiteDatabase
from otel_telemetry.stores.sqlite.writer import add_lease, is_retryable, put_lease, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_telemetry.leases import Lease
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.stores.changes import Written
    from span_processors.redaction import Redactor

_PATIENCE_S: Final = 1.0
"""How long a fork waits for a transaction: one that takes longer waits for another process itself."""


class SQLiteExporterBase(StoreExporter[sqlite3.Connection]):
    """Writes through the driver of the standard library, and survives forks."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._at_rest_for: Final[set[int]] = set()  # the threads that fork
        super().__init__(redactor)
        _exporters.add(self)

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def _write(self, connection: sqlite3.Connection, rows: Sequence[SpanRow], lease: Lease | None) -> Written:
        return write_rows(connection, rows, self._known_resources, lease=lease)

    def _put_lease(self, connection: sqlite3.Connection, lease: Lease) -> None:
        put_lease(connection, lease)

    def _add_lease(self, connection: sqlite3.Connection, lease: Lease) -> None:
        add_lease(connection, lease)

    def _database(self, connection: sqlite3.Connection) -> SQLiteDatabase:
        return SQLiteDatabase(connection)

    def _is_retryable(self, error: Exception) -> bool:
        return is_retryable(error)

    def before_fork(self) -> None:
        """Come to rest."""
        if self._lock.acquire(timeout=_PATIENCE_S):
            self._at_rest_for.add(threading.get_ident())

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if threading.get_ident() in self._at_rest_for:
            self._at_rest_for.discard(threading.get_ident())
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget what was inherited from the parent process, and take a lease of this process's own."""
        if threading.get_ident() in self._at_rest_for:
            # Not the parent's connection any more, but this process's copy of it. Kept, it would make SQLite believe
            # that this process holds the file's locks; the parent, leaving last, would remove the log underneath.
            with suppress(sqlite3.Error):
                self._drop()
        self._at_rest_for.clear()
        super().after_fork_in_child()


_exporters: Final[WeakSet[SQLiteExporterBase]] = WeakSet()


def _before() -> None:
    for exporter in list(_exporters):
        exporter.before_fork()


def _after_in_parent() -> None:
    for exporter in list(_exporters):
        exporter.after_fork_in_parent()


def _after_in_child() -> None:
    for exporter in list(_exporters):
        exporter.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
