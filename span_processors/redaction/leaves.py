"""What becomes of a single value: a number, a text, bytes, a date."""

from __future__ import annotations

import base64
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue

BASE64: Final = "base64:"
"""Begins the text of bytes that are no text themselves."""
NO_LEAF: Final = object()

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_UNSTORABLE: Final = regex("[\\x00\ud800-\udfff]")
_NAMES: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_TEXTS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.__str__),
    (UUID, UUID.__str__),
    (Decimal, Decimal.__str__),
    (PurePath, PurePath.__str__),
)


def leaf(item: Any, kind: type) -> tuple[JsonValue | object, str | None]:
    """Return the normal form of a single value, and what was changed if anything; `NO_LEAF` for anything else."""
    if issubclass(kind, str):
        text = item if kind is str else str.__str__(item)
        kept = clean_text(text)
        return kept, None if kept is text else "NUL or lone surrogates replaced by U+FFFD"
    if issubclass(kind, int):
        return _integer(item if kind is int else int.__int__(item))
    if issubclass(kind, float):
        return _real(item if kind is float else float.__float__(item))
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return text_of(bytes(memoryview(item)))
    for known, to_text in _TEXTS:
        if issubclass(kind, known):
            return clean_text(to_text(item)), None
    return NO_LEAF, None


def clean_text(text: str) -> str:
    """Replace what not every backend can store (NUL, lone surrogates) by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return _UNSTORABLE.sub("\ufffd", text)


def text_of(data: bytes) -> tuple[str, str]:
    """Return `data` as text, and what that text is: UTF-8, or base64 where it is not text."""
    try:
        return clean_text(data.decode()), "bytes stored as text"
    except UnicodeDecodeError:
        return BASE64 + base64.b64encode(data).decode("ascii"), "bytes stored as base64"


def _integer(number: int) -> tuple[JsonValue, str | None]:
    if _INT_MIN <= number <= _INT_MAX:
        return number, None
    try:
        text = str(number)
    except ValueError:  # Python refuses to, for the time it would take
        text = hex(number)
    return text, "integer beyond 64 bits, stored as text"


def _real(number: float) -> tuple[JsonValue, str | None]:
    if number - number == 0.0:
        return number, None
    name = _NAMES[str(number)]
    return name, f"{name} stored as text"
