"""Writing rows through a raw SQLite connection: what the file and the memory exporter share."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from otel_telemetry.rows import ExecutionRow, SpanRow, add_up, term
from otel_telemetry.rows.conventions import VERSION
from otel_telemetry.rows.derived import TRACE
from otel_telemetry.rows.durations import DURATION_KEY
from otel_telemetry.rows.execution_key import decode, encode
from otel_telemetry.stores.ddl import named, statements
from otel_telemetry.stores.duration_parts import MAX_PARTS, from_values, is_time_to_look
from otel_telemetry.stores.held import Remembered, key_of
from otel_telemetry.stores.merging import merge
from otel_telemetry.stores.sqlite.file import when_free
from otel_telemetry.stores.statements import (
    EXECUTION_TABLE_COLUMNS,
    SPAN_COLUMNS,
    TERM_COLUMNS,
    flat_spans,
    read_execution,
    read_span,
    set_by,
    stored_durations,
    stored_execution,
    update_of,
)
from otel_telemetry.stores.version import HEAD
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.leases import Lease
    from otel_telemetry.rows import Durations
    from otel_telemetry.stores.changes import Changes, Written
    from otel_telemetry.stores.held import Key

_SQL: Final = named("sqlite")
_AT_ONCE: Final = (256, 64, 16, 4, 1)
"""How many rows a statement takes. While one runs, so do other threads, which wait for each other between them."""
_KEY: Final = len(DURATION_KEY)
_Statement: TypeAlias = "tuple[str, Sequence[Any]]"

# Codes of SQLite that a value in a row can cause; any other error is the store's.
_FAULTS_OF_A_ROW: Final = frozenset(
    {sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE}
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or roll it all back.

    Raises:
        sqlite3.OperationalError: another connection was in a transaction for longer than anybody is to wait.
    """
    # writes from the first: a lock that is asked for later may be refused at once
    when_free(lambda: connection.execute("BEGIN IMMEDIATE"))
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
    connection.execute("INSERT INTO meta VALUES ('conventions', ?)", (str(VERSION),))
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def write_rows(
    connection: sqlite3.Connection, rows: Sequence[SpanRow], known_resources: AbstractSet[int], *, lease: Lease | None
) -> Written:
    """Write rows, all that follows from them, their resources, and a lease, in one transaction.

    What is to be written is worked out before: nobody else can write while the transaction lasts.
    """
    tables = Tables(connection)
    version = data_version(connection)
    remembered = Remembered(tables)
    changes = merge(rows, remembered)
    statements = list(_statements(connection, changes))
    with transaction(connection):
        if data_version(connection) != version and not remembered.still_hold():
            changes = merge(rows, tables)
            statements = list(_statements(connection, changes))
        add_resources(connection, rows, known_resources)
        _run(connection, statements)
        add_durations(connection, changes.tally.parts())
        if lease is not None:
            put_lease_inside(connection, lease)
    return changes.written


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes whenever another connection has changed anything."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def add_resources(connection: sqlite3.Connection, rows: Iterable[SpanRow], known_resources: AbstractSet[int]) -> None:
    """Write the resources of rows that are not there yet."""
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    for key, resource in resources.items():
        connection.execute(_SQL["add_resource"], (key, resource.schema_url, canonical(resource.attributes)))


def apply(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write what has changed. To be called inside a transaction."""
    _run(connection, _statements(connection, changes))
    add_durations(connection, changes.tally.parts())


def put_spans(connection: sqlite3.Connection, rows: Sequence[SpanRow]) -> None:
    """Write rows of spans, in the place of those with the same keys."""
    _run(connection, _inserts(connection, "put_span", flat_spans(rows), len(SPAN_COLUMNS)))


def _run(connection: sqlite3.Connection, statements: Iterable[_Statement]) -> None:
    for statement, values in statements:
        connection.execute(statement, values)


def _statements(connection: sqlite3.Connection, changes: Changes) -> Iterator[_Statement]:
    """Yield the statements that write what has changed, but for what is counted."""
    executions = list(chain.from_iterable(map(stored_execution, changes.inserted)))
    yield from _inserts(connection, "add_execution", executions, len(EXECUTION_TABLE_COLUMNS))
    for before, after in changes.updated:
        name = update_of(before, after)
        yield _SQL[name], set_by(name, after)
    spans = changes.spans
    if changes.replaced_spans:
        there = set(map(key_of, changes.replaced_spans))
        replacing = [row for row in spans if key_of(row) in there]
        yield from _inserts(connection, "put_span", flat_spans(replacing), len(SPAN_COLUMNS))
        spans = [row for row in spans if key_of(row) not in there]
    yield from _inserts(connection, "add_span", flat_spans(spans), len(SPAN_COLUMNS))
    for gone in sorted(changes.dropped_terms):
        yield _SQL["remove_term"], gone
    terms = sorted((*changes.new_terms, *changes.more_terms))
    yield from _inserts(connection, "add_term", list(chain.from_iterable(terms)), len(TERM_COLUMNS))


def _inserts(connection: sqlite3.Connection, name: str, values: Sequence[Any], width: int) -> Iterator[_Statement]:
    """Yield what inserts rows of this width, some at once."""
    if len(values) <= width:
        if values:
            yield _SQL[name], values
        return
    most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    at = 0
    for rows in _AT_ONCE:
        size = rows * width
        while size <= min(most, len(values) - at):
            yield _for_rows(name, rows), values[at : at + size]
            at += size


@cache
def _for_rows(name: str, rows: int) -> str:
    """Return a statement that inserts one row, for several."""
    before, marker, values = _SQL[name].rpartition("VALUES ")
    return before + marker + ", ".join([values] * rows)


class Tables:
    """What the tables hold, inside a transaction, which alone may write: see `held.Held`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def lock(self, execution_ids: Collection[str]) -> dict[str, ExecutionRow]:
        """Return the rows of executions that are there."""
        found = {}
        statement = _SQL["two_executions"]
        keys = list(map(encode, execution_ids))
        for at in range(0, len(keys), 2):
            for values in self._execute(statement, (keys[at], keys[min(at + 1, len(keys) - 1)])).fetchall():
                row = read_execution(values)
                found[row.execution_id] = row
        return found

    def own_in_traces(self, trace_ids: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """Return the ids of the executions of ours that have a span in these traces."""
        return [
            (trace_id, decode(key))
            for trace_id in trace_ids
            for (key,) in self._execute(_SQL["own_in_trace"], (trace_id, term(TRACE, trace_id.hex()))).fetchall()
        ]

    def covered(self, execution_ids: Sequence[str]) -> list[str]:
        """Return the traces that are read into these executions."""
        statement = _SQL["covered"]
        found = [self._execute(statement, (encode(execution_id),)).fetchall() for execution_id in execution_ids]
        return [decode(key) for keys in found for (key,) in keys]

    def states(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans, without document and payload."""
        return self._spans("state", keys)

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans."""
        return self._spans("span", keys)

    def _spans(self, name: str, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        statement, found = _SQL[name], {}
        for key in keys:
            values = self._execute(statement, (encode(key[0]), key[1], key[2])).fetchone()
            if values is not None:
                found[key] = read_span(values)
        return found

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return all rows of these executions, without payload."""
        statement = _SQL["spans_of"]
        return {
            execution_id: list(map(read_span, self._execute(statement, (encode(execution_id),)).fetchall()))
            for execution_id in execution_ids
        }


def add_durations(connection: sqlite3.Connection, parts: Sequence[Durations]) -> None:
    """Add counted durations, and now and then add up the parts of a key."""
    connection.executemany(_SQL["add_durations"], map(stored_durations, parts))
    for part in parts if parts and is_time_to_look() else ():
        key = part[:_KEY]
        (there,) = connection.execute(_SQL["count_durations"], key).fetchone()
        if there >= MAX_PARTS:
            found = connection.execute(_SQL["durations_of"], key).fetchall()
            connection.execute(_SQL["remove_durations"], key)
            connection.executemany(_SQL["add_durations"], map(stored_durations, add_up(map(from_values, found))))


def put_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Write the state of a lease, unless a later one is there."""
    with transaction(connection):
        put_lease_inside(connection, lease)


def put_lease_inside(connection: sqlite3.Connection, lease: Lease) -> None:
    """Do the same inside a transaction."""
    connection.execute(_SQL["put_lease"], lease)


def add_lease(connection: sqlite3.Connection, lease: Lease) -> None:
    """Write a lease, if it is not there."""
    with transaction(connection):
        connection.execute(_SQL["add_lease"], lease)


def is_retryable(error: Exception) -> bool:
    """Whether `error` came from the state of the store (locked, full, read-only, damaged, away) and not from a row."""
    # The module's own errors, such as a value of a type that cannot be bound, have no code of SQLite.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF not in _FAULTS_OF_A_ROW
