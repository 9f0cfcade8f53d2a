"""Opening the read side of a store: SQLAlchemy engines that cannot write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.exporters import sqlite_file
from otel_telemetry.exporters.sql_store import SQLSpanStore
from otel_telemetry.exporters.version import needs_migration

if TYPE_CHECKING:
    from otel_telemetry.query import SpanStore


def open_sqlite(path: Path) -> SpanStore:
    """Open the store in the file at `path`, which must exist, for reading.

    Raises:
        StoreUnavailableError: there is no file, or it is not a store.
        StoreError: it is of a newer major version.
    """
    if not path.is_file():
        raise StoreUnavailableError(f"there is no store at {path}: record something first, or name another file")

    def connect() -> sqlite3.Connection:
        return _read_only(sqlite_file.connect(path, mode="ro"))

    connection = connect()
    try:
        found = sqlite_file.version_of(connection, path)
    finally:
        connection.close()
    if found is None:
        raise StoreUnavailableError(f"{path} is empty: record something first, or name another file")
    needs_migration(found, str(path))
    return _store(connect)


def open_memory(connect: Callable[[], sqlite3.Connection]) -> SpanStore:
    """Open the database in memory that `connect` leads to, for reading."""
    return _store(lambda: _read_only(connect()))


def _read_only(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA query_only = ON")
    return connection


def _store(connect: Callable[[], sqlite3.Connection]) -> SpanStore:
    # No pool: a connection costs less than a query, survives neither a fork nor the replacement of its file.
    return SQLSpanStore(create_engine("sqlite://", creator=connect, poolclass=NullPool), owns_engine=True)
