"""Spans to data and back: nothing lost, nothing let through."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from span_processors import CleanText, RedactionSettings, Redactor, SpanData
from span_processors.data import EventData, LinkData, ResourceData, ScopeData
from span_processors.flatten import flatten, to_readable

REDACTOR = Redactor(RedactionSettings())

PLAIN = st.text("abcdefgh äß€𝄞", max_size=8)
HOSTILE = st.text(st.characters(codec=None), max_size=8)
SMALL = st.integers(-(10**9), 10**9)  # sixteen digits may be a card number, which is redacted


def json_values(text: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    scalars = st.none() | st.booleans() | SMALL | st.floats(allow_nan=False, allow_infinity=False) | text
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )


def span_data(text: st.SearchStrategy[str], keys: st.SearchStrategy[str]) -> st.SearchStrategy[SpanData]:
    attributes = st.dictionaries(keys, json_values(text, keys), max_size=4)
    counts = st.integers(0, 5)
    trace_ids, span_ids = st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1)
    states = st.sampled_from(["", "a=1", "vendor=x,other@tenant=y"])
    times = st.integers(0, 2**63 - 1)
    flags = st.sampled_from([0, 1, 3])
    return st.builds(
        SpanData,
        trace_id=trace_ids,
        span_id=span_ids,
        parent_span_id=st.just(5),
        trace_state=states,
        flags=st.sampled_from([0, 1, 3, 0x301]),
        name=text,
        kind=st.integers(0, 4),
        start_ns=times,
        end_ns=st.none() | times,
        status_code=st.just(2),
        status_message=st.none() | text,
        attributes=attributes,
        events=st.lists(st.builds(EventData, text, times, attributes, counts), max_size=2).map(tuple),
        links=st.lists(
            st.builds(LinkData, trace_ids, span_ids, states, flags | st.just(0x301), attributes, counts), max_size=2
        ).map(tuple),
        dropped_attributes=counts,
        dropped_events=counts,
        dropped_links=counts,
        resource=st.builds(ResourceData, st.just(0), attributes, text),
        scope=st.builds(ScopeData, text, text, text, attributes),
    )


@given(span_data(PLAIN, st.text("abcdefgh", min_size=1, max_size=5)))
def test_data_survives_being_a_span(data: SpanData) -> None:
    data = data._replace(resource=ResourceData.of(data.resource.attributes, data.resource.schema_url))
    assert flatten(to_readable(data), REDACTOR) == data


@given(span_data(HOSTILE, st.text(st.characters(codec=None), min_size=1, max_size=5)))
def test_what_was_flattened_once_does_not_change_any_more(data: SpanData) -> None:
    once = flatten(to_readable(data), REDACTOR)
    assert flatten(to_readable(once), REDACTOR) == once


def _ended(provider: TracerProvider, **options: object) -> ReadableSpan:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("span", **options).end()
    (span,) = exporter.get_finished_spans()
    return span


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False, resource=Resource({}))


def test_every_part_of_a_span_is_redacted() -> None:
    canary = f"c4n{4}ry"
    secret = f"password={canary}"
    where = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", secret[:9])]))
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"r": secret}, secret))
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(secret, secret, secret, {"s": secret})
    attributes = {"a": secret, "l": [secret], "d": {"x": secret}}
    span = tracer.start_span(secret, attributes=attributes, links=[Link(where, {"k": secret})])
    span.add_event(secret, {"e": secret})
    span.set_status(Status(StatusCode.ERROR, secret))
    span.end()
    (ended,) = exporter.get_finished_spans()
    assert canary in repr(ended.attributes)
    data = flatten(ended, REDACTOR)
    assert canary not in repr(data)
    assert repr(data).count("[REDACTED") >= 10
    assert canary not in to_readable(data).to_json()


def test_payloads_that_are_clean_already_are_passed_through(provider: TracerProvider) -> None:
    payload = CleanText('{"password":"[REDACTED:field]"}')
    data = flatten(_ended(provider, attributes={"payload": payload}), REDACTOR)
    assert data.attributes["payload"] is payload


def test_counts_of_what_the_sdk_dropped_are_kept() -> None:
    limits = SpanLimits(max_span_attributes=1, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
    provider = TracerProvider(shutdown_on_exit=False, span_limits=limits)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    links = [Link(SpanContext(1, span_id, is_remote=False), {"a": 1, "b": 2}) for span_id in (2, 3)]
    span = provider.get_tracer("tests").start_span("span", links=links, attributes={"a": 1, "b": 2, "c": 3})
    span.add_event("e", {"a": 1, "b": 2})
    span.add_event("e", {"a": 1, "b": 2, "c": 3})
    span.end()
    (ended,) = exporter.get_finished_spans()
    data = flatten(ended, REDACTOR)
    assert (data.dropped_attributes, data.dropped_events, data.dropped_links) == (2, 1, 1)
    assert data.events[0].dropped_attributes == 2
    assert data.links[0].dropped_attributes == 1
    back = to_readable(data)
    assert (back.dropped_attributes, back.dropped_events, back.dropped_links) == (2, 1, 1)
    assert back.events[0].dropped_attributes == 2
    assert back.links[0].dropped_attributes == 1


@pytest.mark.parametrize("is_remote", [True, False])
def test_a_parent_in_another_process_is_told_from_one_in_this(provider: TracerProvider, *, is_remote: bool) -> None:
    parent = NonRecordingSpan(SpanContext(7, 8, is_remote=is_remote, trace_flags=TraceFlags(1)))
    data = flatten(_ended(provider, context=set_span_in_context(parent)), REDACTOR)
    assert (data.trace_id, data.parent_span_id) == (7, 8)
    back = to_readable(data).parent
    assert back is not None
    assert back.is_remote is is_remote
    assert data.flags & 0x300 == (0x300 if is_remote else 0)


@pytest.mark.parametrize("kind", list(SpanKind))
def test_kinds_have_their_number(provider: TracerProvider, kind: SpanKind) -> None:
    data = flatten(_ended(provider, kind=kind), REDACTOR)
    assert data.kind == kind.value
    assert to_readable(data).kind is kind


def test_an_open_span_has_no_end(provider: TracerProvider) -> None:
    span = provider.get_tracer("tests").start_span("open")
    assert isinstance(span, ReadableSpan)
    assert flatten(span, REDACTOR).end_ns is None
    span.end()


def test_a_resource_is_flattened_once_per_redactor() -> None:
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"password": "x", "service.name": "s"}))
    first, second = _ended(provider), provider.get_tracer("tests").start_span("other")
    assert isinstance(second, ReadableSpan)
    assert flatten(first, REDACTOR).resource is flatten(second, REDACTOR).resource
    second.end()
    lenient = Redactor(RedactionSettings(allow=("password",)))
    assert flatten(first, lenient).resource.attributes["password"] == "x"
    assert flatten(first, REDACTOR).resource.attributes["password"] != "x"


def test_equal_resources_have_one_key_whatever_their_order() -> None:
    one = flatten(_ended(TracerProvider(shutdown_on_exit=False, resource=Resource({"a": 1, "b": 2}))), REDACTOR)
    two = flatten(_ended(TracerProvider(shutdown_on_exit=False, resource=Resource({"b": 2, "a": 1}))), REDACTOR)
    other = flatten(
        _ended(TracerProvider(shutdown_on_exit=False, resource=Resource({"b": 2, "a": 1}, "url"))), REDACTOR
    )
    assert one.resource.key == two.resource.key != other.resource.key


def test_the_otlp_encoder_takes_what_comes_back(provider: TracerProvider) -> None:
    attributes = {"text": CleanText("{}"), "list": [1, 2], "map": {"a": [True, None]}, "n": 1.5}
    data = flatten(_ended(provider, attributes=attributes), REDACTOR)
    (span,) = encode_spans([to_readable(data)]).resource_spans[0].scope_spans[0].spans
    encoded = {attribute.key: attribute.value for attribute in span.attributes}
    assert encoded.keys() == attributes.keys()
    assert encoded["text"].string_value == "{}"
    assert span.start_time_unix_nano == data.start_ns
