"""A recorder whose spans come back as the records that a reader would get."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from otel_telemetry import semconv
from otel_telemetry.tracing import Clock, Instruments, Recorder
from span_processors.flatten import flatten
from tests.otel_telemetry.decoded import decoded

if TYPE_CHECKING:
    from otel_telemetry.records import ExecutionRecord


class Tape:
    """A recorder, its instruments, and what came of it."""

    def __init__(self, *, sampler: Sampler = ALWAYS_ON, strict: bool = False, clock: Clock | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.recorder = Recorder(self.provider, strict=strict, clock=clock)
        self.current: Recorder | None = self.recorder
        instruments = Instruments(lambda: self.current)
        self.workflow, self.execution = instruments.workflow, instruments.execution
        self.step, self.task, self.tool = instruments.step, instruments.task, instruments.tool
        self.tracer = self.provider.get_tracer("of the host")

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """The spans that ended, in the order of their ends."""
        return [span for span in self.exporter.get_finished_spans() if name in (None, span.name)]

    def span(self, name: str) -> ReadableSpan:
        """The only span of this name."""
        (span,) = self.spans(name)
        return span

    def records(self) -> list[ExecutionRecord]:
        """The executions, in the order of their starts."""
        by_execution: dict[str, list[ReadableSpan]] = {}
        for span in self.spans():
            if semconv.KIND in span.attributes:
                by_execution.setdefault(span.attributes[semconv.EXECUTION_ID], []).append(span)
        flat = [[flatten(span, self.recorder.redactor) for span in spans] for spans in by_execution.values()]
        return sorted(map(decoded, flat), key=lambda record: record.started_at)

    def record(self) -> ExecutionRecord:
        """The only execution. Nothing went wrong while it was recorded."""
        assert not self.recorder.problems
        (record,) = self.records()
        return record


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def make_tape() -> Callable[..., Tape]:
    return Tape
