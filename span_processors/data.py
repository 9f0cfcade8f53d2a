"""Spans as plain data: redacted, normalised, free of the SDK's objects, ready for any sink.

A `SpanData` is what a span is turned into in the thread that ends it. All values are JSON-like, so every
backend stores the same thing; ids are integers, times are nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, TypeAlias

import orjson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class CleanText(str):
    """Canonical JSON text that has been through the redactor already.

    The recorder marks payload attributes with it, so that they are not searched for secrets a second time and are
    stored as JSON, not as a string that holds JSON. Only `Redactor.payload` makes one.
    """

    __slots__ = ()


class CleanAttributes(dict[str, Any]):
    """Attributes that have been through the redactor already, or hold nothing that comes from the host.

    The recorder's own are marked with it: a `LeanSpan` keeps them apart, and they are not searched a second time.
    """

    __slots__ = ()


class ResourceData(NamedTuple):
    """The entity that produced a span. `key` is a 64-bit signed hash of the rest, the same in every process."""

    key: int
    attributes: dict[str, JsonValue]
    schema_url: str = ""

    @classmethod
    def of(cls, attributes: dict[str, JsonValue], schema_url: str = "") -> ResourceData:
        """Make the resource that has these attributes, which are normalised and redacted already."""
        text = orjson.dumps((attributes, schema_url), option=orjson.OPT_SORT_KEYS)
        key = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)
        return cls(key, attributes, schema_url)


class ScopeData(NamedTuple):
    """The instrumentation scope of a span."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: dict[str, JsonValue] = {}  # noqa: RUF012  (never mutated: a default of a tuple)


class EventData(NamedTuple):
    """Something that happened at one moment of a span."""

    name: str
    time_ns: int
    attributes: dict[str, JsonValue]
    dropped_attributes: int = 0


class LinkData(NamedTuple):
    """A pointer to another span."""

    trace_id: int
    span_id: int
    trace_state: str
    flags: int
    attributes: dict[str, JsonValue]
    dropped_attributes: int = 0


class SpanData(NamedTuple):
    """One span, started or ended (`end_ns` is None while it runs)."""

    trace_id: int
    span_id: int
    parent_span_id: int | None
    trace_state: str
    flags: int
    name: str
    kind: int
    """Index of `opentelemetry.trace.SpanKind`: 0 internal, 1 server, 2 client, 3 producer, 4 consumer."""
    start_ns: int
    end_ns: int | None
    status_code: int
    """0 unset, 1 ok, 2 error."""
    status_message: str | None
    attributes: dict[str, JsonValue]
    events: tuple[EventData, ...]
    links: tuple[LinkData, ...]
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    resource: ResourceData
    scope: ScopeData
