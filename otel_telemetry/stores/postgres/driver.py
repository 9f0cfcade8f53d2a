"""The PostgreSQL driver, or an error that says how to get it. Whoever uses psycopg takes it from here."""

from __future__ import annotations

from otel_telemetry.errors import MissingExtraError

try:
    import psycopg
    import psycopg.conninfo
    import psycopg.pq
    import psycopg.sql
except ImportError:
    raise MissingExtraError("a PostgreSQL store", "postgres") from None

__all__ = ["psycopg"]
