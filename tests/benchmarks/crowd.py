"""Eight processes that write the same rows in other orders: `python -m tests.benchmarks.crowd URL`.

URL is that of a PostgreSQL server where schemas may be made. Tells the rows a second of all together, the deadlocks by
the server's own count, and whether everything is there once.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from contextlib import closing

import psycopg

from otel_telemetry.query import Filter
from otel_telemetry.rows import RowKind, SpanRow
from otel_telemetry.stores import open_exporter
from otel_telemetry.testing.rows import make_row

PROCESSES, EXECUTIONS, SPANS, BATCH = 8, 400, 6, 200


def rows() -> list[SpanRow]:
    """Executions with a few steps."""
    found = []
    for number in range(EXECUTIONS):
        run = f"run-{number}"
        found.append(make_row(RowKind.EXECUTION, run, 10 * number + 1, started_ns=number, ended_ns=number + 9))
        for step in range(1, SPANS):
            span_id = 10 * number + 1 + step
            times = {"started_ns": number, "ended_ns": number + step}
            found.append(make_row(RowKind.STEP, run, span_id, step_id=f"s{step}", **times))
    return found


def write(url: str, seed: int) -> None:
    """Write all rows in an order of one's own."""
    order = rows()
    random.Random(seed).shuffle(order)
    with closing(open_exporter(url)) as exporter:
        for first in range(0, len(order), BATCH):
            exporter.write(order[first : first + BATCH])


def main() -> None:
    """Let them write, and tell the figures."""
    server = sys.argv[1]
    url = f"{server}{'&' if '?' in server else '?'}schema=crowd_{os.getpid()}"
    with closing(open_exporter(url)) as exporter:
        exporter.heartbeat()
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with psycopg.connect(server, autocommit=True) as connection:
        before = connection.execute(counted).fetchone()
        begun = time.perf_counter()
        processes = [multiprocessing.Process(target=write, args=(url, seed)) for seed in range(PROCESSES)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        took = time.perf_counter() - begun
        time.sleep(2)  # the server counts a moment later
        after = connection.execute(counted).fetchone()
    with closing(open_exporter(url)) as exporter, closing(exporter.store()) as store:
        there = store.count(Filter(), live_leases=frozenset())
    offered = PROCESSES * EXECUTIONS * SPANS
    deadlocks = after[0] - before[0] if before and after else None
    codes = [process.exitcode for process in processes]
    print(
        f"{offered / took:,.0f} rows/s, {deadlocks} deadlocks, {there} of {EXECUTIONS} executions, exit codes {codes}"
    )
    raise SystemExit(bool(deadlocks) or there != EXECUTIONS or any(codes))


if __name__ == "__main__":
    main()
