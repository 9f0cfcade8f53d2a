"""Span processors that lose nothing and leak nothing, for any OpenTelemetry program."""

from span_processors.data import CleanText, EventData, JsonValue, LinkData, ResourceData, ScopeData, SpanData
from span_processors.sinks import RetryableError, SpanSink

__all__ = [
    "CleanText",
    "EventData",
    "JsonValue",
    "LinkData",
    "ResourceData",
    "RetryableError",
    "ScopeData",
    "SpanData",
    "SpanSink",
]
