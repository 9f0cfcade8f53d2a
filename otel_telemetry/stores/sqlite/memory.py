"""Spans into memory: a SQLite database in RAM, so that there is one implementation and one set of answers."""

from __future__ import annotations

import itertools
import os
import sqlite3
import weakref
from typing import TYPE_CHECKING, Final

from otel_telemetry.errors import ConfigurationError
from otel_telemetry.stores.sqlite.base import SQLiteExporterBase
from otel_telemetry.stores.sqlite.file import BUSY_TIMEOUT_S
from otel_telemetry.stores.sqlite.writer import create_tables, transaction

if TYPE_CHECKING:
    from otel_telemetry.query import SpanStore
    from span_processors.redaction import Redactor

_SHARED_MEMORY_SINCE: Final = (3, 36)
"""Before, each connection to a database in memory had one of its own."""
_numbers: Final = itertools.count()


class MemorySpanExporter(SQLiteExporterBase):
    """Keeps spans in this process's memory, for as long as the exporter or a store of it is there.

    After a fork, the child's exporter is empty.

    Args:
        redactor: what `export` redacts with, where this is a part of another OpenTelemetry pipeline.

    Raises:
        ConfigurationError: this Python's SQLite is too old.
    """

    name = "memory"

    def __init__(self, *, redactor: Redactor | None = None) -> None:
        if sqlite3.sqlite_version_info < _SHARED_MEMORY_SINCE:
            raise ConfigurationError(
                f"a memory store needs SQLite 3.36, and this Python has {sqlite3.sqlite_version}: use sqlite:///telemetry.db"
            )
        super().__init__(redactor)

    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""
        # Deferred: SQLAlchemy costs more than everything that recording imports.
        from otel_telemetry.stores.sqlite.reading import open_memory  # noqa: PLC0415

        return open_memory(self.connect)

    def connect(self) -> sqlite3.Connection:
        """Open one more connection to the database in memory."""
        return sqlite3.connect(
            self._uri,
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )

    def _start_anew(self) -> None:
        super()._start_anew()
        self._uri = f"file:/otel-telemetry-{os.getpid()}-{next(_numbers)}?vfs=memdb"
        # The database lives as long as a connection to it. This one outlives `close`: what was recorded can be read.
        anchor = self.connect()
        with transaction(anchor):
            create_tables(anchor)
        weakref.finalize(self, anchor.close)

    def _connect(self) -> sqlite3.Connection:
        return self.connect()
