"""Lean spans are to their reader, and to whoever writes them, what the SDK's are."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    NoOpTracer,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from span_processors import IdGenerator, RedactingSpanProcessor, Redactor
from span_processors.data import CleanAttributes, CleanText
from span_processors.flatten import flatten
from span_processors.lean_span import LeanSpan
from span_processors.lean_tracer import LeanTracerProvider
from span_processors.size import size_of
from tests.span_processors.support import Gate, ListSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import Span as ApiSpan
    from opentelemetry.trace import Tracer

    from span_processors import SpanData

RESOURCE = Resource({"service.name": "tests"})
SECRET = "hunter2-" + "Zq8vXw2p"
REMOTE = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("k", "v")]))


class Recording:
    """A lean provider, and what was stored of its spans."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self.sink = ListSink()
        self.processor = RedactingSpanProcessor([self.sink])
        self.provider = LeanTracerProvider(
            self.processor, lean_scope="lean", sampler=sampler, resource=RESOURCE, id_generator=IdGenerator()
        )
        self.tracer: Tracer = self.provider.get_tracer("lean", "1.0")

    def stored(self) -> list[SpanData]:
        assert self.processor.force_flush()
        return [row for row in self.sink.rows if row.end_ns is not None]


@pytest.fixture
def recording() -> Iterator[Recording]:
    made = Recording()
    yield made
    made.processor.shutdown()


def full_tracer() -> tuple[Tracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    limits = SpanLimits(max_attribute_length=SpanLimits.UNSET, max_span_attribute_length=SpanLimits.UNSET)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("lean", "1.0"), exporter


def record_exception(span: ApiSpan) -> None:
    span.record_exception(ValueError("broken"), {"extra": 1}, timestamp=7)


def leave_with_error(span: ApiSpan) -> None:
    with pytest.raises(KeyError), span:
        raise KeyError("k")


# what a host may do with a span, each twice in the same words: the stored span must be the same
USES: dict[str, Callable[[ApiSpan], object]] = {
    "nothing": lambda span: None,
    "attributes": lambda span: span.set_attributes({"a": 1, "b": [True, None], "c": {"d": "e"}, "f": 1.5, "g": b"x"}),
    "attribute": lambda span: span.set_attribute("a", ("x", "y")),
    "twice": lambda span: (span.set_attribute("a", 1), span.set_attribute("a", 2)),
    "no key": lambda span: span.set_attributes({"": 1, "a": 2}),
    "odd key": lambda span: span.set_attributes({5: 1, "a": 2}),  # type: ignore[dict-item]
    "odd value": lambda span: span.set_attribute("a", object()),  # type: ignore[arg-type]
    "event": lambda span: span.add_event("e", {"a": 1}, 5),
    "many events": lambda span: [span.add_event(f"e{n}", timestamp=n) for n in range(130)],
    "link": lambda span: span.add_link(REMOTE, {"a": 1}),
    "empty link": lambda span: span.add_link(SpanContext(0, 0, is_remote=False)),
    "many links": lambda span: [span.add_link(REMOTE, {"n": n}) for n in range(130)],
    "name": lambda span: span.update_name("another"),
    "error": lambda span: span.set_status(Status(StatusCode.ERROR, "why")),
    "code": lambda span: span.set_status(StatusCode.ERROR, "why"),
    "ok is final": lambda span: (span.set_status(StatusCode.OK), span.set_status(StatusCode.ERROR)),
    "unset is nothing": lambda span: (span.set_status(StatusCode.ERROR, "x"), span.set_status(StatusCode.UNSET)),
    "exception": record_exception,
    "too many attributes": lambda span: [span.set_attribute(f"a{n}", n) for n in range(140)],
    "a secret": lambda span: span.set_attributes({"password": SECRET, "note": f"password={SECRET}"}),
}


def comparable(span: SpanData) -> Any:
    events = [event._replace(time_ns=0) for event in span.events]
    return span._replace(trace_id=0, span_id=0, flags=span.flags | 3, events=tuple(events))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("parent", [None, REMOTE], ids=["root", "child"])
def test_a_lean_span_is_stored_as_the_sdks_is(recording: Recording, use: str, parent: SpanContext | None) -> None:
    tracer, exporter = full_tracer()
    for one in (recording.tracer, tracer):
        context = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
        span = one.start_span("span", context, attributes={"start": "x"}, start_time=3)
        assert isinstance(span, LeanSpan) == (one is recording.tracer)
        USES[use](span)
        span.end(9)
    (lean,) = recording.stored()
    (full,) = exporter.get_finished_spans()
    assert comparable(lean) == comparable(flatten(full, Redactor()))
    if parent is not None:
        assert (lean.trace_id, lean.parent_span_id, lean.trace_state) == (5, 6, "k=v")


def test_an_exception_that_leaves_a_lean_span_is_noted_as_the_sdk_notes_it(recording: Recording) -> None:
    tracer, exporter = full_tracer()
    for one in (recording.tracer, tracer):
        leave_with_error(one.start_span("span", Context(), start_time=3))
    (lean,) = recording.stored()
    full = flatten(exporter.get_finished_spans()[0], Redactor())
    assert (lean.status_code, lean.status_message) == (full.status_code, full.status_message)
    assert [event.attributes for event in lean.events] == [event.attributes for event in full.events]


VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_any_attributes_are_kept_as_the_sdk_keeps_them(attributes: dict[str, Any]) -> None:
    recording, (tracer, exporter) = Recording(), full_tracer()
    for one in (recording.tracer, tracer):
        span = one.start_span("span", Context(), start_time=3)
        span.set_attributes(attributes)
        span.end(9)
    (lean,) = recording.stored()
    recording.processor.shutdown()
    assert comparable(lean) == comparable(flatten(exporter.get_finished_spans()[0], Redactor()))


def test_an_ended_span_does_not_change(recording: Recording, caplog: pytest.LogCaptureFixture) -> None:
    span = recording.tracer.start_span("span")
    assert span.is_recording()
    span.end(2**62)
    assert not span.is_recording()
    with caplog.at_level(logging.WARNING):
        for use in ("attributes", "event", "link", "name", "error"):
            USES[use](span)
        span.end()
    assert len(caplog.records) == 6
    (stored,) = recording.stored()
    assert (stored.name, stored.attributes, stored.events, stored.links) == ("span", {}, (), ())
    assert (stored.status_code, stored.end_ns) == (0, 2**62)


def test_clean_attributes_are_not_searched_and_count_more_than_the_hosts(recording: Recording) -> None:
    span = recording.tracer.start_span("span", attributes=CleanAttributes({"kind": "x", "password": "kept"}))
    span.set_attributes({"kind": "the host's", "password": SECRET, "own": f"password={SECRET}"})
    span.set_attributes(CleanAttributes({"result": CleanText("[1]")}))
    span.end()
    (stored,) = recording.stored()
    assert stored.attributes == {
        "own": "password=[REDACTED:field]",
        "kind": "x",
        "password": "kept",
        "result": CleanText("[1]"),
    }


def test_what_a_sampler_adds_is_searched() -> None:
    class Adding(Sampler):
        def should_sample(self, parent_context: Any, trace_id: int, name: str, kind: Any = None, attributes: Any = None, *rest: Any) -> SamplingResult:  # fmt: skip  # noqa: E501
            added = {"sampler": f"password={SECRET}"} if name == "more" else {}
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {**attributes, **added}, TraceState([("s", "1")]))

        def get_description(self) -> str:
            return "adding"

    recording = Recording(Adding())
    for name in ("more", "same"):
        recording.tracer.start_span(name, attributes=CleanAttributes({"own": "x"})).end()
    more, same = recording.stored()
    recording.processor.shutdown()
    assert more.attributes == {"own": "x", "sampler": "password=[REDACTED:field]"}
    assert same.attributes == {"own": "x"}
    assert more.trace_state == "s=1"


@pytest.mark.parametrize("decision", [Decision.DROP, Decision.RECORD_ONLY])
def test_what_is_not_sampled_is_not_recorded(decision: Decision) -> None:
    class Never(Sampler):
        def should_sample(self, *arguments: Any, **options: Any) -> SamplingResult:
            return SamplingResult(decision)

        def get_description(self) -> str:
            return "never"

    recording = Recording(Never())
    span = recording.tracer.start_span("span")
    child = recording.tracer.start_span("child", set_span_in_context(span, Context()))
    child.end()
    span.end()
    assert not span.is_recording()
    assert not span.get_span_context().trace_flags.sampled
    assert child.get_span_context().trace_id == span.get_span_context().trace_id
    assert recording.stored() == []
    recording.processor.shutdown()


def test_where_nothing_is_ever_sampled_the_tracer_does_nothing() -> None:
    recording = Recording(ALWAYS_OFF)
    assert isinstance(recording.tracer, NoOpTracer)
    assert not isinstance(recording.provider.get_tracer("other"), NoOpTracer)
    recording.processor.shutdown()


def test_other_scopes_and_unusual_spans_are_the_sdks(recording: Recording) -> None:
    assert isinstance(recording.provider.get_tracer("other").start_span("span"), Span)
    for options in ({"kind": SpanKind.CLIENT}, {"links": [Link(REMOTE)]}, {"record_exception": False}):
        assert isinstance(recording.tracer.start_span("span", **options), Span)  # type: ignore[arg-type]
    with recording.tracer.start_as_current_span("span") as span:
        assert isinstance(span, Span)


def test_another_processor_is_given_the_sdks_spans(recording: Recording) -> None:
    seen: list[Span] = []

    class Seeing(SpanProcessor):
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            seen.append(span)

    before = recording.tracer.start_span("before")
    recording.provider.add_span_processor(Seeing())
    recording.tracer.start_span("after").end()
    before.end()
    assert isinstance(before, LeanSpan)
    assert [isinstance(span, Span) for span in seen] == [True]
    assert {span.name for span in recording.stored()} == {"before", "after"}


def test_an_open_lean_span_is_announced_and_one_thrown_away_is_forgotten(recording: Recording) -> None:
    span = recording.tracer.start_span("open", attributes=CleanAttributes({"a": 1}))
    assert recording.processor.force_flush()
    assert [(row.name, row.end_ns, row.attributes) for row in recording.sink.rows] == [("open", None, {"a": 1})]
    span.set_attributes(CleanAttributes({"a": 2}))
    recording.processor.announce(span)
    assert recording.processor.force_flush()
    assert recording.sink.rows[-1].attributes == {"a": 2}
    assert recording.processor.health().open_spans == 1
    del span
    gc.collect()
    assert recording.processor.force_flush()
    assert recording.sink.ended == []


def test_what_may_hold_a_secret_is_redacted_before_it_waits(recording: Recording) -> None:
    gate = recording.sink._before = Gate()
    recording.tracer.start_span("first").end()
    gate.wait_until_entered()
    recording.tracer.start_span("clean", attributes=CleanAttributes({"a": CleanText("1")})).end()
    for change in (
        lambda span: span.set_attribute("password", SECRET),
        lambda span: span.add_event("login", {"password": SECRET}),
        lambda span: span.add_link(REMOTE, {"password": SECRET}),
        lambda span: span.set_status(Status(StatusCode.ERROR, f"password={SECRET}")),
        lambda span: span.record_exception(ValueError(f"password={SECRET}")),
    ):
        span = recording.tracer.start_span("not clean")
        change(span)
        span.end()
    backlog = recording.processor._workers[0]._backlog
    waiting = [entry.span for entry in (*backlog._errors, *backlog._details)]
    assert sum(isinstance(span, LeanSpan) for span in waiting) == 1
    assert len(waiting) == 6
    assert SECRET not in repr([span for span in waiting if not isinstance(span, LeanSpan)])
    gate.open()
    assert {span.name for span in recording.stored()} == {"first", "clean", "not clean"}


def test_a_span_counts_for_as_much_whether_it_is_flattened_or_not() -> None:
    recording = Recording()
    attributes = CleanAttributes({"a": CleanText("x" * 5000), "b": "y" * 100, "c": 1, "d": (1, 2)})
    span = recording.tracer.start_span("span", attributes=attributes)
    span.end()
    assert isinstance(span, LeanSpan)
    assert 5000 < size_of(span) <= size_of(flatten(span, Redactor())) < size_of(span) + 1000
    recording.processor.shutdown()
