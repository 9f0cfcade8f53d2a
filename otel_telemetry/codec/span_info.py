"""The OpenTelemetry side of a record: spans to `SpanInfo` and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.errors import unknown
from otel_telemetry.records import JsonValue, SpanEvent, SpanInfo, SpanLink, SpanResource, SpanScope
from span_processors.data import EventData, LinkData, ResourceData, ScopeData, SpanData

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final = ("internal", "server", "client", "producer", "consumer")
_STATUS_CODES: Final = ("unset", "ok", "error")
_KNOWN_KINDS: Final = range(len(_KINDS))
_KNOWN_CODES: Final = range(len(_STATUS_CODES))  # a later version of OpenTelemetry may have more
_TRACE_ID: Final = re.compile("[0-9a-f]{32}")
_SPAN_ID: Final = re.compile("[0-9a-f]{16}")


class Origin(NamedTuple):
    """What recorded an execution's own span; its other spans say it only where theirs differs."""

    resource: ResourceData
    scope: ScopeData


def info_of(span: SpanData, attributes: Mapping[str, JsonValue], *, foreign: bool, origin: Origin | None) -> SpanInfo:
    """Return what a span says besides the fields of its record; `attributes` are those that no field says."""
    parent, kind, code, resource, scope = span.parent_span_id, span.kind, span.status_code, span.resource, span.scope
    return SpanInfo(
        trace_id=f"{span.trace_id:032x}",
        span_id=f"{span.span_id:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        name=span.name,
        foreign=foreign,
        kind=_KINDS[kind] if kind in _KNOWN_KINDS else str(kind),
        status_code=_STATUS_CODES[code] if code in _KNOWN_CODES else str(code),
        status_message=span.status_message,
        trace_state=span.trace_state,
        flags=span.flags,
        attributes=dict(sorted(attributes.items())) if len(attributes) > 1 else {**attributes},
        events=_events(span) if span.events else (),
        links=_links(span) if span.links else (),
        dropped_attributes=span.dropped_attributes,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
        resource=None if origin and resource == origin.resource else _resource_to_record(resource),
        scope=None if origin and scope == origin.scope else _scope_to_record(scope),
    )


def _events(span: SpanData) -> tuple[SpanEvent, ...]:
    return tuple(
        SpanEvent(name=name, time_ns=time_ns, attributes=more, dropped_attributes=dropped)
        for name, time_ns, more, dropped in span.events
    )


def _links(span: SpanData) -> tuple[SpanLink, ...]:
    return tuple(
        SpanLink(
            trace_id=f"{link.trace_id:032x}",
            span_id=f"{link.span_id:016x}",
            trace_state=link.trace_state,
            flags=link.flags,
            attributes=link.attributes,
            dropped_attributes=link.dropped_attributes,
        )
        for link in span.links
    )


def span_of(
    info: SpanInfo, attributes: dict[str, JsonValue], started_at: int, completed_at: int | None, origin: Origin | None
) -> SpanData:
    """Return the span that `info_of` was given.

    Raises:
        ValueError: an id or a name is not one that a span can have.
    """
    return SpanData(
        trace_id=_id(info.trace_id, _TRACE_ID),
        span_id=_id(info.span_id, _SPAN_ID),
        parent_span_id=None if info.parent_span_id is None else _id(info.parent_span_id, _SPAN_ID),
        trace_state=info.trace_state,
        flags=info.flags,
        name=info.name,
        kind=_number(_KINDS, info.kind),
        start_ns=started_at,
        end_ns=completed_at,
        status_code=_number(_STATUS_CODES, info.status_code),
        status_message=info.status_message,
        attributes=attributes,
        events=tuple(
            EventData(event.name, event.time_ns, dict(event.attributes), event.dropped_attributes)
            for event in info.events
        ),
        links=tuple(
            LinkData(
                _id(link.trace_id, _TRACE_ID),
                _id(link.span_id, _SPAN_ID),
                link.trace_state,
                link.flags,
                dict(link.attributes),
                link.dropped_attributes,
            )
            for link in info.links
        ),
        dropped_attributes=info.dropped_attributes,
        dropped_events=info.dropped_events,
        dropped_links=info.dropped_links,
        resource=_resource_of(info.resource) if info.resource is not None or origin is None else origin.resource,
        scope=_scope_of(info.scope) if info.scope is not None or origin is None else origin.scope,
    )


def origin_of(info: SpanInfo) -> Origin:
    """Return what recorded the span, which says so itself."""
    return Origin(_resource_of(info.resource), _scope_of(info.scope))


def _resource_to_record(resource: ResourceData) -> SpanResource:
    return SpanResource(attributes=resource.attributes, schema_url=resource.schema_url)


def _resource_of(resource: SpanResource | None) -> ResourceData:
    resource = resource or SpanResource()
    return ResourceData.of(dict(resource.attributes), resource.schema_url)


def _scope_to_record(scope: ScopeData) -> SpanScope:
    return SpanScope(name=scope.name, version=scope.version, schema_url=scope.schema_url, attributes=scope.attributes)


def _scope_of(scope: SpanScope | None) -> ScopeData:
    scope = scope or SpanScope()
    return ScopeData(scope.name, scope.version, scope.schema_url, dict(scope.attributes))


def _id(text: str, form: re.Pattern[str]) -> int:
    if not form.fullmatch(text):
        raise ValueError(f"{text!r:.40} is no id of the form {form.pattern}")
    return int(text, 16)


def _number(names: tuple[str, ...], name: str) -> int:
    if name.isdecimal():
        return int(name)
    if name not in names:
        raise ValueError(unknown("name", name, names))
    return names.index(name)
