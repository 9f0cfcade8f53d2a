"""Bringing an older SQLite store up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from otel_telemetry.stores import migrations
from otel_telemetry.stores.sqlite import file

if TYPE_CHECKING:
    from pathlib import Path


def upgrade_sqlite(path: Path) -> None:
    """Migrate the store in the file at `path`; one process does it, others wait."""
    engine = create_engine("sqlite://", creator=lambda: file.connect(path, mode="rw"), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    migrations.upgrade(engine)
