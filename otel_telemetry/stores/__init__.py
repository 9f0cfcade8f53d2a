"""Where spans are kept: in memory, in a SQLite file, in PostgreSQL, or in a backend that somebody registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred

if TYPE_CHECKING:
    from otel_telemetry.stores.postgres.exporter import PostgresSpanExporter
    from otel_telemetry.stores.registry import Backend, open_exporter, open_store, register
    from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter
    from otel_telemetry.stores.sqlite.memory import MemorySpanExporter

__all__ = [
    "Backend",
    "MemorySpanExporter",
    "PostgresSpanExporter",
    "SQLiteSpanExporter",
    "open_exporter",
    "open_store",
    "register",
]

# a program that reads needs no SDK, and one that writes SQLite no PostgreSQL
__getattr__, __dir__ = deferred(
    __name__,
    {
        ".sqlite.memory": ["MemorySpanExporter"],
        ".postgres.exporter": ["PostgresSpanExporter"],
        ".registry": ["Backend", "open_exporter", "open_store", "register"],
        ".sqlite.exporter": ["SQLiteSpanExporter"],
    },
)
