"""A connection to SQLite that tells which rows an upsert has put others in the place of."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from otel_telemetry.rows import RUN_COLUMNS
from otel_telemetry.stores.statements import read_run

_ENDED: Final = RUN_COLUMNS.index("ended_ns")


class StoreConnection(sqlite3.Connection):
    """A connection with the SQL function `note_replaced(value, *RUN_COLUMNS)`, which returns `value`.

    An upsert that evaluates it where it updates costs nothing where it inserts. A trigger would make SQLite keep a
    journal for every statement: twice the time for each row.

    Attributes:
        replaced: the `RUN_COLUMNS` of the ended rows that were noted, for whoever writes to read and to clear.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Open it, as `sqlite3.connect` does."""
        super().__init__(*arguments, **options)
        self.replaced: list[tuple[Any, ...]] = []
        replaced = self.replaced  # not self: a cycle would keep the file open until the next garbage collection

        def note(value: int, *run: Any) -> int:
            if run[_ENDED] is not None:
                replaced.append(read_run(run))
            return value

        self.create_function("note_replaced", 1 + len(RUN_COLUMNS), note)
