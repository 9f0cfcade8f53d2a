"""Spans as OTLP protobuf messages and back. Imported where needed only: the messages are an optional package."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships without types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

from otel_telemetry.errors import FormatError
from otel_telemetry.formats.otlp.values import (
    bytes_as_text,
    check_depth,
    internal_kind,
    signed,
    unboxed,
    unsigned,
)
from span_processors.data import EventData, LinkData, ResourceData, ScopeData, SpanData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from otel_telemetry.formats.otlp.groups import ResourceSpans
    from otel_telemetry.records import JsonValue

_HIGHEST_KIND = 5
_HIGHEST_STATUS = 2


def request_to_bytes(request: Iterable[ResourceSpans]) -> bytes:
    """Return the ExportTraceServiceRequest that holds these spans, serialised."""
    message = ExportTraceServiceRequest(
        resource_spans=[
            trace.ResourceSpans(
                resource=resource_pb2.Resource(attributes=_attributes_to_proto(resource.attributes)),
                scope_spans=[
                    trace.ScopeSpans(
                        scope=_scope_to_proto(scope),
                        spans=[_span_to_proto(span) for span in spans],
                        schema_url=scope.schema_url,
                    )
                    for scope, spans in scopes
                ],
                schema_url=resource.schema_url,
            )
            for resource, scopes in request
        ]
    )
    return bytes(message.SerializeToString(deterministic=True))


def request_from_bytes(serialised: bytes) -> Iterator[SpanData]:
    """Yield the spans of a serialised ExportTraceServiceRequest.

    Raises:
        FormatError: it is none, or a field has a value that it cannot have.
    """
    try:
        message = ExportTraceServiceRequest.FromString(serialised)
    except DecodeError:
        raise FormatError("this is no ExportTraceServiceRequest in protobuf") from None
    for group in message.resource_spans:
        resource = ResourceData.of(_attributes_from_proto(group.resource.attributes), _text(group.schema_url))
        for scope_group in group.scope_spans:
            scope = _scope_from_proto(scope_group.scope, _text(scope_group.schema_url))
            for position, span in enumerate(scope_group.spans, 1):
                try:
                    read = _span_from_proto(span, resource, scope)
                except FormatError as exc:
                    raise FormatError(f"span {position} of its scope: {exc}") from None
                yield read


def _scope_to_proto(scope: ScopeData) -> common.InstrumentationScope:
    return common.InstrumentationScope(
        name=scope.name, version=scope.version, attributes=_attributes_to_proto(scope.attributes)
    )


def _scope_from_proto(scope: common.InstrumentationScope, schema_url: str) -> ScopeData:
    return ScopeData(_text(scope.name), _text(scope.version), schema_url, _attributes_from_proto(scope.attributes))


def _span_to_proto(span: SpanData) -> trace.Span:
    return trace.Span(
        trace_id=span.trace_id.to_bytes(16, "big"),
        span_id=span.span_id.to_bytes(8, "big"),
        parent_span_id=b"" if span.parent_span_id is None else span.parent_span_id.to_bytes(8, "big"),
        trace_state=span.trace_state,
        flags=span.flags,
        name=span.name,
        kind=span.kind + 1,  # type: ignore[arg-type]  # the enum's type is an int with names
        start_time_unix_nano=unsigned(span.start_ns),
        end_time_unix_nano=0 if span.end_ns is None else unsigned(span.end_ns),
        attributes=_attributes_to_proto(span.attributes),
        events=[_event_to_proto(event) for event in span.events],
        links=[_link_to_proto(link) for link in span.links],
        dropped_attributes_count=span.dropped_attributes,
        dropped_events_count=span.dropped_events,
        dropped_links_count=span.dropped_links,
        status=trace.Status(message=span.status_message or "", code=span.status_code),  # type: ignore[arg-type]
    )


def _span_from_proto(span: trace.Span, resource: ResourceData, scope: ScopeData) -> SpanData:
    if span.kind > _HIGHEST_KIND or span.status.code > _HIGHEST_STATUS:
        raise FormatError("its kind or its status has a number that OTLP does not define")
    return SpanData(
        trace_id=_id(span.trace_id, 16, "trace_id"),
        span_id=_id(span.span_id, 8, "span_id"),
        parent_span_id=_optional_id(span.parent_span_id, 8, "parent_span_id"),
        trace_state=_text(span.trace_state),
        flags=span.flags,
        name=_text(span.name),
        kind=internal_kind(span.kind),
        start_ns=signed(span.start_time_unix_nano),
        end_ns=signed(span.end_time_unix_nano) if span.end_time_unix_nano else None,
        status_code=span.status.code,
        status_message=_text(span.status.message) or None,
        attributes=_attributes_from_proto(span.attributes),
        events=tuple(_event_from_proto(event) for event in span.events),
        links=tuple(_link_from_proto(link) for link in span.links),
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
        resource=resource,
        scope=scope,
    )


def _event_to_proto(event: EventData) -> trace.Span.Event:
    return trace.Span.Event(
        time_unix_nano=unsigned(event.time_ns),
        name=event.name,
        attributes=_attributes_to_proto(event.attributes),
        dropped_attributes_count=event.dropped_attributes,
    )


def _event_from_proto(event: trace.Span.Event) -> EventData:
    return EventData(
        name=_text(event.name),
        time_ns=signed(event.time_unix_nano),
        attributes=_attributes_from_proto(event.attributes),
        dropped_attributes=event.dropped_attributes_count,
    )


def _link_to_proto(link: LinkData) -> trace.Span.Link:
    return trace.Span.Link(
        trace_id=link.trace_id.to_bytes(16, "big"),
        span_id=link.span_id.to_bytes(8, "big"),
        trace_state=link.trace_state,
        attributes=_attributes_to_proto(link.attributes),
        dropped_attributes_count=link.dropped_attributes,
        flags=link.flags,
    )


def _link_from_proto(link: trace.Span.Link) -> LinkData:
    return LinkData(
        trace_id=_optional_id(link.trace_id, 16, "a link's trace_id") or 0,
        span_id=_optional_id(link.span_id, 8, "a link's span_id") or 0,
        trace_state=_text(link.trace_state),
        flags=link.flags,
        attributes=_attributes_from_proto(link.attributes),
        dropped_attributes=link.dropped_attributes_count,
    )


def _attributes_to_proto(attributes: Mapping[str, JsonValue]) -> list[common.KeyValue]:
    return [common.KeyValue(key=key, value=_value_to_proto(value)) for key, value in attributes.items()]


def _attributes_from_proto(pairs: Iterable[common.KeyValue], depth: int = 0) -> dict[str, JsonValue]:
    return {_text(pair.key): _value_from_proto(pair.value, depth) for pair in pairs}


def _value_to_proto(value: JsonValue) -> common.AnyValue:  # noqa: PLR0911  (one for each kind of value)
    if isinstance(value, str):
        return common.AnyValue(string_value=value)
    if isinstance(value, bool):
        return common.AnyValue(bool_value=value)
    if isinstance(value, int):
        return common.AnyValue(int_value=value)
    if isinstance(value, float):
        return common.AnyValue(double_value=value)
    if value is None:
        return common.AnyValue()
    if isinstance(value, dict):
        return common.AnyValue(kvlist_value=common.KeyValueList(values=_attributes_to_proto(value)))
    items = [_value_to_proto(item) for item in value]
    return common.AnyValue(array_value=common.ArrayValue(values=items))


def _value_from_proto(value: common.AnyValue, depth: int) -> JsonValue:  # noqa: PLR0911  (one for each kind of value)
    """Read an AnyValue. An empty one, or one of a kind not known here, is null."""
    check_depth(depth)
    match value.WhichOneof("value"):
        case "string_value":
            return _text(value.string_value)
        case "int_value":
            return value.int_value
        case "double_value":
            return _finite(value.double_value)
        case "bool_value":
            return value.bool_value
        case "array_value":
            return [_value_from_proto(item, depth + 1) for item in value.array_value.values]
        case "kvlist_value":
            return unboxed(_attributes_from_proto(value.kvlist_value.values, depth + 1))
        case "bytes_value":
            return _text(bytes_as_text(value.bytes_value))
    return None


def _finite(number: float) -> float | str:
    """Return the number, or the text that stands for it where no backend holds it."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _text(text: str) -> str:
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _id(identifier: bytes, length: int, what: str) -> int:
    number = _optional_id(identifier, length, what)
    if number is None:
        raise FormatError(f"{what} must be {length} bytes, not all zero")
    return number


def _optional_id(identifier: bytes, length: int, what: str) -> int | None:
    if len(identifier) not in {0, length}:
        raise FormatError(f"{what} must be {length} bytes")
    return int.from_bytes(identifier, "big") or None
