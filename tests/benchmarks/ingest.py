"""How fast the bare driver and the exporters get rows into a database: `python -m tests.benchmarks.ingest SIDE N`.

The bare driver writes the same values in transactions of the same size, into a table without any key or index: no
store can be faster. `indexed` sides write them into the store's own table, which shows what its indexes cost.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from otel_telemetry.rows import COLUMNS, SpanRow
from otel_telemetry.stores import open_exporter
from otel_telemetry.stores.postgres import url as postgres_url
from otel_telemetry.stores.statements import COLUMN_LIST, stored
from tests.benchmarks import places, rows

Write = Callable[[Sequence[SpanRow]], object]
_WIDTH = len(COLUMNS)
_SETTINGS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 16000",
)
"""Those of a store."""


def through_exporter(url: str, batches: list[list[SpanRow]]) -> float:
    """Return the seconds that the exporter takes, once it is connected."""
    with closing(open_exporter(url)) as exporter:
        exporter.heartbeat()
        return _timed(exporter.write, batches)


def through_sqlite3(path: Path, batches: list[list[SpanRow]], table: str) -> float:
    """Return the seconds that `executemany` takes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in _SETTINGS:
            connection.execute(setting)
        if table == "bare":
            connection.execute(f"CREATE TABLE bare ({COLUMN_LIST})")
        insert = f"INSERT INTO {table} ({COLUMN_LIST}) VALUES ({', '.join('?' * _WIDTH)})"

        def write(batch: Sequence[SpanRow]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, map(stored, batch))
            connection.execute("COMMIT")

        return _timed(write, batches)


def through_copy(url: str, batches: list[list[SpanRow]], table: str) -> float:
    """Return the seconds that COPY takes."""
    place = postgres_url.parse(url)
    with closing(place.connect()) as connection:
        connection.execute(f"SET search_path TO {place.schema}")
        connection.execute("CREATE TABLE bare (LIKE spans)")

        def write(batch: Sequence[SpanRow]) -> None:
            copy_to = f"COPY {table} ({COLUMN_LIST}) FROM STDIN"
            with connection.transaction(), connection.cursor().copy(copy_to) as copy:
                for row in batch:
                    copy.write_row(stored(row))

        return _timed(write, batches)


def _timed(write: Write, batches: list[list[SpanRow]]) -> float:
    started = time.perf_counter()
    for batch in batches:
        write(batch)
    return time.perf_counter() - started


def main() -> None:
    """Run the side that is named and print its figures."""
    side, executions = sys.argv[1], int(sys.argv[2])
    batches = list(rows.batches(executions))
    with places.folder() as folder:
        path = folder / "w.db"
        match side:
            case "bare_sqlite":
                seconds = through_sqlite3(path, batches, "bare")
            case "indexed_sqlite":
                _make(f"sqlite:///{path}")
                seconds = through_sqlite3(path, batches, "spans")
            case "writer_sqlite":
                seconds = through_exporter(f"sqlite:///{path}", batches)
            case "bare_postgres" | "indexed_postgres":
                url = os.environ[places.POSTGRES_URL]
                _make(url)
                seconds = through_copy(url, batches, "bare" if side.startswith("bare") else "spans")
            case "writer_postgres":
                seconds = through_exporter(os.environ[places.POSTGRES_URL], batches)
            case _:
                raise SystemExit(f"unknown side {side!r}")
    print(json.dumps({"rate": sum(map(len, batches)) / seconds}))


def _make(url: str) -> None:
    with closing(open_exporter(url)) as exporter:
        exporter.heartbeat()


if __name__ == "__main__":
    main()
