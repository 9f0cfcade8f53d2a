"""Conversions from what a user gives to what a `Filter` holds. Each refuses, in words, what it cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from otel_telemetry.errors import InvalidFilterError, unknown
from otel_telemetry.rows import stored_id
from span_processors.redaction import normalise

if TYPE_CHECKING:
    from otel_telemetry.records import JsonValue

MAX_VALUES: Final = 1_000
"""How many values one filter takes: all of them together stay well below what a database binds to one statement."""
MAX_METADATA: Final = 100
"""How many metadata keys one filter asks for."""
MAX_TEXT: Final = 1_000
"""How many characters the searched text has at most."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 604_800 * 10**9,
}
_AMOUNT: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?\s*(ms|[smhdw])", re.ASCII | re.IGNORECASE)
_TRACE_ID: Final = re.compile("[0-9a-f]{32}")
_LONGEST: Final = 2**63 - 1

EnumT = TypeVar("EnumT", bound=Enum)


def texts(name: str, given: object) -> tuple[str, ...]:
    """Return one text or several, without repetitions, in the form in which they are stored."""
    return tuple(sorted({_stored(_text(name, value)) for value in _each(name, given)}))


def ids(name: str, given: object) -> tuple[str, ...]:
    """Return one id of an execution or several, without repetitions, as they are stored."""
    return tuple(sorted({stored_id(_text(name, value)) for value in _each(name, given)}))


def members(name: str, given: object, choices: type[EnumT]) -> tuple[EnumT, ...]:
    """Return members of an enum, given as such or by name or value, in any case; in the order of their definition."""
    by_text = {text.casefold(): member for member in choices for text in (member.name, str(member.value))}
    chosen = set()
    for value in _each(name, given):
        text = str(value.value) if isinstance(value, Enum) else value
        if not isinstance(text, str) or text.casefold() not in by_text:
            raise InvalidFilterError(unknown(name, text, (str(member.value) for member in choices)))
        chosen.add(by_text[text.casefold()])
    return tuple(member for member in choices if member in chosen)


def moment(name: str, given: object, now_ns: int) -> int:
    """Return nanoseconds since the epoch, UTC."""
    if isinstance(given, int) and not isinstance(given, bool):
        return _in_range(name, given, given)
    if isinstance(given, datetime):
        return _since_epoch(name, given)
    if isinstance(given, str):
        if amount := _amount(given):
            return _in_range(name, now_ns - amount, given)
        try:
            return _since_epoch(name, datetime.fromisoformat(given.strip()))
        except ValueError:
            pass
    raise InvalidFilterError(
        f"{name} cannot be {given!r}: give a datetime, an ISO 8601 text such as '2026-01-31T12:00:00Z', "
        "integer nanoseconds since the epoch, or a span back from now such as '90m', '12h' or '7d'"
    )


def duration(name: str, given: object) -> int:
    """Return nanoseconds, given as a number of milliseconds or as a text with its unit."""
    if isinstance(given, str) and (amount := _amount(given)):
        return _in_range(name, amount, given)
    if isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < _LONGEST:  # so no NaN either
        return _in_range(name, round(given * 10**6), given)
    raise InvalidFilterError(
        f"{name} cannot be {given!r}: give milliseconds, or a text such as '250ms', '1.5s' or '2h'"
    )


def flag(name: str, given: object) -> bool:
    """Return a truth value, which nothing else is taken for."""
    if isinstance(given, bool):
        return given
    raise InvalidFilterError(f"{name} is True or False, not {given!r}")


def trace_ids(name: str, given: object) -> tuple[str, ...]:
    """Return the ids of traces, in lower case."""
    found = set()
    for value in _each(name, given):
        text = _text(name, value).lower()
        if not _TRACE_ID.fullmatch(text):
            raise InvalidFilterError(f"{name} takes 32 hexadecimal digits, not {value!r}")
        found.add(text)
    return tuple(sorted(found))


def choices(name: str, given: object, valid: tuple[str, ...]) -> tuple[str, ...]:
    """Return some of the valid texts, in their order."""
    chosen = set()
    for value in _each(name, given):
        if value not in valid:
            raise InvalidFilterError(unknown(name, str(value), valid))
        chosen.add(value)
    return tuple(text for text in valid if text in chosen)


def metadata(name: str, given: object) -> dict[str, JsonValue]:
    """Return keys and JSON values as they are stored, in the order of the keys."""
    if not isinstance(given, Mapping):
        raise InvalidFilterError(f"{name} takes a mapping from keys to values, such as {{'order': 17}}, not {given!r}")
    if len(given) > MAX_METADATA:
        raise InvalidFilterError(f"{name} asks for {len(given)} keys; {MAX_METADATA} are the most")
    pairs = {_stored(_text(f"a key of {name}", key)): normalise(value)[0] for key, value in given.items()}
    return dict(sorted(pairs.items()))


def searched(name: str, given: object) -> str:
    """Return the text to search for, in the form in which it is stored."""
    text = _text(name, given)
    if not 0 < len(text) <= MAX_TEXT:
        raise InvalidFilterError(f"{name} takes 1 to {MAX_TEXT:,} characters, not {len(text):,}")
    return _stored(text)


def _each(name: str, given: object) -> tuple[object, ...]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return (given,)
    values = tuple(given)
    if not 0 < len(values) <= MAX_VALUES:
        advice = "leave it out to ask for any" if not values else f"{MAX_VALUES:,} are the most: ask in several queries"
        raise InvalidFilterError(f"{name} was given {len(values):,} values; {advice}")
    return values


def _text(name: str, given: object) -> str:
    if isinstance(given, str):
        return given
    raise InvalidFilterError(f"{name} takes text, not {type(given).__name__}: {given!r}")


def _stored(text: str) -> str:
    return str(normalise(text)[0])


def _amount(text: str) -> int | None:
    """Return the nanoseconds of an amount of time such as ``1.5h``, exactly."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    whole, fraction, unit = match.groups(default="")
    return int(whole + fraction) * _UNITS[unit.lower()] // int(10 ** len(fraction))


def _since_epoch(name: str, given: datetime) -> int:
    aware = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
    return _in_range(name, (aware - _EPOCH) // timedelta(microseconds=1) * 1_000, given)


def _in_range(name: str, nanoseconds: int, given: object) -> int:
    if abs(nanoseconds) > _LONGEST:
        raise InvalidFilterError(
            f"{name} cannot be {given!r}: times are stored for the years 1678 to 2261; leave it out"
        )
    return nanoseconds
