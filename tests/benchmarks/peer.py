"""Workload W through another library, in an environment that has it: `python -m tests.benchmarks.peer NAME N`.

Each is used as its documentation shows, with nobody at the other end: spans are made, and thrown away by an exporter
that does nothing, except where the library has a local store. Nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from tests.benchmarks import workload as w
from tests.benchmarks.sides import measure

Peer = tuple[Callable[[int], None], Callable[[], bool]]


def nothing() -> Any:
    """Return an exporter that throws spans away."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Nothing(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    return Nothing()


def logfire() -> Peer:
    """Context managers of Logfire."""
    import logfire as peer
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(nothing())
    peer.configure(
        send_to_logfire=False,
        console=False,
        metrics=False,
        additional_span_processors=[processor],
        inspect_arguments=False,
    )

    def one(n: int) -> None:
        with peer.span("invoice", inputs=w.inputs(n), caller=f"user-{n % 100}", **w.metadata(n)) as run:
            for step in w.STEPS:
                with peer.span("step {step}", step=step, attempt=1, code_hash=w.CODE_HASHES[step]):
                    for tool in w.TOOLS:
                        with peer.span("tool {tool}", tool=tool, arguments=w.params(n, step, tool)) as call:
                            call.set_attribute("result", w.result(n, tool))
            run.set_attribute("outputs", w.inputs(n))
            if w.fails(n):
                run.record_exception(w.failure())

    return one, lambda: processor.force_flush(60_000)


def langfuse() -> Peer:
    """Context managers of Langfuse."""
    from langfuse import Langfuse

    client = Langfuse(
        public_key="pk-lf-0", secret_key="sk-lf-0", base_url="http://127.0.0.1:9", span_exporter=nothing()
    )

    def one(n: int) -> None:
        with client.start_as_current_observation(
            as_type="agent", name="invoice", input=w.inputs(n), metadata=w.metadata(n), version="3"
        ) as run:
            for step in w.STEPS:
                about = {"attempt": 1, "code_hash": w.CODE_HASHES[step]}
                with client.start_as_current_observation(as_type="span", name=step, metadata=about):
                    for tool in w.TOOLS:
                        with client.start_as_current_observation(
                            as_type="tool", name=tool, input=w.params(n, step, tool)
                        ) as call:
                            call.update(output=w.result(n, tool))
            run.update(output=w.inputs(n))
            if w.fails(n):
                run.update(level="ERROR", status_message=str(w.failure()))

    def flush() -> bool:
        client.flush()
        return True

    return one, flush


def openllmetry() -> Peer:
    """Decorators of OpenLLMetry, which take arguments and results as payloads."""
    os.environ |= {"TRACELOOP_METRICS_ENABLED": "false", "TRACELOOP_TELEMETRY": "false"}
    from opentelemetry import trace
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import task, tool, workflow

    Traceloop.init(app_name="w", exporter=nothing(), telemetry_enabled=False, disable_batch=False, instruments=set())
    return _decorated(workflow, task, tool), lambda: trace.get_tracer_provider().force_flush(60_000)  # type: ignore[attr-defined]


def openinference() -> Peer:
    """Decorators of OpenInference's tracer, as Phoenix shows them."""
    from openinference.instrumentation import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(nothing()))
    tracer = provider.get_tracer("w")
    return _decorated(tracer.agent, tracer.chain, tracer.tool), lambda: provider.force_flush(60_000)


def mlflow() -> Peer:
    """Context managers of MLflow, which writes to its own SQLite store."""
    import mlflow as peer

    folder = tempfile.mkdtemp()
    peer.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    peer.create_experiment("w", artifact_location=folder)
    peer.set_experiment("w")

    def one(n: int) -> None:
        with peer.start_span("invoice", span_type="AGENT", attributes=w.metadata(n)) as run:
            run.set_inputs(w.inputs(n))
            for step in w.STEPS:
                about = {"attempt": 1, "code_hash": w.CODE_HASHES[step]}
                with peer.start_span(step, span_type="CHAIN", attributes=about):
                    for tool in w.TOOLS:
                        with peer.start_span(tool, span_type="TOOL") as call:
                            call.set_inputs(w.params(n, step, tool))
                            call.set_outputs(w.result(n, tool))
            run.set_outputs(w.inputs(n))
            if w.fails(n):
                run.record_exception(w.failure())

    def flush() -> bool:
        peer.flush_trace_async_logging()
        return True

    return one, flush


def _decorated(workflow: Any, task: Any, tool: Any) -> Callable[[int], None]:
    def tool_named(name: str) -> Callable[..., Any]:
        @tool(name=name)
        def call(params: dict[str, Any], number: int) -> dict[str, Any]:
            return w.result(number, name)

        return call

    def step_named(name: str) -> Callable[..., Any]:
        @task(name=name)
        def step(number: int) -> None:
            for each in w.TOOLS:
                tools[each](w.params(number, name, each), number)

        return step

    tools = {name: tool_named(name) for name in w.TOOLS}
    steps = {name: step_named(name) for name in w.STEPS}

    @workflow(name="invoice")
    def invoice(inputs: dict[str, Any], number: int) -> dict[str, Any]:
        for each in w.STEPS:
            steps[each](number)
        if w.fails(number):
            raise w.failure()
        return w.inputs(number)

    def one(n: int) -> None:
        with contextlib.suppress(w.CardError):
            invoice(w.inputs(n), n)

    return one


PEERS = {
    "logfire": logfire,
    "langfuse": langfuse,
    "openllmetry": openllmetry,
    "openinference": openinference,
    "mlflow": mlflow,
}


def main() -> None:
    """Run the library that is named and print its figures."""
    one, flush = PEERS[sys.argv[1]]()
    figures = measure(one, int(sys.argv[2]), flush)
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
