"""Writing rows through a raw psycopg connection: COPY where rows are new, a merge where they may be there already."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from otel_telemetry.leases import Lease
from otel_telemetry.rows import RUN_COLUMNS, Durations, RowKind, SpanRow, add_up, count_runs, runs_of
from otel_telemetry.stores.duration_parts import MAX_PARTS, as_values, from_values, is_time_to_look
from otel_telemetry.stores.postgres.driver import psycopg
from otel_telemetry.stores.statements import (
    COLUMN_LIST,
    DURATION_COLUMNS,
    KEY,
    METADATA_COLUMNS,
    ON_CONFLICT,
    ON_CONFLICT_OF_LEASES,
    key_of,
    read_run,
    stored,
)
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.stores.postgres.url import Place

_KEY: Final = ", ".join(KEY)
_INSERT_RESOURCE: Final = (
    "INSERT INTO resources (resource_id, schema_url, attributes) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
)
_INSERT_LEASE: Final = (
    f"INSERT INTO leases ({', '.join(Lease._fields)}) VALUES ({', '.join(['%s'] * len(Lease._fields))})"
)
_PUT_LEASE: Final = f"{_INSERT_LEASE} {ON_CONFLICT_OF_LEASES}"
_ADD_LEASE: Final = f"{_INSERT_LEASE} ON CONFLICT DO NOTHING"
# One for all transactions of the session: making a table in each would bloat the catalogue.
_MAKE_INCOMING: Final = "CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE spans) ON COMMIT DELETE ROWS"
# Leaves those that were there. Of two sessions that write a row at the same moment, one waits here for the other.
_INSERT_INCOMING: Final = f"""
    WITH added AS (
        INSERT INTO spans ({COLUMN_LIST}) SELECT {COLUMN_LIST} FROM incoming ON CONFLICT DO NOTHING RETURNING {_KEY})
    DELETE FROM incoming WHERE ({_KEY}) IN (SELECT {_KEY} FROM added)"""
# An ended row that is written again must not be counted again.
_REPLACED: Final = f"""
    SELECT {", ".join(f"spans.{column}" for column in RUN_COLUMNS)} FROM spans JOIN incoming USING ({_KEY})
    WHERE spans.ended_ns IS NOT NULL AND incoming.ended_ns IS NOT NULL FOR UPDATE OF spans"""
_MERGE: Final = f"INSERT INTO spans ({COLUMN_LIST}) SELECT {COLUMN_LIST} FROM incoming {ON_CONFLICT}"
# Metadata belongs to the state of the row that stands, which need not be the one that was written last.
_DELETE_METADATA: Final = f"""
    DELETE FROM execution_metadata WHERE ({_KEY}) IN (
        SELECT {_KEY} FROM incoming JOIN spans USING ({_KEY})
        WHERE incoming.ended_ns IS NOT DISTINCT FROM spans.ended_ns AND spans.kind = {int(RowKind.EXECUTION)})"""
_INSERT_METADATA: Final = f"""
    INSERT INTO execution_metadata ({METADATA_COLUMNS})
    SELECT {METADATA_COLUMNS}
    FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])
        AS given (execution_id, started_ns, span_id, ended_ns, key, value)
    JOIN spans USING ({_KEY}) WHERE given.ended_ns IS NOT DISTINCT FROM spans.ended_ns"""
_IN_MANY_PARTS: Final = f"""
    SELECT kind, name FROM durations JOIN unnest(%s::int2[], %s::text[]) AS counted (kind, name) USING (kind, name)
    GROUP BY kind, name HAVING count(*) >= {MAX_PARTS}"""
# What another session adds up at this moment is left to it.
_TAKE_PARTS: Final = f"""
    DELETE FROM durations WHERE ctid = ANY (ARRAY (
        SELECT durations.ctid FROM durations JOIN unnest(%s::int2[], %s::text[]) AS many (kind, name) USING (kind, name)
        FOR UPDATE OF durations SKIP LOCKED))
    RETURNING {DURATION_COLUMNS}"""

# Classes of SQLSTATE that a value in a row can cause: data exception, constraint violation, limit exceeded.
_FAULTS_OF_A_ROW: Final = frozenset({"22", "23", "54"})


@contextmanager
def transaction(connection: psycopg.Connection, place: Place) -> Iterator[None]:
    """Commit what is done inside, or roll it all back. Tables are those of the store."""
    connection.execute(place.begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Where the connection is lost, so is the transaction, and the first error says more.
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise


def write_rows(
    connection: psycopg.Connection,
    place: Place,
    rows: Sequence[SpanRow],
    known_resources: AbstractSet[int],
    announced: set[int],
    *,
    lease: Lease | None,
) -> None:
    """Write rows, their resources and metadata, and a lease, and count the rows' durations, in one transaction.

    Args:
        connection: open, in autocommit mode.
        place: the store that it leads to.
        rows: what to write.
        known_resources: keys of resources that are there.
        announced: ids of the spans whose start was written and whose end was not; brought up to date.
        lease: the state of the lease of this process, if it has changed.
    """
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    announced.update([row.span_id for row in rows if row.ended_ns is None])
    new = [row for row in rows if row.span_id not in announced] if announced else rows
    known = [row for row in rows if row.span_id in announced] if announced else []

    def write(new: Sequence[SpanRow], known: Sequence[SpanRow]) -> None:
        with transaction(connection, place):
            for key, resource in resources.items():
                connection.execute(_INSERT_RESOURCE, (key, resource.schema_url, canonical(resource.attributes)))
            durations: list[Durations] = []
            if new:
                durations += _insert(connection, new)
            if known:
                durations += _merge(connection, known)
            if durations:
                _insert_durations(connection, durations)
            if lease is not None:
                connection.execute(_PUT_LEASE, lease)

    try:
        write(new, known)
    except psycopg.errors.UniqueViolation:
        # Written before: by a commit whose answer got lost, or by whoever had this row first.
        write([], rows)
    announced.difference_update([row.span_id for row in known if row.ended_ns is not None])


def put_lease(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Write the state of a lease, unless a later one is there."""
    with transaction(connection, place):
        connection.execute(_PUT_LEASE, lease)


def add_lease(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Write a lease, if it is not there."""
    with transaction(connection, place):
        connection.execute(_ADD_LEASE, lease)


def is_retryable(error: Exception) -> bool:
    """Whether `error` came from the server's state or the way to it, and not from a row."""
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] not in _FAULTS_OF_A_ROW


def _insert(connection: psycopg.Connection, rows: Sequence[SpanRow]) -> list[Durations]:
    with connection.cursor().copy(f"COPY spans ({COLUMN_LIST}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(stored(row))
        # while the server is still busy with the last rows
        durations = count_runs(runs_of(rows))
        metadata = [(*key_of(row), *item) for row in rows for item in row.metadata]
    if metadata:
        _copy(connection, f"execution_metadata ({METADATA_COLUMNS})", metadata)
    return durations


def _merge(connection: psycopg.Connection, rows: Iterable[SpanRow]) -> list[Durations]:
    latest: dict[tuple[bytes, int, int], SpanRow] = {}
    for row in rows:  # one statement may not meet a key twice
        key = key_of(row)
        if row.ended_ns is not None or key not in latest or latest[key].ended_ns is None:
            latest[key] = row
    connection.execute(_MAKE_INCOMING)
    _copy(connection, f"incoming ({COLUMN_LIST})", map(stored, latest.values()))
    connection.execute(_INSERT_INCOMING)
    replaced = map(read_run, connection.execute(_REPLACED).fetchall())
    connection.execute(_MERGE)
    connection.execute(_DELETE_METADATA)
    metadata = [(*key, row.ended_ns, *item) for key, row in latest.items() for item in row.metadata]
    if metadata:
        connection.execute(_INSERT_METADATA, [list(column) for column in zip(*metadata, strict=True)])
    return count_runs(runs_of(latest.values()), replaced)


def _insert_durations(connection: psycopg.Connection, parts: Sequence[Durations]) -> None:
    _copy(connection, f"durations ({DURATION_COLUMNS})", map(as_values, parts))
    if not is_time_to_look():
        return
    names = [[part.kind for part in parts], [part.name for part in parts]]
    if many := connection.execute(_IN_MANY_PARTS, names).fetchall():
        taken = connection.execute(_TAKE_PARTS, [list(column) for column in zip(*many, strict=True)]).fetchall()
        _copy(connection, f"durations ({DURATION_COLUMNS})", map(as_values, add_up(map(from_values, taken))))


def _copy(connection: psycopg.Connection, target: str, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor().copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
