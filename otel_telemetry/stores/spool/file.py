"""One file of a spill: a SQLite store that is also read in the order in which it was written, and emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from otel_telemetry.leases import Lease
from otel_telemetry.rows import RowKind, SpanRow
from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter
from otel_telemetry.stores.sqlite.writer import transaction
from otel_telemetry.stores.statements import COLUMN_LIST, KEY, key_of, read
from span_processors.data import ResourceData

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_MOST_BYTES: Final = 4 * 1024 * 1024
_LOG_BYTES: Final = 8 * 1024 * 1024
_THIS_SPAN: Final = " AND ".join(f"{column} = ?" for column in KEY)
_OLDEST: Final = f"SELECT {COLUMN_LIST} FROM spans ORDER BY rowid LIMIT ? OFFSET ?"
_METADATA: Final = f"SELECT key, value FROM execution_metadata WHERE {_THIS_SPAN}"
_RESOURCE: Final = "SELECT attributes, schema_url FROM resources WHERE resource_id = ?"
_ACCOUNTS: Final = f"SELECT {', '.join(Lease._fields)} FROM leases WHERE account IS NOT NULL AND lease_id <> ?"
_REMOVE: Final = f"DELETE FROM spans WHERE {_THIS_SPAN} AND ended_ns IS ?"
_REMOVE_METADATA: Final = f"""
    DELETE FROM execution_metadata WHERE {_THIS_SPAN}
    AND NOT EXISTS (SELECT 1 FROM spans WHERE spans.execution_id = execution_metadata.execution_id
        AND spans.started_ns = execution_metadata.started_ns AND spans.span_id = execution_metadata.span_id)"""


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
                row = SpanRow._make((*read(values), None, ()))
                if row.resource_id not in resources:
                    resources[row.resource_id] = _resource(connection, row.resource_id)
                metadata = _metadata(connection, row) if row.kind == RowKind.EXECUTION else ()
                rows.append(row._replace(resource=resources[row.resource_id], metadata=metadata))
                size += len(row.document or "") + len(row.payload or "")
                if size >= _MOST_BYTES:
                    break
            return rows

    def remove(self, rows: Sequence[SpanRow]) -> None:
        """Delete rows, as far as they are still what they were: the end of a span is not removed with its start."""
        keys = list(map(key_of, rows))
        with self._session() as connection, transaction(connection):
            connection.executemany(_REMOVE, [(*key, row.ended_ns) for key, row in zip(keys, rows, strict=True)])
            executions = [key for key, row in zip(keys, rows, strict=True) if row.kind == RowKind.EXECUTION]
            connection.executemany(_REMOVE_METADATA, executions)

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


def _metadata(connection: sqlite3.Connection, row: SpanRow) -> tuple[tuple[str, str], ...]:
    return tuple(connection.execute(_METADATA, key_of(row)).fetchall())
