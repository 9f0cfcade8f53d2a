"""Span processors that lose nothing and leak nothing, for any OpenTelemetry program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred

if TYPE_CHECKING:
    from span_processors.backlog import QueueSettings
    from span_processors.data import CleanText, EventData, JsonValue, LinkData, ResourceData, ScopeData, SpanData
    from span_processors.forward import ForwardingSink
    from span_processors.ids import IdGenerator
    from span_processors.ledger import Health, SinkHealth
    from span_processors.processor import RedactingSpanProcessor
    from span_processors.redaction import RedactionSettings, Redactor
    from span_processors.sinks import RetryableError, SpanSink, Spill, Spilled

__all__ = [
    "CleanText",
    "EventData",
    "ForwardingSink",
    "Health",
    "IdGenerator",
    "JsonValue",
    "LinkData",
    "QueueSettings",
    "RedactingSpanProcessor",
    "RedactionSettings",
    "Redactor",
    "ResourceData",
    "RetryableError",
    "ScopeData",
    "SinkHealth",
    "SpanData",
    "SpanSink",
    "Spill",
    "Spilled",
]

# a program that only reads spans must not pay for the OpenTelemetry SDK
__getattr__, __dir__ = deferred(
    __name__,
    {
        ".backlog": ["QueueSettings"],
        ".data": ["CleanText", "EventData", "JsonValue", "LinkData", "ResourceData", "ScopeData", "SpanData"],
        ".forward": ["ForwardingSink"],
        ".ids": ["IdGenerator"],
        ".ledger": ["Health", "SinkHealth"],
        ".processor": ["RedactingSpanProcessor"],
        ".redaction": ["RedactionSettings", "Redactor"],
        ".sinks": ["RetryableError", "SpanSink", "Spill", "Spilled"],
    },
)
