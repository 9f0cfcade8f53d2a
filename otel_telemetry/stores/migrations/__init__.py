"""Bringing an older store up to date, with Alembic. Fresh stores are made from the DDL and need none of this.

A revision's id is the version of the schema that it leads to. Within a major version, a revision only adds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.version import ADVISORY_LOCK

if TYPE_CHECKING:
    from otel_telemetry.stores.postgres.url import Place

SCRIPTS: Final = Path(__file__).parent


def configuration() -> Config:
    """Return Alembic's configuration, without a connection."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade_sqlite(path: Path) -> None:
    """Migrate the store in the file at `path`; one process does it, others wait."""
    engine = create_engine("sqlite://", creator=lambda: sqlite_file.connect(path, mode="rw"), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    _upgrade(engine)


def upgrade_postgres(place: Place) -> None:
    """Migrate the store at `place`; one process does it, others wait."""

    def begin(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.exec_driver_sql(place.search_path.as_string())

    engine = create_engine("postgresql+psycopg://", creator=lambda: place.connect(autocommit=False), poolclass=NullPool)
    event.listen(engine, "begin", begin)
    _upgrade(engine)


def _upgrade(engine: Engine) -> None:
    config = configuration()
    # One transaction for all revisions: a store is at one version or at another, never in between.
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
