"""Opening the read side of a store: SQLAlchemy engines that cannot write."""

from __future__ import annotations

import os
import weakref
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.stores.sql_store import SQLSpanStore
from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.idle_connections import IdleConnections
from otel_telemetry.stores.version import check_version

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from otel_telemetry.query import SpanStore


def open_sqlite(path: Path, *, make: Callable[[], object] | None = None) -> SpanStore:
    """Open the store in the file at `path` for reading.

    Args:
        path: where it is.
        make: makes the store where there is none yet, once something is asked; without it, the store must be there.

    Raises:
        StoreUnavailableError: there is no store.
        StoreError: it is of a newer major version.
    """

    def refuse() -> None:
        raise StoreUnavailableError(
            f"there is no store at {path}: record something first (otel-telemetry demo does), or name another file"
        )

    def connect() -> sqlite3.Connection:
        if not path.is_file():
            (make or refuse)()
        connection = sqlite_file.connect_to_read(path)
        try:
            found = sqlite_file.version_of(connection, path)
            if found is None:
                (make or refuse)()
            else:
                check_version(found, str(path))
            return _read_only(connection)
        except BaseException:
            connection.close()
            raise

    store = _store(connect, str(path), partial(_state, str(path), str(sqlite_file.log_of(path))))
    if make is None:
        store.leases()  # anything that is asked finds out
    return store


def open_memory(connect: Callable[[], sqlite3.Connection]) -> SpanStore:
    """Open the database in memory that `connect` leads to, for reading."""
    return _store(lambda: _read_only(connect()), ":memory:", os.getpid)


def _read_only(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA query_only = ON")
    return connection


def _state(path: str, path_of_log: str) -> Hashable:
    """Return what changes when the file is deleted, replaced, cut or written over, and with the process."""
    file, log = sqlite_file.status(path), sqlite_file.status(path_of_log)
    return (
        os.getpid(),
        file and (file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns),
        log and (log.st_dev, log.st_ino),
    )


def _store(connect: Callable[[], sqlite3.Connection], name: str, state: Callable[[], Hashable]) -> SpanStore:
    pool = IdleConnections(connect, state=state)
    store = SQLSpanStore(create_engine(URL.create("sqlite", database=name), pool=pool), owns_engine=True)
    weakref.finalize(store, pool.dispose)  # for whoever forgets to close it
    return store
