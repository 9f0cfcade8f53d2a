"""The first version of the schema."""

from __future__ import annotations

from alembic import op

from otel_telemetry.stores.ddl import DIALECTS, statements

revision = "1.0"
down_revision = None


def upgrade() -> None:
    """Make the tables: those of the DDL for as long as this is the only revision, then a copy of what they are now."""
    bind = op.get_bind()
    (dialect,) = (name for name in DIALECTS if name == bind.dialect.name)
    for statement in statements(dialect):
        bind.exec_driver_sql(statement)
