"""Spans into PostgreSQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from otel_telemetry.stores import partitions
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.postgres import tables as postgres_schema
from otel_telemetry.stores.postgres import writer as postgres_writer
from otel_telemetry.stores.postgres.deadline import Watch
from otel_telemetry.stores.postgres.upkeep import PostgresDatabase
from otel_telemetry.stores.postgres.url import Place, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from otel_telemetry.leases import Lease
    from otel_telemetry.query import SpanStore
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.settings import Durability
    from otel_telemetry.stores.changes import Written
    from span_processors.redaction import Redactor

DEADLINE_S: Final = 30.0
"""How long one transaction may take."""
_SECONDS_BETWEEN_PARTITIONS: Final = 3_600.0
_SECONDS_UNTIL_ANOTHER_TRY: Final = 60.0


class PostgresSpanExporter(StoreExporter["psycopg.Connection"]):
    """Writes spans to a schema of a PostgreSQL database, which any number of processes may share.

    The tables are made with the first span; until the server can be reached, `write` raises `RetryableError`.

    Args:
        url: ``postgresql://user:password@host:5432/database``, with any parameters of libpq, and ``schema``: the schema
            that the tables are in, ``otel_telemetry`` unless said.
        redactor: what `export` redacts with, where this is a part of another OpenTelemetry pipeline.
        durability: what a committed span survives: ``normal``, as much as the server's settings say; ``full``, a loss
            of power, even if its ``synchronous_commit`` is off.

    Raises:
        MissingExtraError: psycopg is not installed.
        ConfigurationError: the URL cannot be read.
    """

    name = "postgresql"

    def __init__(self, url: str, *, redactor: Redactor | None = None, durability: Durability = "normal") -> None:
        self._place: Final[Place] = parse(url)._replace(durable=durability == "full")
        super().__init__(redactor)

    @property
    def address(self) -> str:
        """The store among all others, without user and password."""
        return self._place.address

    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""
        # Deferred: SQLAlchemy costs more than everything that recording imports.
        from otel_telemetry.stores.postgres.reading import open_postgres  # noqa: PLC0415

        return open_postgres(self._place, make=lambda: self._connect().close())

    def _start_anew(self) -> None:
        super()._start_anew()
        self._watch = Watch()
        self._partitions_until = 0.0

    def _connect(self) -> psycopg.Connection:
        connection = self._place.connect()
        try:
            with Watch() as watch, watch.limit(connection.fileno(), DEADLINE_S):
                postgres_schema.prepare(connection, self._place)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect_anew(self, connection: psycopg.Connection) -> None:
        connection.close()

    def _disconnect(self, connection: psycopg.Connection) -> None:
        connection.close()
        self._watch.close()

    def _write(self, connection: psycopg.Connection, rows: Sequence[SpanRow], lease: Lease | None) -> Written:
        with self._watch.limit(connection.fileno(), DEADLINE_S):
            if time.monotonic() >= self._partitions_until:
                is_done = partitions.prepare(connection, self._place.search_path)
                pause_s = _SECONDS_BETWEEN_PARTITIONS if is_done else _SECONDS_UNTIL_ANOTHER_TRY
                self._partitions_until = time.monotonic() + pause_s
            return postgres_writer.write_rows(connection, self._place, rows, self._known_resources, lease=lease)

    def _put_lease(self, connection: psycopg.Connection, lease: Lease) -> None:
        with self._watch.limit(connection.fileno(), DEADLINE_S):
            postgres_writer.put_lease(connection, self._place, lease)

    def _add_lease(self, connection: psycopg.Connection, lease: Lease) -> None:
        with self._watch.limit(connection.fileno(), DEADLINE_S):
            postgres_writer.add_lease(connection, self._place, lease)

    def _database(self, connection: psycopg.Connection) -> PostgresDatabase:
        return PostgresDatabase(connection, self._place)

    def _is_retryable(self, error: Exception) -> bool:
        return postgres_writer.is_retryable(error)
