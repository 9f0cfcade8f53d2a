"""The tables of a PostgreSQL store: whether they are there, and making them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.rows.conventions import VERSION
from otel_telemetry.stores import partitions
from otel_telemetry.stores.ddl import statements
from otel_telemetry.stores.postgres.driver import psycopg
from otel_telemetry.stores.version import ADVISORY_LOCK, HEAD, check_version, is_older

if TYPE_CHECKING:
    from otel_telemetry.stores.postgres.url import Place


def version_of(connection: psycopg.Connection, place: Place) -> str | None:
    """Return the version of the store at `place`; None where there is nothing yet.

    Raises:
        StoreUnavailableError: something else is there.
    """
    found = {
        name
        for (name,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename IN ('alembic_version', 'spans')",
            (place.schema,),
        )
    }
    if not found:
        return None
    if len(found) == 1:
        raise StoreUnavailableError(f"{place} holds the tables of another program: name another schema with ?schema=")
    row = connection.execute(
        psycopg.sql.SQL("SELECT version_num FROM {}.alembic_version").format(place.identifier)
    ).fetchone()
    return row[0] if row else ""


def prepare(connection: psycopg.Connection, place: Place) -> None:
    """Make the tables, or migrate those of an older store; one process does it, others wait.

    Raises:
        StoreUnavailableError: something else is there.
        StoreError: the store is of a newer major version.
    """
    found = version_of(connection, place)
    if found is None:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
            found = version_of(connection, place)
            if found is None:
                _create(connection, place)
                return
    check_version(found, str(place))
    if is_older(found):
        # Deferred: Alembic is needed by the one process that finds an older store.
        from otel_telemetry.stores.postgres.upgrade import upgrade_postgres  # noqa: PLC0415

        upgrade_postgres(place)


def _create(connection: psycopg.Connection, place: Place) -> None:
    # IF NOT EXISTS alone would ask for the right to create schemas even where ours exists.
    if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (place.schema,)).fetchone() is None:
        connection.execute(psycopg.sql.SQL("CREATE SCHEMA {}").format(place.identifier))
    connection.execute(place.search_path)
    for statement in statements("postgresql"):
        connection.execute(statement)
    partitions.make_first(connection)
    connection.execute("INSERT INTO meta VALUES ('conventions', %s)", (str(VERSION),))
    connection.execute("INSERT INTO alembic_version VALUES (%s)", (HEAD,))
