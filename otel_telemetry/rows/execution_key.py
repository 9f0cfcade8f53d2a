"""Execution ids as bytes: 16 where an id is a UUID of version 7, as those that are made here are.

An id takes part in the key of every row, and as text a UUID takes 36 bytes in each. Such UUIDs begin with their time,
so a day is a range of keys. Any other id is its text after a byte that no such UUID begins with until the year 10 000.
Executions that started at the same moment are listed in the order of these keys.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

NAMED: Final = b"\xff"
"""Where the keys of ids begin that are no UUIDs of version 7."""
_UUID_BYTES: Final = 16
_UUID7: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_FORM: Final = "xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx"
_SURROGATES: Final = range(0xD800, 0xE000)
"""Code points that stand in no text that is stored."""


@lru_cache(8192)
def encode(execution_id: str) -> bytes:
    """Return the key of an id."""
    if len(execution_id) == len(_FORM) and _UUID7.fullmatch(execution_id) and execution_id[:2] != "ff":
        return bytes.fromhex(execution_id.replace("-", ""))
    return NAMED + execution_id.encode("utf-8", "surrogatepass")  # may be asked for, though nothing stored has any


@lru_cache(8192)
def decode(key: bytes) -> str:
    """Return the id whose key this is."""
    if key[:1] == NAMED:
        return key[1:].decode("utf-8", "replace")
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def ranges(prefix: str) -> list[tuple[bytes, bytes | None]]:
    """Return the ranges of keys, from the first up to but without the second, of all ids that begin with `prefix`."""
    found: list[tuple[bytes, bytes | None]] = []
    if len(prefix) <= len(_FORM) and all(map(_fits, prefix, _FORM)) and prefix[:2] != "ff":
        digits = prefix.replace("-", "")
        least = int(digits.ljust(2 * _UUID_BYTES, "0"), 16)
        most = least + (1 << 4 * (2 * _UUID_BYTES - len(digits)))
        end = (most).to_bytes(_UUID_BYTES + 1, "big")[1:] if most < 0xFF << 120 else NAMED
        found.append((least.to_bytes(_UUID_BYTES, "big"), end))
    following = _following(prefix)
    found.append((encode_text(prefix), None if following is None else encode_text(following)))
    return found


def encode_text(text: str) -> bytes:
    """Return the key that an id which is no UUID of version 7 has."""
    return NAMED + text.encode("utf-8", "surrogatepass")


def day_of(key: bytes) -> int | None:
    """Return the day in which an id was made, days since the epoch, UTC; None where the id does not say."""
    if key[:1] == NAMED:
        return None
    return int.from_bytes(key[:6], "big") // 86_400_000


def first_of_day(day: int) -> bytes:
    """Return the least key of a day, given in days since the epoch, UTC."""
    return (day * 86_400_000).to_bytes(6, "big")


def _fits(given: str, form: str) -> bool:
    return given in "0123456789abcdef" if form == "x" else given == form


def _following(prefix: str) -> str | None:
    """Return the first text, by code point, after all that begin with `prefix`."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)
