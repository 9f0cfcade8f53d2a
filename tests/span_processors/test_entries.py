"""Where a trace enters this process, all spans below it know."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from span_processors import IdGenerator, RedactingSpanProcessor
from span_processors.current import Entry, entry_at
from span_processors.lean_span import LeanSpan
from span_processors.lean_tracer import LeanTracerProvider
from tests.span_processors.support import ListSink, pipeline

REMOTE = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1))


def below(span: Any) -> Context:
    return set_span_in_context(span, Context())


def from_elsewhere() -> Context:
    return below(NonRecordingSpan(REMOTE))


def test_spans_of_the_sdk_hand_it_down() -> None:
    with pipeline(ListSink()) as (_, tracer):
        server = tracer.start_span("server", from_elsewhere(), SpanKind.SERVER)
        with tracer.start_as_current_span("inner", below(server)) as inner:
            current = tracer.start_span("in the current context")
        entry = entry_at(server)
        assert entry.__class__ is Entry
        assert entry_at(inner) is entry_at(current) is entry
        assert entry_at(tracer.start_span("other", from_elsewhere())) is not entry
        root = tracer.start_span("root", Context())
        assert entry_at(root) is entry_at(tracer.start_span("child", below(root))) is None


def test_lean_spans_and_those_of_the_sdk_hand_it_to_each_other() -> None:
    processor = RedactingSpanProcessor([ListSink()])
    provider = LeanTracerProvider(
        processor, lean_scope="lean", sampler=ALWAYS_ON, resource=Resource({}), id_generator=IdGenerator()
    )
    lean, full = provider.get_tracer("lean"), provider.get_tracer("other")
    for first, second in ((lean, full), (full, lean), (lean, lean)):
        entered = first.start_span("entered", from_elsewhere())
        child = second.start_span("child", below(entered))
        grandchild = first.start_span("grandchild", below(child))
        assert isinstance(entered, LeanSpan) == (first is lean)
        assert isinstance(entered, (ReadableSpan, LeanSpan))
        assert entered.parent == REMOTE
        assert isinstance(child, (ReadableSpan, LeanSpan))
        assert child.parent == entered.get_span_context()
        assert entry_at(entered) is entry_at(child) is entry_at(grandchild) is not None
        root = first.start_span("root", Context())
        assert entry_at(root) is entry_at(second.start_span("child", below(root))) is None
    processor.shutdown()


def test_two_processors_agree() -> None:
    with pipeline(ListSink()) as (_, tracer):
        tracer.span_processor.add_span_processor(RedactingSpanProcessor([ListSink()]))  # type: ignore[attr-defined]
        server = tracer.start_span("server", from_elsewhere())
        assert entry_at(server) is entry_at(tracer.start_span("inner", below(server))) is not None


def test_a_span_that_is_recorded_and_not_sampled_hands_it_down() -> None:
    class RecordOnly(Sampler):
        def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_ONLY)

        def get_description(self) -> str:
            return "records, samples nothing"

    provider = TracerProvider(sampler=RecordOnly(), shutdown_on_exit=False)
    provider.add_span_processor(RedactingSpanProcessor([ListSink()]))
    tracer = provider.get_tracer("tests")
    server = tracer.start_span("server", from_elsewhere())
    assert entry_at(tracer.start_span("inner", below(server))) is entry_at(server) is not None


def test_without_a_processor_only_the_first_span_is_known() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    server = tracer.start_span("server", from_elsewhere())
    inner = tracer.start_span("inner", below(server))
    assert entry_at(server) is entry_at(server) is not None
    assert entry_at(inner) is None


def test_the_remote_span_itself() -> None:
    span = NonRecordingSpan(REMOTE)
    assert entry_at(span) is entry_at(span) is not None


@pytest.mark.parametrize(
    "span",
    [
        None,
        "text",
        INVALID_SPAN,
        NonRecordingSpan(SpanContext(5, 6, is_remote=False)),
        NonRecordingSpan(SpanContext(0, 0, is_remote=True)),
    ],
)
def test_what_is_no_entry(span: object) -> None:
    assert entry_at(span) is None


class Answering(NonRecordingSpan):
    """Has an attribute of every name."""

    def __getattr__(self, name: str) -> Any:
        return Answering(self.get_span_context())


class Raising(NonRecordingSpan):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize("kind", [Answering, Raising])
def test_odd_spans_harm_nobody(kind: type[NonRecordingSpan]) -> None:
    sink = ListSink()
    odd = kind(SpanContext(5, 6, is_remote=False, trace_flags=TraceFlags(1)))
    assert entry_at(odd) is None
    with pipeline(sink) as (processor, tracer):
        span = tracer.start_span("span", below(odd))
        assert processor.force_flush()
        assert sink.started == ["span"]
        span.end()
        assert entry_at(span) is None
    assert sink.ended == ["span"]
