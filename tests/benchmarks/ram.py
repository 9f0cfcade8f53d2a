"""What spans that are kept in memory take: `python -m tests.benchmarks.ram sdk|memory N`."""

from __future__ import annotations

import gc
import json
import resource
import sys
from pathlib import Path

from tests.benchmarks import sides
from tests.benchmarks import workload as w

WARM = 100


def main() -> None:
    """Record with everything kept, and print the bytes a span by which the process has grown."""
    side, executions = sys.argv[1], int(sys.argv[2])
    if side == "sdk":
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
        tracer = provider.get_tracer("reference")
        one, flush = (lambda n: sides.bare(tracer, n)), provider.force_flush
    else:
        import otel_telemetry as ot

        telemetry = ot.configure(store="memory://")
        one, flush = (lambda n: sides.record(telemetry, n)), telemetry.flush

    def record(first: int, last: int) -> None:
        for n in range(first, last):
            one(n)
            if n % WARM == 0:
                flush()  # what is asked is what kept spans take: the room of those that wait depends on how many do
        flush()

    record(0, WARM)
    before = _resident()
    record(WARM, WARM + executions)
    print(json.dumps({"bytes": (_resident() - before) / (executions * w.SPANS)}))


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
