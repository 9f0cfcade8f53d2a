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
_KEPT: Final = (65_536, 4_096, 256)
"""How much of each value is kept, the first of these with which the span fits."""


def bounded(span: SpanData, most: int) -> SpanData:
    """Return a span that holds `most` bytes or fewer, roughly.

    What is longest in it is cut; where that is not enough, its events and links are left out, and counted as dropped.
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
    return span._replace(
        events=(),
        links=(),
        dropped_events=span.dropped_events + len(span.events),
        dropped_links=span.dropped_links + len(span.links),
    )


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
