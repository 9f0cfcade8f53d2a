"""Values on their way into OTLP and back, whichever its encoding."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from otel_telemetry.errors import FormatError
from otel_telemetry.formats import json_text
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from span_processors.data import JsonValue

MAX_NESTING: Final = 16
"""Maps and lists nested deeper than this are written as JSON text: parsers of protobuf refuse a message nested 100
deep, and each level of values takes three."""

_MAX_NESTING_READ: Final = 64
_BOX: Final = "otel_telemetry.json"
"""The only key of a map that stands for the value whose JSON text it holds."""

_UINT64: Final = 0xFFFFFFFFFFFFFFFF


def shallow(attributes: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return attributes in which a box of its JSON text stands for each value that is too deep."""
    if not any(_needs_boxes(value, 0) for value in attributes.values()):
        return attributes
    return {key: _boxed(value, 0) for key, value in attributes.items()}


def _needs_boxes(value: JsonValue, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return _belongs_in_box(value, depth) or any(_needs_boxes(item, depth + 1) for item in inner)


def _boxed(value: JsonValue, depth: int) -> JsonValue:
    if not isinstance(value, dict | list):
        return value
    if _belongs_in_box(value, depth):
        return {_BOX: canonical(value)}
    if isinstance(value, dict):
        return {key: _boxed(item, depth + 1) for key, item in value.items()}
    return [_boxed(item, depth + 1) for item in value]


def _belongs_in_box(value: dict[str, JsonValue] | list[JsonValue], depth: int) -> bool:
    """Say whether a value is too deep, or would be taken for a box."""
    return depth >= MAX_NESTING or (isinstance(value, dict) and value.keys() == {_BOX})


def unboxed(value: dict[str, JsonValue]) -> JsonValue:
    """Undo a box. A map that only looks like a box stays what it is."""
    text = value.get(_BOX)
    if len(value) != 1 or not isinstance(text, str) or not json_text.is_canonical(text):
        return value
    return json_text.parse(text.encode())


def check_depth(depth: int) -> None:
    """Refuse a value that is nested too deep, before the reader runs out of stack."""
    if depth > _MAX_NESTING_READ:
        raise FormatError(f"an attribute's value is nested more than {_MAX_NESTING_READ} deep")


def bytes_as_text(value: bytes) -> str:
    """Return bytes as the text that stands for them in every backend."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()


def unsigned(time_ns: int) -> int:
    """Return a time as the unsigned 64 bits of OTLP; one before 1970 as its two's complement."""
    return time_ns & _UINT64


def signed(time_ns: int) -> int:
    """Undo `unsigned`."""
    return time_ns - (1 << 64) if time_ns >> 63 else time_ns


def internal_kind(otlp_kind: int) -> int:
    """Return the SDK's number of a span kind. OTLP counts from 1; its 0, unspecified, is to be taken as internal."""
    return max(otlp_kind - 1, 0)
