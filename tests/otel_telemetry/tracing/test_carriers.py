"""The place in an execution, carried into threads, executors and other processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach as attach_context
from opentelemetry.context import detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_telemetry import semconv
from otel_telemetry.tracing import Instruments, Recorder, attach, inherit, inject, wrap


@pytest.fixture
def tool(tape):
    @tape.tool("t")
    def tool(n):
        return n * 2

    return tool


def test_a_thread(tape, tool):
    with tape.execution("w") as run, run.step("s"):
        thread = threading.Thread(target=wrap(tool), args=(3,))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(4) as pool:
            assert pool.submit(wrap(tool), 4).result() == 8
            assert list(pool.map(wrap(tool), range(20))) == list(range(0, 40, 2))
    (step,) = tape.record().steps
    assert len(step.tool_calls) == 22
    assert len({call.sequence for call in step.tool_calls}) == 22
    assert {call.span.parent_span_id for call in step.tool_calls} == {step.span.span_id}


def test_what_is_not_wrapped_stands_alone(tape, tool):
    with tape.execution("w"), ThreadPoolExecutor(1) as pool:
        pool.submit(tool, 1).result()
    assert len(tape.records()) == 2


def test_a_thread_of_asyncio(tape, tool):
    async def main():
        with tape.execution("w"):
            await asyncio.to_thread(tool, 1)

    asyncio.run(main())
    assert len(tape.record().tool_calls) == 1


def recorded_elsewhere(n):
    """What a worker process does: it has a recorder of its own."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    recorder = Recorder(provider)
    instruments = Instruments(lambda: recorder)
    with instruments.step("elsewhere"), instruments.tool("t"):
        pass
    (call, step) = exporter.get_finished_spans()
    return dict(call.attributes), dict(step.attributes), step.context.trace_id, step.parent.span_id


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process(tape, method):
    with tape.execution("w") as run, run.step("s") as step:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            results = [pool.submit(wrap(recorded_elsewhere), n).result() for n in range(2)]
        here = step.span.get_span_context()
    sequences = set()
    for call, made, trace_id, parent in results:
        assert made[semconv.EXECUTION_ID] == call[semconv.EXECUTION_ID] == run.execution_id
        assert made[semconv.STEP_ID] == call[semconv.STEP_ID] == "elsewhere"
        assert (trace_id, parent) == (here.trace_id, here.span_id)
        sequences |= {made[semconv.SEQUENCE], call[semconv.SEQUENCE]}
    assert len(sequences) == 4
    assert all(10**6 < sequence < 2**63 for sequence in sequences)


def test_headers(tape, tool):
    with tape.execution("w", execution_id="e 1/ü") as run, run.step("käse"):
        token = attach_context(baggage.set_baggage("user", "private"))
        given = {"x": "y"}
        headers = inject(given)
        detach(token)
    assert headers is given
    assert headers.keys() == {"x", "traceparent", "otel-telemetry-execution-id", "otel-telemetry-step-id"}
    assert all(value.isascii() for value in headers.values())
    with attach({key.upper(): value for key, value in headers.items()}):
        tool(1)
    span = tape.span("execute_tool t")
    assert span.attributes[semconv.EXECUTION_ID] == "e 1/ü"
    assert span.attributes[semconv.STEP_ID] == "käse"
    assert span.parent.span_id == tape.span("step käse").context.span_id
    assert len(tape.record().steps[0].tool_calls) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "nonsense"},
        {"otel-telemetry-execution-id": ""},
        {"otel-telemetry-execution-id": "x" * 2000},
        {"otel-telemetry-step-id": "s"},
        {"otel-telemetry-execution-id": 3, 4: None},
    ],
)
def test_headers_that_say_nothing_change_nothing(tape, tool, headers):
    with attach(headers):
        tool(1)
    with tape.execution("w") as run, attach(headers):
        tool(2)
    first, second = tape.records()
    assert first.type.value == "direct"
    assert second.execution_id == run.execution_id
    assert second.tool_calls[0].params == {"n": 2}


def test_nothing_to_inject_outside(tape):
    assert inject() == {}


def test_async_attach(tape, tool):
    async def main():
        async with attach({"otel-telemetry-execution-id": "e"}):
            tool(1)

    asyncio.run(main())
    assert tape.span("execute_tool t").attributes[semconv.EXECUTION_ID] == "e"


def test_wrapping_keeps_the_name_and_can_be_pickled():
    wrapped = wrap(recorded_elsewhere)
    assert wrapped.__name__ == "recorded_elsewhere"
    assert pickle.loads(pickle.dumps(wrapped)).__wrapped__ is recorded_elsewhere


def test_what_foreign_spans_inherit(tape):
    assert inherit(None) is None
    with tape.execution("w") as run:
        first, second = inherit(None), inherit(None)
    assert first == {semconv.EXECUTION_ID: run.execution_id, semconv.SEQUENCE: 1}
    assert second[semconv.SEQUENCE] == 2
