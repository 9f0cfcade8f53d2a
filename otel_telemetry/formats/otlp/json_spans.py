"""Spans as OTLP/JSON and back: ids in hexadecimal, 64-bit integers as text, enums as numbers, defaults left out."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from otel_telemetry.errors import FormatError
from otel_telemetry.formats.otlp.json_fields import (
    JsonObject,
    an_object,
    checked,
    double,
    enum,
    identifier,
    int64,
    objects,
    optional_identifier,
    text,
    uint32,
    uint64,
)
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

TRACES: Final = "resourceSpans"
OTHER_SIGNALS: Final = frozenset({"resourceLogs", "resourceMetrics", "resourceProfiles"})
_SPAN_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS_CODES: Final = ("UNSET", "OK", "ERROR")


def request_to_json(request: Iterable[ResourceSpans]) -> JsonObject:
    """Return the ExportTraceServiceRequest that holds these spans."""
    return {
        TRACES: [
            {
                "resource": _present(attributes=_attributes_to_json(resource.attributes)),
                "scopeSpans": [
                    {
                        "scope": _scope_to_json(scope),
                        "spans": [_span_to_json(span) for span in spans],
                        **_present(schemaUrl=scope.schema_url),
                    }
                    for scope, spans in scopes
                ],
                **_present(schemaUrl=resource.schema_url),
            }
            for resource, scopes in request
        ]
    }


def request_from_json(document: JsonValue) -> Iterator[SpanData]:
    """Yield the spans of an ExportTraceServiceRequest; none of a request of another signal.

    Raises:
        FormatError: a field has the wrong type or value; the message says which, and of which span.
    """
    request = checked(document, dict, "an OTLP request")
    if request and TRACES not in request and not OTHER_SIGNALS & request.keys():
        raise FormatError(f"an OTLP request has {TRACES}, and here there is none")
    for group in objects(request, TRACES):
        resource = ResourceData.of(_attributes_from_json(an_object(group, "resource")), text(group, "schemaUrl"))
        for scope_group in objects(group, "scopeSpans"):
            scope = _scope_from_json(an_object(scope_group, "scope"), text(scope_group, "schemaUrl"))
            for position, span in enumerate(objects(scope_group, "spans"), 1):
                try:
                    read = _span_from_json(span, resource, scope)
                except FormatError as exc:
                    raise FormatError(f"span {position} of its scope: {exc}") from None
                yield read


def _scope_to_json(scope: ScopeData) -> JsonObject:
    return _present(name=scope.name, version=scope.version, attributes=_attributes_to_json(scope.attributes))


def _scope_from_json(scope: JsonObject, schema_url: str) -> ScopeData:
    return ScopeData(text(scope, "name"), text(scope, "version"), schema_url, _attributes_from_json(scope))


def _span_to_json(span: SpanData) -> JsonObject:
    return {
        "traceId": f"{span.trace_id:032x}",
        "spanId": f"{span.span_id:016x}",
        **_present(
            traceState=span.trace_state,
            parentSpanId="" if span.parent_span_id is None else f"{span.parent_span_id:016x}",
            flags=span.flags,
        ),
        "name": span.name,
        "kind": span.kind + 1,
        "startTimeUnixNano": str(unsigned(span.start_ns)),
        **_present(
            endTimeUnixNano="" if span.end_ns is None else str(unsigned(span.end_ns)),
            attributes=_attributes_to_json(span.attributes),
            droppedAttributesCount=span.dropped_attributes,
            events=[_event_to_json(event) for event in span.events],
            droppedEventsCount=span.dropped_events,
            links=[_link_to_json(link) for link in span.links],
            droppedLinksCount=span.dropped_links,
        ),
        "status": _present(message=span.status_message, code=span.status_code),
    }


def _span_from_json(span: JsonObject, resource: ResourceData, scope: ScopeData) -> SpanData:
    status = an_object(span, "status")
    end_ns = uint64(span, "endTimeUnixNano")
    return SpanData(
        trace_id=identifier(span, "traceId", 32),
        span_id=identifier(span, "spanId", 16),
        parent_span_id=optional_identifier(span, "parentSpanId", 16),
        trace_state=text(span, "traceState"),
        flags=uint32(span, "flags"),
        name=text(span, "name"),
        kind=internal_kind(enum(span, "kind", "SPAN_KIND_", _SPAN_KINDS)),
        start_ns=signed(uint64(span, "startTimeUnixNano")),
        end_ns=signed(end_ns) if end_ns else None,
        status_code=enum(status, "code", "STATUS_CODE_", _STATUS_CODES),
        status_message=text(status, "message") or None,
        attributes=_attributes_from_json(span),
        events=tuple(_event_from_json(event) for event in objects(span, "events")),
        links=tuple(_link_from_json(link) for link in objects(span, "links")),
        dropped_attributes=uint32(span, "droppedAttributesCount"),
        dropped_events=uint32(span, "droppedEventsCount"),
        dropped_links=uint32(span, "droppedLinksCount"),
        resource=resource,
        scope=scope,
    )


def _event_to_json(event: EventData) -> JsonObject:
    return {
        "timeUnixNano": str(unsigned(event.time_ns)),
        "name": event.name,
        **_present(attributes=_attributes_to_json(event.attributes), droppedAttributesCount=event.dropped_attributes),
    }


def _event_from_json(event: JsonObject) -> EventData:
    return EventData(
        name=text(event, "name"),
        time_ns=signed(uint64(event, "timeUnixNano")),
        attributes=_attributes_from_json(event),
        dropped_attributes=uint32(event, "droppedAttributesCount"),
    )


def _link_to_json(link: LinkData) -> JsonObject:
    return {
        "traceId": f"{link.trace_id:032x}",
        "spanId": f"{link.span_id:016x}",
        **_present(
            traceState=link.trace_state,
            attributes=_attributes_to_json(link.attributes),
            droppedAttributesCount=link.dropped_attributes,
            flags=link.flags,
        ),
    }


def _link_from_json(link: JsonObject) -> LinkData:
    return LinkData(
        trace_id=optional_identifier(link, "traceId", 32) or 0,
        span_id=optional_identifier(link, "spanId", 16) or 0,
        trace_state=text(link, "traceState"),
        flags=uint32(link, "flags"),
        attributes=_attributes_from_json(link),
        dropped_attributes=uint32(link, "droppedAttributesCount"),
    )


def _present(**fields: object) -> JsonObject:
    """Return the fields that differ from their default."""
    return {key: value for key, value in fields.items() if value}


def _attributes_to_json(attributes: Mapping[str, JsonValue]) -> list[JsonObject]:
    return [{"key": key, "value": _value_to_json(value)} for key, value in attributes.items()]


def _attributes_from_json(owner: JsonObject, key: str = "attributes", depth: int = 0) -> dict[str, JsonValue]:
    return {text(pair, "key"): _value_from_json(an_object(pair, "value"), depth) for pair in objects(owner, key)}


def _value_to_json(value: JsonValue) -> JsonObject:  # noqa: PLR0911  (one for each kind of value)
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if value is None:
        return {}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes_to_json(value)}}
    return {"arrayValue": {"values": [_value_to_json(item) for item in value]}}


def _value_from_json(value: JsonObject, depth: int) -> JsonValue:  # noqa: PLR0911  (one for each kind of value)
    """Read an AnyValue. An empty one, or one of a kind not known here, is null."""
    check_depth(depth)
    if "stringValue" in value:
        return text(value, "stringValue")
    if "intValue" in value:
        return int64(value, "intValue")
    if "doubleValue" in value:
        return double(value, "doubleValue")
    if "boolValue" in value:
        return checked(value["boolValue"], bool, "boolValue")
    if "arrayValue" in value:
        return [_value_from_json(item, depth + 1) for item in objects(an_object(value, "arrayValue"), "values")]
    if "kvlistValue" in value:
        return unboxed(_attributes_from_json(an_object(value, "kvlistValue"), "values", depth + 1))
    if "bytesValue" in value:
        try:
            return bytes_as_text(base64.b64decode(text(value, "bytesValue"), validate=True))
        except binascii.Error:
            raise FormatError("bytesValue must be base64") from None
    return None
