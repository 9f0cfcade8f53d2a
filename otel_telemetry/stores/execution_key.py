"""Execution ids as bytes that sort as the ids do: 16 where an id is a UUID, as those that are made here are.

An id takes part in the key of every row, and in the index on it. As text, a UUID takes 36 bytes in each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_UUID_BYTES: Final = 16
_HYPHENS: Final = frozenset({8, 13, 18, 23})
_DIGITS: Final = "0123456789abcdef"
_PLACES: Final = 36
_LEAST: Final = 1 << 120
"""UUIDs below this are texts like any other: a first byte of zero says that no UUID comes before the text."""


@lru_cache(4096)
def encode(execution_id: str) -> bytes:
    """Return the key: of two ids, the one that is less by code point has the lesser key, byte by byte.

    A UUID's key is the UUID, and that of any other id the greatest UUID that is less, then the text.
    """
    if (uuid := _uuid(execution_id)) is not None:
        return uuid
    after = _least_from(execution_id)
    before = (after - 1).to_bytes(_UUID_BYTES, "big") if after > _LEAST else b"\0"
    return before + execution_id.encode("utf-8", "surrogatepass")  # may be asked for, though nothing stored has any


@lru_cache(4096)
def decode(key: bytes) -> str:
    """Return the id whose key this is."""
    if key[:1] == b"\0":
        return key[1:].decode("utf-8", "replace")
    if len(key) == _UUID_BYTES:
        digits = key.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return key[_UUID_BYTES:].decode("utf-8", "replace")


def _uuid(text: str) -> bytes | None:
    if len(text) != _PLACES:
        return None
    try:
        key = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return key if len(key) == _UUID_BYTES and key[0] and decode(key) == text else None


def _least_from(text: str) -> int:
    """Return the least UUID, as a number, that is `text` or comes after it; 2**128 where none does."""
    number, left = 0, 128
    for place in range(_PLACES):
        character = text[place : place + 1]
        wanted = "-" if place in _HYPHENS else _DIGITS
        if not character or character not in wanted:
            # of the UUIDs that begin as the text does, those are less that have a lesser character here
            lesser = sum(other < character for other in wanted)
            return number + (lesser << (left if wanted == "-" else left - 4))
        if wanted != "-":
            left -= 4
            number |= _DIGITS.index(character) << left
    return number + (len(text) > _PLACES)
