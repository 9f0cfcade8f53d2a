"""Roughly how much memory a span takes while it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from span_processors.data import CleanText
from span_processors.lean_span import LeanSpan

if TYPE_CHECKING:
    from span_processors.data import SpanData

_OF_A_SPAN: Final = 1000
_OF_AN_EVENT: Final = 500
_OF_A_VALUE: Final = 60


def size_of(span: SpanData | LeanSpan) -> int:
    """Return roughly the bytes that a span holds in memory; a lean one is clean."""
    size = _OF_A_SPAN
    if span.__class__ is LeanSpan:  # its other texts are short
        return size + sum([len(text) for text in span.clean.values() if isinstance(text, CleanText)])
    for value in span.attributes.values():
        kind = value.__class__
        if kind is CleanText or kind is str:
            size += len(value)  # type: ignore[arg-type]  # it is text
        elif kind is list or kind is dict:
            size += _inside(value)
    for event in span.events:
        size += _OF_AN_EVENT + _inside(event.attributes)
    for link in span.links:
        size += _OF_AN_EVENT + _inside(link.attributes)
    return size


def _inside(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_OF_A_VALUE + len(key) + _inside(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(_OF_A_VALUE + _inside(item) for item in value)
    return len(value) if isinstance(value, str) else 0
