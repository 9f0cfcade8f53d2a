"""Opening the read side of a PostgreSQL store."""

from __future__ import annotations

import os
import selectors
import weakref
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.stores.postgres.tables import version_of
from otel_telemetry.stores.sql_store import SQLSpanStore
from otel_telemetry.stores.version import check_version

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from otel_telemetry.query import SpanStore
    from otel_telemetry.stores.postgres.url import Place


def open_postgres(place: Place, *, make: Callable[[], object] | None = None) -> SpanStore:
    """Open the store at `place` for reading.

    Args:
        place: where it is.
        make: makes the store where there is none yet, once something is asked; without it, the store must be there.

    Raises:
        StoreUnavailableError: there is no store, or the server cannot be reached.
        StoreError: it is of a newer major version.
    """

    def refuse() -> None:
        raise StoreUnavailableError(
            f"there is no store at {place}: record something first (otel-telemetry demo does), or name another place"
        )

    def connect() -> psycopg.Connection:
        connection = place.connect()
        try:
            found = version_of(connection, place)
            if found is None:
                (make or refuse)()
            else:
                check_version(found, str(place))
        except BaseException:
            connection.close()
            raise
        return connection

    # One round trip for all that holds in a transaction, which is why the driver begins none by itself. The server is
    # to refuse writing; not to compile statements, which takes longer than these take to run; and to follow an index
    # for the first of many, where its default, meant for disks with arms, would have it read and sort them all.
    settings = "SET LOCAL jit = off; SET LOCAL random_page_cost = 1.1"
    begin = f"BEGIN READ ONLY; {place.search_path.as_string()}; {settings}"

    url = URL.create("postgresql+psycopg", host=place.host, database=place.database)
    engine = create_engine(url, creator=connect, use_native_hstore=False)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    event.listen(engine, "checkout", _refuse_ended)
    _forget_after_fork(engine)
    store = SQLSpanStore(engine, owns_engine=True)
    if make is None:
        store.leases()  # anything that is asked finds out
    return store


def _refuse_ended(connection: psycopg.Connection, *_: object) -> None:
    """Have a connection replaced that the server has ended meanwhile: it says so, or hangs up, and one can read that.

    Raises:
        DisconnectionError: it has.
    """
    with selectors.DefaultSelector() as selector:
        if connection.closed or (selector.register(connection, selectors.EVENT_READ) and selector.select(0)):
            raise DisconnectionError


def _forget_after_fork(engine: Engine) -> None:
    """Let a child make connections of its own: two processes in one session would get each other's answers."""
    engine_or_none = weakref.ref(engine)

    def forget() -> None:
        inherited = engine_or_none()
        if inherited is not None:
            inherited.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)
