"""The most that one span may hold, whoever recorded it: what is more is cut, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.data import CleanText
from span_processors.redaction.cutting import cut_json, cut_words
from span_processors.redaction.serial import canonical
from span_processors.size import size_of

if TYPE_CHECKING:
    from span_processors.data import JsonValue, SpanData

MAX_SPAN_BYTES: Final = 4 * 1024 * 1024
_PAYLOADS: Final = 4
"""As many of the largest payloads as a span may hold in all."""
_KEPT: Final = (65_536, 4_096, 256)
"""How much of each value is kept, the first of these with which the span fits."""


def most_bytes(max_size: int) -> int:
    """Return how much a span may hold, where one payload may have so many bytes."""
    return max(MAX_SPAN_BYTES, _PAYLOADS * max_size)


def bounded(span: SpanData, most: int) -> SpanData:
    """Return a span that holds `most` bytes or fewer, roughly.

    What is longest in it is cut; where that is not enough, its events and links are left out, then the longest of its
    attributes, and counted as dropped.
    """
    if size_of(span) <= most:
        return span
    for kept in _KEPT:
        span = span._replace(
            attributes=_shorter(span.attributes, kept),
            events=tuple(event._replace(attributes=_shorter(event.attributes, kept)) for event in span.events),
            links=tuple(link._replace(attributes=_shorter(link.attributes, kept)) for link in span.links),
        )
        if size_of(span) <= most:
            return span
    span = span._replace(
        events=(),
        links=(),
        dropped_events=span.dropped_events + len(span.events),
        dropped_links=span.dropped_links + len(span.links),
    )
    return span if size_of(span) <= most else _without_longest(span, most)


def _without_longest(span: SpanData, most: int) -> SpanData:
    """Leave out the longest attributes: ids, kinds and states are short."""
    room = most - size_of(span._replace(attributes={}))
    kept: set[str] = set()
    for key, value in sorted(span.attributes.items(), key=lambda item: (_length(item[1]), item[0])):
        room -= _length(value)
        if room < 0:
            break
        kept.add(key)
    return span._replace(
        attributes={key: value for key, value in span.attributes.items() if key in kept},
        dropped_attributes=span.dropped_attributes + len(span.attributes) - len(kept),
    )


def _length(value: JsonValue) -> int:
    return len(value if isinstance(value, str) else canonical(value))


def _shorter(attributes: dict[str, JsonValue], kept: int) -> dict[str, JsonValue]:
    return {key: _cut(value, kept) for key, value in attributes.items()}


def _cut(value: JsonValue, kept: int) -> JsonValue:
    if isinstance(value, CleanText):
        return CleanText(canonical(cut_json(value, kept))) if len(value) > kept else value
    if isinstance(value, str):
        return cut_words(value[:kept], len(value)) if len(value) > kept else value
    if isinstance(value, (list, dict)):
        text = canonical(value)
        return cut_json(text, kept) if len(text) > kept else value
    return value
