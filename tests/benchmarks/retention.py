"""A day of 140,000 spans is pruned while another process writes: `python -m tests.benchmarks.retention URL`.

URL is ``sqlite`` or that of a PostgreSQL server where schemas may be made. Tells how long it took, the longest that the
writer waited for one batch, its speed before and meanwhile, and whether all else is there.
"""

from __future__ import annotations

import os
import subprocess
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


class Writer:
    """A process that writes executions of now, one a batch, until it is stopped."""

    def __init__(self, url: str, first: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.retention", "--write", url, str(first)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it has begun

    def stop(self) -> tuple[int, float]:
        """Return how many executions it wrote, and the longest that one took, seconds."""
        written, longest = self._process.communicate("stop")[0].split()
        return int(written), float(longest)


def write(url: str, first: int) -> None:
    """Be that process."""
    exporter: Any = open_exporter(url)
    exporter.heartbeat()
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    print("begun", flush=True)
    took = [0.0]
    while not stopped.is_set():
        rows = execution(first + len(took), time.time_ns())
        begun = time.perf_counter()
        exporter.write(rows)
        took.append(time.perf_counter() - begun)
    exporter.close()
    print(len(took) - 1, max(took))


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
        alone_s = 5.0
        writer = Writer(url, 10_000_000)
        time.sleep(alone_s)
        alone, _ = writer.stop()
        writer = Writer(url, 20_000_000)
        begun = time.perf_counter()
        pruned = exporter.prune(start + 24 * _HOUR_NS, NOBODY)
        took = time.perf_counter() - begun
        meanwhile, longest_s = writer.stop()
        with closing(exporter.store()) as store:
            left = store.count(Filter(), live_leases=NOBODY)
        lost = alone + meanwhile - left
        print(f"{pruned.executions:,} executions pruned in {took:.2f} s; {lost} others lost")
        print(f"the writer wrote {meanwhile / took:,.0f} executions/s meanwhile and {alone / alone_s:,.0f} before")
        print(f"it waited {longest_s * 1e3:.0f} ms at most")
        exporter.close()
        raise SystemExit(lost != 0 or pruned.executions != EXECUTIONS)


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(sys.argv[2], int(sys.argv[3]))
    else:
        main()
