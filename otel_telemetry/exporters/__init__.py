"""Where spans are kept: in memory, in a SQLite file, in PostgreSQL, or in a backend that somebody registers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_telemetry.exporters.memory import MemorySpanExporter
    from otel_telemetry.exporters.postgres import PostgresSpanExporter
    from otel_telemetry.exporters.registry import Backend, open_exporter, open_store, register
    from otel_telemetry.exporters.sqlite import SQLiteSpanExporter

__all__ = [
    "Backend",
    "MemorySpanExporter",
    "PostgresSpanExporter",
    "SQLiteSpanExporter",
    "open_exporter",
    "open_store",
    "register",
]

_MODULES = {
    "MemorySpanExporter": "memory",
    "PostgresSpanExporter": "postgres",
    "SQLiteSpanExporter": "sqlite",
    "Backend": "registry",
    "open_exporter": "registry",
    "open_store": "registry",
    "register": "registry",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: a program that reads needs no SDK, and one that writes SQLite no PostgreSQL."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
