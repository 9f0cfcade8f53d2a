"""Redaction of what is imported: a file from elsewhere has not been through the redactor of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from otel_telemetry.fields import FIELDS
from otel_telemetry.formats.json_text import is_canonical
from span_processors.bounds import bounded, most_bytes
from span_processors.data import CleanText, EventData, JsonValue, LinkData, ResourceData, ScopeData, SpanData
from span_processors.redaction import Redactor, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AS_MUCH: Final = 2
"""How many times what a recorded span may hold an imported one may: what was cut before is not to be cut again."""
_JSON_TEXT: Final = frozenset(field.key for field in FIELDS if field.type == "JSON")
_DIRECTIONS: Final = {field.key: field.direction for field in FIELDS if field.direction}


def redacted(spans: Iterable[SpanData], redactor: Redactor) -> Iterator[SpanData]:
    """Redact and normalise each span, wherever text or values stand in it. What was redacted already stays as it is."""
    resource: tuple[ResourceData, ResourceData] | None = None
    scope: tuple[ScopeData, ScopeData] | None = None
    for span in spans:
        # neighbours mostly share these
        if resource is None or span.resource is not resource[0]:
            resource = span.resource, _resource(span.resource, redactor)
        if scope is None or span.scope is not scope[0]:
            scope = span.scope, _scope(span.scope, redactor)
        clean = span._replace(
            trace_state=redactor.text(span.trace_state),
            name=redactor.text(span.name),
            status_message=None if span.status_message is None else redactor.text(span.status_message),
            attributes=_attributes(span.attributes, redactor),
            events=tuple(_event(event, redactor) for event in span.events),
            links=tuple(_link(link, redactor) for link in span.links),
            resource=resource[1],
            scope=scope[1],
        )
        yield bounded(clean, _AS_MUCH * most_bytes(redactor.max_size))


def _attributes(attributes: dict[str, JsonValue], redactor: Redactor) -> dict[str, JsonValue]:
    """Redact attributes. JSON text, where the recorder writes such, is redacted as JSON, and marked as it marks it."""
    return redactor.attributes(
        {
            key: _text(key, str(value), redactor) if isinstance(value, str) else value
            for key, value in attributes.items()
        }
    )


def _text(key: str, text: str, redactor: Redactor) -> str:
    """Return JSON as `CleanText`, made clean first, as nobody vouches for a file. Return other text as it is."""
    if key not in _JSON_TEXT or not is_canonical(text):
        return text
    value = orjson.loads(text)
    direction = _DIRECTIONS.get(key)
    if direction:
        return redactor.payload(value, direction=direction)[0]
    return CleanText(canonical(redactor.value(value)[0]))


def _event(event: EventData, redactor: Redactor) -> EventData:
    return event._replace(name=redactor.text(event.name), attributes=_attributes(event.attributes, redactor))


def _link(link: LinkData, redactor: Redactor) -> LinkData:
    return link._replace(trace_state=redactor.text(link.trace_state), attributes=_attributes(link.attributes, redactor))


def _resource(resource: ResourceData, redactor: Redactor) -> ResourceData:
    return ResourceData.of(redactor.attributes(resource.attributes), redactor.text(resource.schema_url))


def _scope(scope: ScopeData, redactor: Redactor) -> ScopeData:
    return ScopeData(
        redactor.text(scope.name),
        redactor.text(scope.version),
        redactor.text(scope.schema_url),
        redactor.attributes(scope.attributes),
    )
