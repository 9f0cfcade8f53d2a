"""Writing rows through a raw SQLite connection: what the file and the memory exporter share."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from otel_telemetry.exporters.ddl import statements
from otel_telemetry.exporters.statements import (
    ADD_DURATIONS,
    COLUMN_LIST,
    DURATION_COLUMNS,
    METADATA_COLUMNS,
    ON_CONFLICT,
)
from otel_telemetry.exporters.version import HEAD
from otel_telemetry.query import Lease
from otel_telemetry.spans import COLUMNS, RUN_COLUMNS, RowKind, SpanRow, count_runs, runs_of
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.exporters.sqlite_connection import StoreConnection

_WIDTH: Final = len(COLUMNS)
_AT_ONCE: Final = 64
"""Rows of one statement. While a statement runs, other threads do: it is less often that they wait for each other."""
_VALUES: Final = f"({', '.join('?' * _WIDTH)})"
# An ended row that is written again must not be counted again.
_UPSERT: Final = ON_CONFLICT.replace(
    "status = excluded.status",
    f"status = note_replaced(excluded.status, {', '.join(f'spans.{column}' for column in RUN_COLUMNS)})",
)
_INSERT_SPAN: Final = f"INSERT INTO spans ({COLUMN_LIST}) VALUES {_VALUES} {_UPSERT}"
_INSERT_SPANS: Final = f"INSERT INTO spans ({COLUMN_LIST}) VALUES {', '.join([_VALUES] * _AT_ONCE)} {_UPSERT}"
_INSERT_RESOURCE: Final = "INSERT OR IGNORE INTO resources (resource_id, schema_url, attributes) VALUES (?, ?, ?)"
_PUT_LEASE: Final = (
    f"INSERT OR REPLACE INTO leases ({', '.join(Lease._fields)}) VALUES ({', '.join('?' * len(Lease._fields))})"
)
# Metadata belongs to the state of the row that stands, which need not be the one that was written last.
_STANDS: Final = (
    "EXISTS (SELECT 1 FROM spans WHERE execution_id = :execution_id AND started_ns = :started_ns"
    " AND span_id = :span_id AND ended_ns IS :ended_ns)"
)
_DELETE_METADATA: Final = (
    "DELETE FROM execution_metadata WHERE execution_id = :execution_id AND started_ns = :started_ns"
    f" AND span_id = :span_id AND {_STANDS}"
)
_INSERT_METADATA: Final = (
    f"INSERT INTO execution_metadata ({METADATA_COLUMNS})"
    f" SELECT :execution_id, :started_ns, :span_id, :key, :value WHERE {_STANDS}"
)
_STATE: Final = ("execution_id", "started_ns", "span_id", "ended_ns")
# One process writes at a time: one shard will do.
_COUNT_DURATIONS: Final = f"INSERT INTO durations ({DURATION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0) {ADD_DURATIONS}"

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


def write_rows(connection: StoreConnection, rows: Sequence[SpanRow], known_resources: AbstractSet[int]) -> None:
    """Write rows, their resources and their metadata, and count their durations, in one transaction."""
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    executions = [row for row in rows if row.kind == RowKind.EXECUTION]
    with transaction(connection):
        for key, resource in resources.items():
            connection.execute(_INSERT_RESOURCE, (key, resource.schema_url, canonical(resource.attributes)))
        connection.replaced.clear()
        _insert_spans(connection, rows)
        connection.executemany(_COUNT_DURATIONS, count_runs(runs_of(rows), connection.replaced))
        for row in executions:
            state = {name: getattr(row, name) for name in _STATE}
            connection.execute(_DELETE_METADATA, state)
            connection.executemany(
                _INSERT_METADATA, [state | {"key": key, "value": value} for key, value in row.metadata]
            )


def _insert_spans(connection: sqlite3.Connection, rows: Sequence[SpanRow]) -> None:
    rest = len(rows) % _AT_ONCE
    connection.executemany(_INSERT_SPAN, [row[:_WIDTH] for row in rows[:rest]])
    for at in range(rest, len(rows), _AT_ONCE):
        connection.execute(_INSERT_SPANS, [value for row in rows[at : at + _AT_ONCE] for value in row[:_WIDTH]])


def put_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Write the state of a lease."""
    with transaction(connection):
        connection.execute(_PUT_LEASE, lease)


def is_retryable(error: Exception) -> bool:
    """Whether `error` came from the state of the store (locked, full, read-only, damaged, away) and not from a row."""
    # The module's own errors, such as a value of a type that cannot be bound, have no code of SQLite.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF not in _FAULTS_OF_A_ROW
