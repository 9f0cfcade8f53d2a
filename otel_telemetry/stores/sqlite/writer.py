"""Writing rows through a raw SQLite connection: what the file and the memory exporter share."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.leases import Lease
from otel_telemetry.rows import COLUMNS, RUN_COLUMNS, Durations, RowKind, SpanRow, add_up, count_runs, runs_of
from otel_telemetry.stores.ddl import statements
from otel_telemetry.stores.duration_parts import MAX_PARTS, as_values, from_values, is_time_to_look
from otel_telemetry.stores.statements import (
    COLUMN_LIST,
    DURATION_COLUMNS,
    KEY,
    METADATA_COLUMNS,
    ON_CONFLICT,
    ON_CONFLICT_OF_LEASES,
    flat,
    key_of,
)
from otel_telemetry.stores.version import HEAD
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.stores.sqlite.connection import StoreConnection

_AT_ONCE: Final = (256, 64, 16, 4, 1)
"""How many rows a statement takes. While one runs, so do other threads, which wait for each other between them."""
# An ended row that is written again must not be counted again.
_UPSERT: Final = ON_CONFLICT.replace(
    "status = excluded.status",
    f"status = note_replaced(excluded.status, {', '.join(f'spans.{column}' for column in RUN_COLUMNS)})",
)
_INSERT_RESOURCE: Final = "INSERT OR IGNORE INTO resources (resource_id, schema_url, attributes) VALUES (?, ?, ?)"
_INSERT_LEASE: Final = f"INSERT INTO leases ({', '.join(Lease._fields)}) VALUES ({', '.join('?' * len(Lease._fields))})"
_PUT_LEASE: Final = f"{_INSERT_LEASE} {ON_CONFLICT_OF_LEASES}"
_ADD_LEASE: Final = f"{_INSERT_LEASE} ON CONFLICT DO NOTHING"
_STATE: Final = (*KEY, "ended_ns")
# Metadata belongs to the state of the row that stands, which need not be the one that was written last. The CROSS JOIN
# makes SQLite look every given row up, and not go through the table.
_STANDING: Final = f"given CROSS JOIN spans USING ({', '.join(KEY)}) WHERE spans.ended_ns IS given.ended_ns"
_INSERT_DURATIONS: Final = (
    f"INSERT INTO durations ({DURATION_COLUMNS}) VALUES ({', '.join('?' * len(Durations._fields))})"
)
_OF_NAME: Final = "FROM durations WHERE kind = ? AND name = ?"

# Codes of SQLite that a value in a row can cause; any other error is the store's.
_FAULTS_OF_A_ROW: Final = frozenset(
    {sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE}
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or roll it all back."""
    connection.execute(
        "BEGIN IMMEDIATE"
    )  # waits for its turn now; a lock that is asked for later may be refused at once
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite itself roll back; statements that followed would then commit one by one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a fresh store, and stamp its version. To be called inside a transaction."""
    for statement in statements("sqlite"):
        connection.execute(statement)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def write_rows(
    connection: StoreConnection, rows: Sequence[SpanRow], known_resources: AbstractSet[int], *, lease: Lease | None
) -> None:
    """Write rows, their resources and metadata, and a lease, and count the rows' durations, in one transaction."""
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    executions = [row for row in rows if row.kind == RowKind.EXECUTION]
    with transaction(connection):
        for key, resource in resources.items():
            connection.execute(_INSERT_RESOURCE, (key, resource.schema_url, canonical(resource.attributes)))
        connection.replaced.clear()
        _execute(connection, _insert_spans, flat(rows), len(COLUMNS))
        _insert_durations(connection, count_runs(runs_of(rows), connection.replaced))
        states = {(*key_of(row), row.ended_ns): row.metadata for row in executions}
        _execute(connection, _delete_metadata, list(chain.from_iterable(states)), len(_STATE))
        entries = [(*state, *item) for state, items in states.items() for item in items]
        _execute(connection, _insert_metadata, list(chain.from_iterable(entries)), len(_STATE) + 2)
        if lease is not None:
            connection.execute(_PUT_LEASE, lease)


def _execute(connection: StoreConnection, statement: Callable[[int], str], values: Sequence[Any], width: int) -> None:
    """Execute a statement, which takes any number of rows, for the values of rows of this width."""
    most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    at = 0
    for rows in _AT_ONCE:
        size = rows * width
        while size <= min(most, len(values) - at):
            connection.execute(statement(rows), values[at : at + size])
            at += size


def _values(rows: int, width: int) -> str:
    one = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([one] * rows)}"


@cache
def _insert_spans(rows: int) -> str:
    return f"INSERT INTO spans ({COLUMN_LIST}) {_values(rows, len(COLUMNS))} {_UPSERT}"


@cache
def _delete_metadata(states: int) -> str:
    return (
        f"WITH given ({', '.join(_STATE)}) AS ({_values(states, len(_STATE))}) DELETE FROM execution_metadata"
        f" WHERE ({', '.join(KEY)}) IN (SELECT {', '.join(KEY)} FROM {_STANDING})"
    )


@cache
def _insert_metadata(items: int) -> str:
    return (
        f"WITH given ({', '.join(_STATE)}, key, value) AS ({_values(items, len(_STATE) + 2)})"
        f" INSERT INTO execution_metadata ({METADATA_COLUMNS}) SELECT {METADATA_COLUMNS} FROM {_STANDING}"
    )


def _insert_durations(connection: sqlite3.Connection, parts: Sequence[Durations]) -> None:
    connection.executemany(_INSERT_DURATIONS, map(as_values, parts))
    for part in parts if is_time_to_look() else ():
        (there,) = connection.execute(f"SELECT count(*) {_OF_NAME}", part[:2]).fetchone()
        if there >= MAX_PARTS:
            found = connection.execute(f"SELECT {DURATION_COLUMNS} {_OF_NAME}", part[:2]).fetchall()
            connection.execute(f"DELETE {_OF_NAME}", part[:2])
            connection.executemany(_INSERT_DURATIONS, map(as_values, add_up(map(from_values, found))))


def put_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Write the state of a lease, unless a later one is there."""
    with transaction(connection):
        connection.execute(_PUT_LEASE, lease)


def add_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Write a lease, if it is not there."""
    with transaction(connection):
        connection.execute(_ADD_LEASE, lease)


def is_retryable(error: Exception) -> bool:
    """Whether `error` came from the state of the store (locked, full, read-only, damaged, away) and not from a row."""
    # The module's own errors, such as a value of a type that cannot be bound, have no code of SQLite.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF not in _FAULTS_OF_A_ROW
