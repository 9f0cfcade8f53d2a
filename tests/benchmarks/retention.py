"""A day of 140,000 spans is pruned while another process writes: `python -m tests.benchmarks.retention URL`.

URL is ``sqlite`` or that of a PostgreSQL server where schemas may be made. Tells how long it took, the longest that the
writer waited for one batch, its speed before and meanwhile, and whether all else is there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import uuid
from contextlib import closing
from typing import Any

from otel_telemetry.query import Filter
from otel_telemetry.rows import RowKind, SpanRow
from otel_telemetry.stores import open_exporter, partitions
from otel_telemetry.testing.rows import make_row

EXECUTIONS, STEPS = 6_667, 20
_HOUR_NS = 3_600 * 10**9
NOBODY: frozenset[int] = frozenset()


def execution(number: int, start_ns: int) -> list[SpanRow]:
    """The rows of an execution whose id is a UUID of its time."""
    digits = f"{start_ns // 1_000_000:012x}7{number:019x}"
    run = str(uuid.UUID(digits))
    first = 100 * number + 1
    found = [make_row(RowKind.EXECUTION, run, first, started_ns=start_ns, ended_ns=start_ns + 99, workflow_name="w")]
    payload = {"params": "x" * 600}
    for step in range(1, STEPS + 1):
        more = {"ended_ns": start_ns + step, "step_id": f"s{step % 5}", "payload": payload, "parent_span_id": first}
        found += [make_row(RowKind.STEP, run, first + step, started_ns=start_ns, **more)]
    return found


class Writer(threading.Thread):
    """Writes executions of now, one a batch, and notes how long each took."""

    def __init__(self, exporter: Any, first: int) -> None:
        super().__init__()
        self.exporter, self.number, self.took, self.stopped = exporter, first, [0.0], threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            self.number += 1
            rows = execution(self.number, time.time_ns())
            begun = time.perf_counter()
            self.exporter.write(rows)
            self.took.append(time.perf_counter() - begun)


def main() -> None:
    """Fill, prune and tell."""
    where = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/telemetry.db"
        if where != "sqlite":
            url = f"{where}{'&' if '?' in where else '?'}schema=retention_{os.getpid()}"
        old_day = partitions.today() - 3
        partitions.today = lambda: old_day  # type: ignore[assignment]  # the store is as old as what is in it
        exporter: Any = open_exporter(url)
        start = old_day * 24 * _HOUR_NS
        batch: list[SpanRow] = []
        for number in range(EXECUTIONS):
            batch += execution(number, start + number * 12_000_000_000)
            if len(batch) > 1_000:
                exporter.write(batch)
                batch = []
        exporter.write(batch)
        other: Any = open_exporter(url)
        alone = _written_in(exporter, 10_000_000, 3.0)
        writer = Writer(exporter, 20_000_000)
        writer.start()
        begun = time.perf_counter()
        pruned = other.prune(start + 24 * _HOUR_NS, NOBODY)
        took = time.perf_counter() - begun
        writer.stopped.set()
        writer.join()
        with closing(exporter.store()) as store:
            left = store.count(Filter(), live_leases=NOBODY)
        lost = alone + len(writer.took) - 1 - left
        meanwhile = (len(writer.took) - 1) / took
        print(f"{pruned.executions:,} executions pruned in {took:.2f} s; {lost} others lost")
        print(f"the writer wrote {meanwhile:,.0f} executions/s meanwhile and {alone / 3:,.0f} before")
        print(f"it waited {max(writer.took) * 1e3:.0f} ms at most")
        exporter.close()
        raise SystemExit(lost != 0 or pruned.executions != EXECUTIONS)


def _written_in(exporter: Any, first: int, seconds: float) -> int:
    writer = Writer(exporter, first)
    writer.start()
    time.sleep(seconds)
    writer.stopped.set()
    writer.join()
    return len(writer.took) - 1


if __name__ == "__main__":
    main()
