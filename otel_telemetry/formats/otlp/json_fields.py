"""Typed access to the fields of OTLP/JSON. An absent field and null are the default, as in all of protobuf's JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from otel_telemetry.errors import FormatError

if TYPE_CHECKING:
    from otel_telemetry.records import JsonValue

JsonObject: TypeAlias = dict[str, Any]
T = TypeVar("T")

_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F]+")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}")
_NOT_FINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_NAMES: Final = {dict: "an object", list: "an array", str: "text", bool: "true or false"}


def checked(value: object, expected: type[T], what: str) -> T:
    """Return `value`, which must be of the type expected."""
    if isinstance(value, expected):
        return value
    raise FormatError(f"{what} must be {_NAMES[expected]}")


def an_object(owner: JsonObject, key: str) -> JsonObject:
    """Return the object under `key`, or an empty one."""
    value = owner.get(key)
    return {} if value is None else checked(value, dict, key)


def objects(owner: JsonObject, key: str) -> list[JsonObject]:
    """Return the objects in the array under `key`, or none."""
    value = owner.get(key)
    return [] if value is None else [checked(item, dict, f"each of {key}") for item in checked(value, list, key)]


def text(owner: JsonObject, key: str) -> str:
    """Return the text under `key`, or an empty one."""
    value = owner.get(key)
    return "" if value is None else checked(value, str, key)


def identifier(owner: JsonObject, key: str, digits: int) -> int:
    """Return the id under `key`: so many hexadecimal digits, not all zero."""
    number = optional_identifier(owner, key, digits)
    if number is None:
        raise FormatError(f"{key} must be {digits} hexadecimal digits, not all zero")
    return number


def optional_identifier(owner: JsonObject, key: str, digits: int) -> int | None:
    """Return the id under `key`; None where it is absent, empty or zero."""
    written = text(owner, key)
    if not written:
        return None
    if len(written) != digits or not _HEXADECIMAL.fullmatch(written):
        raise FormatError(f"{key} must be {digits} hexadecimal digits")
    return int(written, 16) or None


def integer(owner: JsonObject, key: str, low: int, high: int) -> int:
    """Return the integer under `key`, which may be a number or, as 64-bit ones are, text; or 0."""
    value = owner.get(key)
    if value is None:
        return 0
    if (isinstance(value, str) and _DECIMAL.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FormatError(f"{key} must be an integer from {low} to {high}")
    return value


def uint32(owner: JsonObject, key: str) -> int:
    """Return the unsigned 32-bit integer under `key`, or 0."""
    return integer(owner, key, 0, (1 << 32) - 1)


def uint64(owner: JsonObject, key: str) -> int:
    """Return the unsigned 64-bit integer under `key`, or 0."""
    return integer(owner, key, 0, (1 << 64) - 1)


def int64(owner: JsonObject, key: str) -> int:
    """Return the signed 64-bit integer under `key`, or 0."""
    return integer(owner, key, -(1 << 63), (1 << 63) - 1)


def double(owner: JsonObject, key: str) -> JsonValue:
    """Return the number under `key`. NaN and infinities stay the text that they are in JSON: no backend holds them."""
    value = owner[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _NOT_FINITE:
        return value
    raise FormatError(f"{key} must be a number")


def enum(owner: JsonObject, key: str, prefix: str, names: tuple[str, ...]) -> int:
    """Return the number of the enum's value under `key`, which some producers give by name; or 0."""
    value = owner.get(key)
    if isinstance(value, str) and value.removeprefix(prefix) in names:
        return names.index(value.removeprefix(prefix))
    return integer(owner, key, 0, len(names) - 1)
