"""Alembic runs this: revisions go through the connection, and in the transaction, that the caller made."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
