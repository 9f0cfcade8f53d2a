"""The two sides of each comparison; each runs in a process of its own: `python -m tests.benchmarks.sides NAME N`.

Prints one JSON object: spans, caller_us (CPU of the recording thread per span), total_us (CPU of the whole process per
span until all was stored), rate (spans per second until all was stored) and what was stored.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import workload as w

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from otel_telemetry.wiring import Telemetry

Run = Callable[[int], None]


def reference(executions: int) -> dict[str, float]:
    """Bare SDK with a batch processor whose exporter throws everything away, payloads by json.dumps."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nothing(SpanExporter):
        def export(self, spans):  # type: ignore[no-untyped-def]
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nothing()))
    tracer = provider.get_tracer("reference")

    return measure(lambda n: bare(tracer, n), executions, lambda: provider.force_flush(60_000))


def bare(tracer: Tracer, n: int) -> None:
    """Record one execution with the SDK alone."""
    from opentelemetry.trace import Status, StatusCode

    attributes = {
        "workflow.name": "invoice",
        "workflow.version": "3",
        "caller.id": f"user-{n % 100}",
        "inputs": json.dumps(w.inputs(n)),
        **{f"metadata.{key}": value for key, value in w.metadata(n).items()},
    }
    with tracer.start_as_current_span("invoke_workflow invoice", attributes=attributes) as root:
        for step in w.STEPS:
            attributes = {"step.id": step, "attempt": 1, "code_hash": w.CODE_HASHES[step]}
            with tracer.start_as_current_span(f"step {step}", attributes=attributes) as span:
                for tool in w.TOOLS:
                    attributes = {"tool.name": tool, "arguments": json.dumps(w.params(n, step, tool))}
                    with tracer.start_as_current_span(f"execute_tool {tool}", attributes=attributes) as call:
                        call.set_attribute("result", json.dumps(w.result(n, tool)))
                span.set_attribute("status", "completed")
        root.set_attribute("outputs", json.dumps(w.inputs(n)))
        if w.fails(n):
            error = w.failure()
            root.record_exception(error)
            root.set_status(Status(StatusCode.ERROR, str(error)))


def ours(executions: int, store: str) -> dict[str, float]:
    """The same through this project's context managers: redacted and stored."""
    import otel_telemetry as ot

    telemetry = ot.configure(store=store)
    figures = measure(lambda n: record(telemetry, n), executions, lambda: telemetry.flush(120))
    figures["stored"] = telemetry.health().sinks[0].stored
    telemetry.shutdown()
    return figures


def _with_server(executions: int, url: str) -> dict[str, float]:
    from tests.benchmarks import places

    before = places.postgres_cpu(url)
    figures = ours(executions, url)
    server_us = (places.postgres_cpu(url) - before) / figures["stored"] * 1e6
    figures["total_and_server_us"] = figures["total_us"] + server_us
    figures["bytes_per_span"] = places.postgres_bytes(url) / figures["stored"]
    return figures


def record(telemetry: Telemetry, n: int) -> None:
    """Record one execution."""
    error = w.failure() if w.fails(n) else None
    with telemetry.execution(
        "invoice", version="3", inputs=w.inputs(n), caller_id=f"user-{n % 100}", metadata=w.metadata(n)
    ) as run:
        for step in w.STEPS:
            with run.step(step, code=w.CODE[step]) as span:
                for tool in w.TOOLS:
                    with span.tool_call(tool, params=w.params(n, step, tool)) as call:
                        call.result = w.result(n, tool)
        run.outputs = w.inputs(n)
        if error is not None:
            run.fail(error)


def measure(one: Run, executions: int, flush: Callable[[], bool]) -> dict[str, float]:
    """Warm up, then run; the generation of the payloads is measured alone and taken off both sides."""
    for n in range(20):
        one(n)
    flush()
    payloads = generation(executions)
    spans = executions * w.SPANS
    wall, thread, process = time.perf_counter(), time.thread_time(), time.process_time()
    for n in range(executions):
        one(n)
    caller = time.thread_time() - thread
    complete = flush()
    total, elapsed = time.process_time() - process, time.perf_counter() - wall
    return {
        "spans": spans,
        "caller_us": (caller - payloads) / spans * 1e6,
        "total_us": (total - payloads) / spans * 1e6,
        "rate": spans / elapsed,
        "complete": complete,
    }


def generation(executions: int) -> float:
    """CPU seconds that making the payloads takes."""
    started = time.thread_time()
    for n in range(executions):
        w.inputs(n), w.inputs(n), w.metadata(n)
        for step in w.STEPS:
            for tool in w.TOOLS:
                w.params(n, step, tool), w.result(n, tool)
    return time.thread_time() - started


def main() -> None:
    """Run the side that is named and print its figures."""
    name, executions = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.db"
        match name:
            case "reference":
                figures = reference(executions)
            case "sqlite":
                figures = ours(executions, f"sqlite:///{path}")
                figures["bytes_per_span"] = path.stat().st_size / figures["stored"]
            case "memory":
                figures = ours(executions, "memory://")
            case "postgres":
                figures = _with_server(executions, os.environ["OTEL_TELEMETRY_TEST_POSTGRES_URL"])
            case _:
                raise SystemExit(f"unknown side {name!r}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
