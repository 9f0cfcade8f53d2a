"""Opening the read side of a PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, create_engine, event

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.exporters.postgres_schema import version_of
from otel_telemetry.exporters.sql_store import SQLSpanStore
from otel_telemetry.exporters.version import check_version

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from otel_telemetry.exporters.postgres_url import Place
    from otel_telemetry.query import SpanStore


def open_postgres(place: Place, *, make: Callable[[], object] | None = None) -> SpanStore:
    """Open the store at `place` for reading. The server is reached with the first question.

    Args:
        place: where it is.
        make: makes the store where there is none yet; without it, that is a `StoreUnavailableError`.
    """

    def refuse() -> None:
        raise StoreUnavailableError(f"there is no store at {place}: record something first, or name another place")

    def connect() -> psycopg.Connection:
        connection = place.connect(autocommit=False)
        try:
            if not _is_there(connection, place):
                (make or refuse)()
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        return connection

    def use_schema(connection: Connection) -> None:
        connection.exec_driver_sql(place.search_path.as_string())

    # A connection that the server has ended meanwhile is replaced, not met by a reader.
    url = URL.create("postgresql+psycopg", host=place.host, database=place.database)
    engine = create_engine(url, creator=connect, pool_pre_ping=True, use_native_hstore=False)
    event.listen(engine, "begin", use_schema)
    return SQLSpanStore(engine, owns_engine=True)


def _is_there(connection: psycopg.Connection, place: Place) -> bool:
    found = version_of(connection, place)
    if found is None:
        return False
    check_version(found, str(place))
    return True
