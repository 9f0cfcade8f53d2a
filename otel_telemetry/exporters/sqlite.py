"""Spans into a SQLite file."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_telemetry.exporters import sqlite_file
from otel_telemetry.exporters.base import StoreExporter
from otel_telemetry.exporters.sqlite_writer import create_tables, is_retryable, put_lease, transaction, write_rows
from otel_telemetry.exporters.version import check_version, is_older

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_telemetry.query import Lease, SpanStore
    from otel_telemetry.spans import SpanRow
    from span_processors.redaction import Redactor

_SETTINGS: Final = (
    "PRAGMA page_size = 8192",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 16000",
)
_FILE_CHECK_INTERVAL_S: Final = 2.0


class SQLiteSpanExporter(StoreExporter[sqlite3.Connection]):
    """Writes spans to a SQLite file, which any number of processes may share.

    Args:
        path: the file, or its URL (``sqlite:///telemetry.db``). It is made with the first span, for its owner only.
        redactor: what `export` redacts with, where this is a part of another OpenTelemetry pipeline.

    Raises:
        ConfigurationError: no store can be there.
        StoreUnavailableError: something that is not a store is there.
        StoreError: a store of a newer major version is there.
    """

    name = "sqlite"

    def __init__(self, path: str | os.PathLike[str], *, redactor: Redactor | None = None) -> None:
        text = os.fspath(path)
        # Absolute, so that the host may change its directory.
        self._path: Final = (sqlite_file.path_of(text) if "://" in text else Path(text)).absolute()
        sqlite_file.check_path(self._path)
        self._file: tuple[int, int] | None = None
        self._file_checked = 0.0
        super().__init__(redactor)

    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""
        # Deferred: SQLAlchemy costs more than everything that recording imports.
        from otel_telemetry.exporters.reading import open_sqlite  # noqa: PLC0415

        return open_sqlite(self._path, make=lambda: self._open().close())

    def _connect(self) -> sqlite3.Connection:
        connection = self._open()
        self._file, self._file_checked = self._identity(), time.monotonic()
        return connection

    def _open(self) -> sqlite3.Connection:
        sqlite_file.create_file(self._path)
        connection = sqlite_file.connect(self._path, mode="rw")
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            _use_wal(connection)
            self._prepare_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare_tables(self, connection: sqlite3.Connection) -> None:
        found = sqlite_file.version_of(connection, self._path)
        if found is None:
            with transaction(connection):
                # Another process may have made them while this one waited for the lock.
                found = sqlite_file.version_of(connection, self._path)
                if found is None:
                    create_tables(connection)
                    return
        check_version(found, str(self._path))
        if is_older(found):
            # Deferred: Alembic is needed by the one process that finds an older store.
            from otel_telemetry.exporters.migrations import upgrade_sqlite  # noqa: PLC0415

            upgrade_sqlite(self._path)

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def _write(self, connection: sqlite3.Connection, rows: Sequence[SpanRow]) -> None:
        write_rows(connection, rows, self._known_resources)

    def _put_lease(self, connection: sqlite3.Connection, lease: Lease) -> None:
        put_lease(connection, lease)

    def _is_retryable(self, error: Exception) -> bool:
        return is_retryable(error)

    def _is_stale(self, connection: sqlite3.Connection) -> bool:  # noqa: ARG002  (it is the file that tells)
        """Whether the file was deleted or replaced: SQLite would go on writing to what is no longer there."""
        now = time.monotonic()
        if now - self._file_checked < _FILE_CHECK_INTERVAL_S:
            return False
        self._file_checked = now
        return self._identity() != self._file

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, which alone lets readers and a writer work at once.

    Processes that open a new store at the same moment meet here, and for this one statement SQLite does not wait.
    """
    deadline = time.monotonic() + sqlite_file.BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311  (spreads the contenders; no secret)
        else:
            return
