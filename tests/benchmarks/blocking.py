"""How long a host's threads are held up by recording, while the backend hangs for ever.

``python -m tests.benchmarks.blocking [ROUNDS]`` prints quantiles of the time that it takes to start and end one span in
one of eight threads, in microseconds. The sides take turns, each in a process of its own:

- ``nothing``: nothing at all between two looks at the clock, as threads wait for each other even so;
- ``sdk``: the SDK's batch processor, with an exporter that hangs;
- ``processor``: this package's, with the same exporter;
- ``store``: a recorder with a store in PostgreSQL, where somebody listens and never answers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import otel_telemetry as ot
from span_processors import IdGenerator, RedactingSpanProcessor
from span_processors.forward import ForwardingSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

THREADS: Final = 8
SPANS: Final = 3_000
"""How many each thread records."""
SIDES: Final = ("nothing", "sdk", "processor", "store")
PACES: Final = {"waits a millisecond between": 0.001, "at full speed": 0.0}
QUANTILES: Final = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}

_deaf: Final = socket.create_server(("127.0.0.1", 0))


class Hung(SpanExporter):
    """Never returns."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        threading.Event().wait()
        return SpanExportResult.SUCCESS


def side(name: str) -> Callable[[], None]:
    """Return what is to be timed."""
    if name == "nothing":
        return lambda: None
    if name == "store":
        port = _deaf.getsockname()[1]
        provider = ot.configure(f"postgresql://nobody@127.0.0.1:{port}/none", spill=tempfile.mkdtemp()).tracer_provider
    else:
        provider = TracerProvider(id_generator=IdGenerator(), shutdown_on_exit=False)
        ours = RedactingSpanProcessor([ForwardingSink(Hung())])
        provider.add_span_processor(BatchSpanProcessor(Hung()) if name == "sdk" else ours)
    tracer = provider.get_tracer("blocking")

    def record() -> None:
        tracer.start_span("span", attributes={"order": 7, "path": "/orders/7"}).end()

    for _ in range(2_000):  # the backend hangs by now, and the SDK's queue is full
        record()
    return record


def measure(name: str, pause_s: float) -> list[float]:
    """Return how long each of the calls took, in seconds, in order."""
    call = side(name)
    took: list[list[float]] = []
    gate = threading.Barrier(THREADS)

    def run() -> None:
        mine = []
        gate.wait()
        for _ in range(SPANS):
            began = time.perf_counter()
            call()
            mine.append(time.perf_counter() - began)
            if pause_s:
                time.sleep(pause_s)
        took.append(mine)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(seconds for mine in took for seconds in mine)


def quantiles(took: Sequence[float]) -> dict[str, float]:
    """Return the quantiles in microseconds."""
    return {name: took[min(len(took) - 1, int(len(took) * share))] * 1e6 for name, share in QUANTILES.items()}


def rounds(count: int, pace: str) -> dict[str, list[dict[str, float]]]:
    """Let the sides take turns; return the quantiles of each round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(count):
        for name in SIDES:
            command = [sys.executable, "-m", "tests.benchmarks.blocking", name, pace]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[name].append(json.loads(done.stdout))
    return found


def median(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median of each quantile."""
    return {name: sorted(each[name] for each in found)[len(found) // 2] for name in QUANTILES}


def main(arguments: list[str]) -> None:
    """Measure one side, or all of them in turn."""
    if arguments and arguments[0] in SIDES:
        print(json.dumps(quantiles(measure(arguments[0], PACES[arguments[1]]))), flush=True)
        os._exit(0)  # what waits is of no use to anybody
    count = int(arguments[0]) if arguments else 5
    for pace in PACES:
        print(f"{THREADS} threads, each {pace}; medians of {count} rounds, and every p99.9:")
        for name, found in rounds(count, pace).items():
            line = "  ".join(f"{quantile} {value:9.1f}" for quantile, value in median(found).items())
            print(f"  {name:9} {line}   {' '.join(format(each['p99.9'], '.0f') for each in found)}")


if __name__ == "__main__":
    main(sys.argv[1:])
