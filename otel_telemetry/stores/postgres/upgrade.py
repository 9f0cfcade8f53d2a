"""Bringing an older PostgreSQL store up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import NullPool

from otel_telemetry.stores import migrations
from otel_telemetry.stores.version import ADVISORY_LOCK

if TYPE_CHECKING:
    from otel_telemetry.stores.postgres.url import Place


def upgrade_postgres(place: Place) -> None:
    """Migrate the store at `place`; one process does it, others wait."""

    def begin(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.exec_driver_sql(place.search_path.as_string())

    engine = create_engine("postgresql+psycopg://", creator=lambda: place.connect(autocommit=False), poolclass=NullPool)
    event.listen(engine, "begin", begin)
    migrations.upgrade(engine)
