"""How fast a store is written that holds much already: `python -m tests.benchmarks.growth VARIABLE N`.

VARIABLE_N in the environment is the URL of a store that was loaded with N executions. It is written a little more each
time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing

from otel_telemetry.query import Filter
from otel_telemetry.stores import open_exporter
from tests.benchmarks import rows

ADDED = 1000
"""Executions."""


def main() -> None:
    """Write, and print the rate."""
    url = os.environ["_".join(sys.argv[1:3])]
    with closing(open_exporter(url)) as exporter:
        exporter.heartbeat()
        with closing(exporter.store()) as store:
            there = store.count(Filter(), live_leases=frozenset())
        batches = list(rows.batches(ADDED, first=there))
        started = time.perf_counter()
        for batch in batches:
            exporter.write(batch)
        seconds = time.perf_counter() - started
    print(json.dumps({"rate": sum(map(len, batches)) / seconds}))


if __name__ == "__main__":
    main()
