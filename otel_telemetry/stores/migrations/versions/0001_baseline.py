"""The first version of the schema."""

from __future__ import annotations

from typing import Any

from alembic import op

from otel_telemetry.rows.conventions import VERSION
from otel_telemetry.stores.ddl import DIALECTS, statements

revision = "2.0"
down_revision = None


def upgrade() -> None:
    """Make the tables: those of the DDL for as long as this is the only revision, then a copy of what they are now."""
    bind = op.get_bind()
    (dialect,) = (name for name in DIALECTS if name == bind.dialect.name)
    for statement in statements(dialect):
        bind.exec_driver_sql(statement)
    bind.exec_driver_sql(f"INSERT INTO meta VALUES ('conventions', '{VERSION}')")
    if dialect == "postgresql":
        # Deferred: a store in a file needs no driver of PostgreSQL.
        from otel_telemetry.stores import partitions  # noqa: PLC0415

        driver: Any = bind.connection.driver_connection
        partitions.make_first(driver)
