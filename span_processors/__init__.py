"""Span processors that lose nothing and leak nothing, for any OpenTelemetry program."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

# Imported when asked for: a program that only reads spans must not pay for the OpenTelemetry SDK.
_HOMES = {
    **dict.fromkeys(("CleanText", "EventData", "JsonValue", "LinkData"), "span_processors.data"),
    **dict.fromkeys(("ResourceData", "ScopeData", "SpanData"), "span_processors.data"),
    **dict.fromkeys(("RetryableError", "SpanSink", "Spill", "Spilled"), "span_processors.sinks"),
    **dict.fromkeys(("Health", "SinkHealth"), "span_processors.ledger"),
    **dict.fromkeys(("RedactionSettings", "Redactor"), "span_processors.redaction"),
    "ForwardingSink": "span_processors.forward",
    "IdGenerator": "span_processors.ids",
    "QueueSettings": "span_processors.backlog",
    "RedactingSpanProcessor": "span_processors.processor",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
