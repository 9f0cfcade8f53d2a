"""How fast questions are answered: `python -m tests.benchmarks.reading VARIABLE N`.

VARIABLE_N in the environment is the URL of a store that `load` has filled with N executions. Each question is asked a
few times with other values, after a first time that opens the connection. Prints the median of each in milliseconds:
of the clock, and of this process's CPU, which on SQLite is all of it and which others on the machine do not disturb.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing

from otel_telemetry.reader import Reader
from otel_telemetry.stores import open_exporter, open_store
from otel_telemetry.stores.lease import live_leases
from tests.benchmarks import rows

REPEATS = 9
FIGURES = {
    "get": "get one execution",
    "failed": "last 50 failed of a workflow",
    "caller": "last 50 of a caller",
    "metadata": "last 50 of a metadata value",
    "children": "last 50 with all children",
    "stats": "percentiles per tool over everything",
    "list": "50 newest",
    "either": "last 50 that failed or were cancelled",
    "tool": "last 50 that call a tool",
    "count": "count of everything",
    "count_tool": "count by tool",
    "count_code": "count by error code",
    "count_version": "count by version",
    "count_metadata": "count by a metadata value",
    "count_two": "count by tool and status",
    "window": "percentiles per tool over some days",
    "window_of_workflow": "the same of one workflow",
}
TARGETS_MS = {
    "get": 1,
    "failed": 2,
    "caller": 5,
    "metadata": 5,
    "children": 30,
    "stats": 20,
    "list": 5,
    "either": 5,
    "tool": 5,
    "count": 50,
    **dict.fromkeys(("count_tool", "count_code", "count_version", "count_metadata", "count_two"), 130),
    **dict.fromkeys(("window", "window_of_workflow"), 130),
}
"""At most; on PostgreSQL half as much more."""
_DAY_NS = 86_400 * 10**9


def load(url: str, executions: int) -> None:
    """Fill an empty store with executions of W."""
    with closing(open_exporter(url)) as exporter:
        exporter.heartbeat()
        for number, batch in enumerate(rows.batches(executions)):
            exporter.write(batch)
            if number % 100 == 0:
                print(f"\rloading: {(number + 1) * 50} of {executions} executions", end="", file=sys.stderr)
    print(file=sys.stderr)


def questions(reader: Reader, executions: int) -> dict[str, Callable[[int], object]]:
    """Return how each question is asked for the n-th time: with other values each time, from all over the store."""
    last = rows.FIRST_NS + executions * rows.APART_NS
    return {
        "get": lambda n: reader.get(rows.execution_id(executions * (2 * n + 1) // (2 * REPEATS + 2))).steps,  # type: ignore[union-attr]
        "failed": lambda n: _full(
            reader.query(payloads=False, status="failed", workflow_name=f"invoice-{n % rows.WORKFLOWS}")
        ),
        "caller": lambda n: _full(reader.query(payloads=False, caller_id=f"user-{11 * n % 100}")),
        "metadata": lambda n: _full(reader.query(payloads=False, metadata={"tenant": f"t{3 * n % 40}"})),
        "children": lambda n: _full(reader.query(started_before=rows.FIRST_NS + executions * rows.APART_NS - n)),
        "stats": lambda n: reader.stats("tool")[0].p95_ms,
        "list": lambda n: _full(reader.query(payloads=False, started_before=last - n)),
        "either": lambda n: _full(
            reader.query(payloads=False, status=["failed", "cancelled"], started_before=last - n)
        ),
        "tool": lambda n: _full(reader.query(payloads=False, tool_name="mail.send", started_before=last - n)),
        "count": lambda n: reader.count(),
        "count_tool": lambda n: reader.count(tool_name="mail.send", started_before=last - n),
        "count_code": lambda n: reader.count(error_code=["timeout", "card_declined"], started_before=last - n),
        "count_version": lambda n: reader.count(workflow_version="3", started_before=last - n),
        "count_metadata": lambda n: reader.count(metadata={"tenant": f"t{3 * n % 40}"}),
        "count_two": lambda n: reader.count(tool_name="mail.send", status="failed", started_before=last - n),
        "window": lambda n: reader.stats("tool", started_after=last - 7 * _DAY_NS - n * 10**9, started_before=last - n),
        "window_of_workflow": lambda n: reader.stats(
            "tool", started_after=last - 7 * _DAY_NS - n * 10**9, workflow_name=f"invoice-{n % rows.WORKFLOWS}"
        ),
    }


def _full(page: object) -> None:
    if not len(page):  # type: ignore[arg-type]
        raise SystemExit("nothing was found: the store was not loaded")


def milliseconds(name: str, ask: Callable[[int], object]) -> dict[str, float]:
    """Return the median time of a question."""
    ask(0)
    took: list[float] = []
    used: list[float] = []
    for n in range(1, REPEATS + 1):
        clock, cpu = time.perf_counter(), time.process_time()
        ask(n)
        took.append((time.perf_counter() - clock) * 1e3)
        used.append((time.process_time() - cpu) * 1e3)
    return {name: statistics.median(took), f"{name}_cpu": statistics.median(used)}


def main() -> None:
    """Ask all questions and print the figures."""
    with Reader(open_store(os.environ["_".join(sys.argv[1:3])]), alive=live_leases) as reader:
        figures: dict[str, float] = {}
        for name, ask in questions(reader, int(sys.argv[2])).items():
            figures |= milliseconds(name, ask)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
