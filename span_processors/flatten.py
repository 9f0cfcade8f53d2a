"""From the SDK's spans to plain data, redacted, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from span_processors.bounds import MAX_SPAN_BYTES, bounded, most_bytes
from span_processors.data import EventData, JsonValue, LinkData, ResourceData, ScopeData, SpanData
from span_processors.lean_span import LeanSpan
from span_processors.size import size_of

if TYPE_CHECKING:
    from span_processors.redaction import Redactor

_REMOTE: Final = 0x300
"""OTLP's way to say in `flags` that the parent (or the linked span) is in another process: known, and so."""

_INTERNAL: Final = SpanKind.INTERNAL
_UNSET: Final = StatusCode.UNSET
_KINDS: Final = tuple(SpanKind)
_STATUS_CODES: Final = tuple(StatusCode)
_CACHE_SIZE: Final = 128

# by the identity of what was flattened and of the redactor; both are kept, so that no id is used again
_resources: dict[tuple[int, int], tuple[ResourceData, object, object]] = {}
_scopes: dict[tuple[int, int], tuple[ScopeData, object, object]] = {}


def flatten(span: ReadableSpan | LeanSpan, redactor: Redactor) -> SpanData:
    """Turn a span, ended or still open, into redacted and normalised data.

    Attributes of type `CleanText`, and the clean ones of a `LeanSpan`, are passed through. A resource or scope is
    flattened once.

    Args:
        span: the SDK's span; it is not changed.
        redactor: what names, attributes, events, links, status, resource and scope go through.
    """
    end_ns = span.end_time  # first: of a span that ends in another thread meanwhile, the rest is then merely newer
    if span.__class__ is LeanSpan and span.is_clean:
        return _clean(span, end_ns, redactor)
    context = span.context
    parent = span.parent
    status = span.status
    state = context.trace_state
    kind = span.kind
    events = span.events
    links = span.links
    flat = SpanData(
        context.trace_id,
        context.span_id,
        None if parent is None else parent.span_id,
        redactor.text(state.to_header()) if state else "",
        context.trace_flags | (0 if parent is None or not parent.is_remote else _REMOTE),
        redactor.text(span.name),
        0 if kind is _INTERNAL else kind.value,
        span.start_time or 0,
        end_ns,
        0 if status.status_code is _UNSET else status.status_code.value,
        None if status.description is None else redactor.error_text(status.description),
        _of_lean(span, redactor) if span.__class__ is LeanSpan else _attributes(span.attributes, redactor),
        tuple([_event(event, redactor) for event in events]) if events else (),
        tuple([_link(link, redactor) for link in links]) if links else (),
        span.dropped_attributes,
        span.dropped_events,
        span.dropped_links,
        _resource(span.resource, redactor),
        _scope(span.instrumentation_scope, redactor),
    )
    return flat if size_of(flat) <= MAX_SPAN_BYTES else _bounded(flat, redactor)


def _clean(span: LeanSpan, end_ns: int | None, redactor: Redactor) -> SpanData:
    """Flatten a span of which nothing is to be redacted but its name: `flatten` for most spans there are."""
    state, remote_parent = span.trace_state, span.remote_parent
    flat = SpanData(
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        redactor.text(state.to_header()) if state else "",
        span.flags if remote_parent is None else span.flags | _REMOTE,
        redactor.text(span.name),
        0,
        span.start_time,
        end_ns,
        0 if span.status.status_code is _UNSET else span.status.status_code.value,
        None,
        _of_lean(span, redactor),
        (),
        (),
        span.dropped_attributes,
        span.dropped_events,
        span.dropped_links,
        _resource(span.resource, redactor),
        _scope(span.instrumentation_scope, redactor),
    )
    return flat if size_of(span) <= MAX_SPAN_BYTES else _bounded(flat, redactor)


def _bounded(span: SpanData, redactor: Redactor) -> SpanData:
    return bounded(span, most_bytes(redactor.max_size))


def to_readable(span: SpanData) -> ReadableSpan:
    """Turn data into a span that any of the SDK's exporters takes; the inverse of `flatten`."""
    context = _context(span.trace_id, span.span_id, span.flags & ~_REMOTE, span.trace_state)
    parent = None
    if span.parent_span_id is not None:
        parent = SpanContext(span.trace_id, span.parent_span_id, span.flags & _REMOTE == _REMOTE, context.trace_flags)
    return _RedactedSpan(
        span,
        name=span.name,
        context=context,
        parent=parent,
        resource=Resource(span.resource.attributes, span.resource.schema_url),
        attributes=span.attributes,
        events=[_RedactedEvent(event) for event in span.events],
        links=[_RedactedLink(link) for link in span.links],
        kind=_KINDS[span.kind],
        status=Status(_STATUS_CODES[span.status_code], span.status_message),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=InstrumentationScope(
            span.scope.name, span.scope.version, span.scope.schema_url, span.scope.attributes
        ),
    )


def _attributes(attributes: Mapping[str, Any] | None, redactor: Redactor) -> dict[str, JsonValue]:
    # a copy, in one step: the attributes of an open span may change under us
    return {} if attributes is None else redactor.attributes(attributes.copy())  # type: ignore[attr-defined]


def _of_lean(span: LeanSpan, redactor: Redactor) -> dict[str, JsonValue]:
    if span.given:
        return redactor.attributes(span.given.copy()) | span.clean
    return span.clean if span.end_time is not None else span.clean.copy()  # those of an ended span stay as they are


def _event(event: Event, redactor: Redactor) -> EventData:
    attributes = _attributes(event.attributes, redactor)
    if event.name == "exception":
        known = redactor.without_hidden(cast("JsonValue", attributes))
        attributes = known if isinstance(known, dict) else {}
    return EventData(
        redactor.text(event.name),
        event.timestamp,
        attributes,
        event.dropped_attributes,
    )


def _link(link: Link, redactor: Redactor) -> LinkData:
    context = link.context
    return LinkData(
        context.trace_id,
        context.span_id,
        redactor.text(context.trace_state.to_header()) if context.trace_state else "",
        context.trace_flags | (_REMOTE if context.is_remote else 0),
        _attributes(link.attributes, redactor),
        link.dropped_attributes,
    )


def _resource(resource: Resource, redactor: Redactor) -> ResourceData:
    key = (id(resource), id(redactor))
    known = _resources.get(key)
    if known is None:
        if len(_resources) >= _CACHE_SIZE:
            _resources.clear()
        data = ResourceData.of(redactor.attributes(dict(resource.attributes)), redactor.text(resource.schema_url))
        _resources[key] = known = (data, resource, redactor)
    return known[0]


def _scope(scope: InstrumentationScope | None, redactor: Redactor) -> ScopeData:
    if scope is None:
        return ScopeData("")
    key = (id(scope), id(redactor))
    known = _scopes.get(key)
    if known is None:
        if len(_scopes) >= _CACHE_SIZE:
            _scopes.clear()
        data = ScopeData(
            redactor.text(scope.name),
            redactor.text(scope.version or ""),
            redactor.text(scope.schema_url or ""),
            redactor.attributes(dict(scope.attributes or {})),
        )
        _scopes[key] = known = (data, scope, redactor)
    return known[0]


def _context(trace_id: int, span_id: int, flags: int, trace_state: str, *, is_remote: bool = False) -> SpanContext:
    state = TraceState.from_header([trace_state]) if trace_state else None
    return SpanContext(trace_id, span_id, is_remote, TraceFlags(flags), state)


# The SDK derives the counts of what was dropped from its own collections, which would also cast the values once more.


class _RedactedSpan(ReadableSpan):
    def __init__(self, data: SpanData, **fields: Any) -> None:
        super().__init__(**fields)
        self._data = data

    @property
    def dropped_attributes(self) -> int:
        return self._data.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self._data.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._data.dropped_links


class _RedactedEvent(Event):
    def __init__(self, data: EventData) -> None:
        super().__init__(data.name, data.attributes, data.time_ns)
        self._dropped = data.dropped_attributes

    @property
    def dropped_attributes(self) -> int:
        return self._dropped


class _RedactedLink(Link):
    def __init__(self, data: LinkData) -> None:
        is_remote = data.flags & _REMOTE == _REMOTE
        context = _context(data.trace_id, data.span_id, data.flags & ~_REMOTE, data.trace_state, is_remote=is_remote)
        super().__init__(context, data.attributes)
        self._dropped = data.dropped_attributes

    @property
    def dropped_attributes(self) -> int:
        return self._dropped
