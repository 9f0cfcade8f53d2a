"""One file of a spill: a SQLite file whose spans are read in the order in which they were written, and leave it again.

It has the tables of a store, but only spans, resources and leases are in it: what follows from the spans is worked out
where they are going.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from otel_telemetry.leases import Lease
from otel_telemetry.rows import COLUMNS, SpanRow, is_greater
from otel_telemetry.rows.execution_key import encode
from otel_telemetry.stores.changes import Written
from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter
from otel_telemetry.stores.sqlite.writer import Tables, add_resources, put_lease_inside, put_spans, transaction
from otel_telemetry.stores.statements import read_span
from span_processors.data import ResourceData

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from otel_telemetry.stores.held import Key

_MOST_BYTES: Final = 4 * 1024 * 1024
_LOG_BYTES: Final = 8 * 1024 * 1024
_OLDEST: Final = f"SELECT {', '.join(COLUMNS)} FROM spans ORDER BY rowid LIMIT ? OFFSET ?"
_RESOURCE: Final = "SELECT attributes, schema_url FROM resources WHERE resource_id = ?"
_ACCOUNTS: Final = f"SELECT {', '.join(Lease._fields)} FROM leases WHERE account IS NOT NULL AND lease_id <> ?"
_REMOVE: Final = "DELETE FROM spans WHERE execution_id = ? AND started_ns = ? AND span_id = ? AND ended_ns IS ?"


class SpillFile(SQLiteSpanExporter):
    """A SQLite store whose rows leave it again."""

    name = "spill"
    _cache_bytes = 2 * 1024 * 1024  # rows come and go in order: none is looked for among many

    def lend(self, lease: Lease) -> None:
        """Say that the process that holds `lease` records here."""
        self._lease = lease

    def others(self) -> list[Lease]:
        """Return the processes that have recorded here and left their account."""
        with self._session() as connection:
            return [Lease(*values) for values in connection.execute(_ACCOUNTS, (self._lease.lease_id,))]

    def oldest(self, limit: int, skip: int) -> list[SpanRow]:
        """Return the rows that came first after `skip` others, at most `limit` and not many more than 4 MiB."""
        with self._session() as connection:
            resources: dict[int, ResourceData] = {}
            rows: list[SpanRow] = []
            size = 0
            for values in connection.execute(_OLDEST, (limit, skip)):
                row = read_span(values)
                if row.resource_id not in resources:
                    resources[row.resource_id] = _resource(connection, row.resource_id)
                rows.append(row._replace(resource=resources[row.resource_id]))
                size += len(row.document or "") + len(row.payload or "")
                if size >= _MOST_BYTES:
                    break
            return rows

    def remove(self, rows: Sequence[SpanRow]) -> None:
        """Delete rows, as far as they are still what they were: the end of a span is not removed with its start."""
        states = [(encode(row.execution_id), row.started_ns, row.span_id, row.ended_ns) for row in rows]
        with self._session() as connection, transaction(connection):
            connection.executemany(_REMOVE, states)

    def _write(self, connection: sqlite3.Connection, rows: Sequence[SpanRow], lease: Lease | None) -> Written:
        """Write spans, each unless a greater state of it is there, and the state of the lease."""
        tables = Tables(connection)
        with transaction(connection):
            add_resources(connection, rows, self._known_resources)
            greatest: dict[Key, SpanRow] = {}
            for row in rows:
                key = row.execution_id, row.started_ns, row.span_id
                there = greatest.get(key) or tables.whole([key]).get(key)
                if there is None or is_greater(row, there):
                    greatest[key] = row
            put_spans(connection, list(greatest.values()))
            if lease is not None:
                put_lease_inside(connection, lease)
        return Written(stored=len(greatest), replayed=len(rows) - len(greatest))

    def is_empty(self) -> bool:
        """Whether no row is left."""
        with self._session() as connection:
            return connection.execute("SELECT 1 FROM spans LIMIT 1").fetchone() is None

    def _most_log_bytes(self) -> int:
        return _LOG_BYTES  # it takes of the disk space that rows could have

    def free_bytes(self) -> int:
        """Return how much of the file is free to be written again."""
        with self._session() as connection:
            (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            return int(pages * page_bytes)


def _resource(connection: sqlite3.Connection, key: int) -> ResourceData:
    attributes, schema_url = connection.execute(_RESOURCE, (key,)).fetchone()
    return ResourceData(key, orjson.loads(attributes), schema_url)
