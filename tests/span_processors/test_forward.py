"""Plain OpenTelemetry exporters behind the processor."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from span_processors import ForwardingSink
from tests.span_processors.support import ListSink, account, pipeline

FOR_EVER_MS = 60_000


class Exporter(SpanExporter):
    """Does as told for each batch: success, failure, or an exception; then succeeds."""

    def __init__(self, *answers: SpanExportResult | BaseException) -> None:
        self.answers = list(answers)
        self.names: list[str] = []
        self.shut_down = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        answer = self.answers.pop(0) if self.answers else SpanExportResult.SUCCESS
        if isinstance(answer, BaseException):
            raise answer
        if answer is SpanExportResult.SUCCESS:
            self.names += [span.name for span in spans]
        return answer

    def shutdown(self) -> None:
        self.shut_down += 1


def test_an_exporter_gets_ended_redacted_spans_and_is_shut_down() -> None:
    exporter = InMemorySpanExporter()
    with pipeline(ForwardingSink(exporter)) as (processor, tracer), tracer.start_as_current_span("outer"):
        tracer.start_span("inner", attributes={"password": "x", "plain": "y"}).end()
        assert processor.force_flush(FOR_EVER_MS)
        assert [span.name for span in exporter.get_finished_spans()] == ["inner"]
    inner, outer = exporter.get_finished_spans()
    assert isinstance(inner, ReadableSpan)
    assert inner.attributes is not None
    assert inner.attributes["plain"] == "y"
    assert inner.attributes["password"] != "x"
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert exporter.export([]) is SpanExportResult.FAILURE  # it has been shut down


def test_a_reported_failure_is_tried_again() -> None:
    exporter = Exporter(SpanExportResult.FAILURE, SpanExportResult.FAILURE)
    with pipeline(ForwardingSink(exporter)) as (processor, tracer):
        tracer.start_span("span").end()
        assert processor.force_flush(FOR_EVER_MS)
        assert account(processor).retries == 2
    assert exporter.names == ["span"]
    assert exporter.shut_down == 1


def test_an_exporter_that_raises_costs_the_span_it_raises_for() -> None:
    exporter = Exporter(ValueError(), SpanExportResult.SUCCESS)
    with pipeline(ForwardingSink(exporter)) as (processor, tracer):
        tracer.start_span("first").end()
        assert not processor.force_flush(FOR_EVER_MS)
        tracer.start_span("second").end()
        assert processor.force_flush(FOR_EVER_MS)
        health = account(processor)
    assert exporter.names == ["second"]
    assert (health.name, health.stored, health.dropped) == ("Exporter", 1, {"rejected": 1})


def test_an_exporter_that_hangs_holds_no_store_up() -> None:
    released = threading.Event()

    class Hanging(Exporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            assert released.wait(60)
            return super().export(spans)

    store = ListSink()
    with pipeline(ForwardingSink(Hanging()), store) as (processor, tracer):
        tracer.start_span("span").end()
        while store.ended != ["span"]:
            assert not processor.force_flush(20)
        assert account(processor, 0).pending == 1
        released.set()
    assert account(processor, 0).stored == 1


def test_the_size_of_a_span_grows_with_what_it_holds() -> None:
    sizes = []

    class Sized(ForwardingSink):
        def size(self, row):  # type: ignore[no-untyped-def]
            sizes.append(super().size(row))
            return sizes[-1]

    with pipeline(Sized(Exporter())) as (_, tracer):
        tracer.start_span("small").end()
        tracer.start_span("large", attributes={"text": "x" * 100_000}).end()
        span = tracer.start_span("with events")
        for _ in range(100):
            span.add_event("event", {"text": "y" * 1000})
        span.end()
    small, large, with_events = sizes
    assert small < 2_000
    assert large > 100_000
    assert with_events > 100_000
