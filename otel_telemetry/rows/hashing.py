"""Hashes by which equal things are found: calls, search terms, the state of a row."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import Final, cast

_SIGNED: Final = Struct(">q").unpack


def hash64(text: str) -> int:
    """Return a signed 64-bit hash of a text, the same in every process."""
    (number,) = _SIGNED(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    return cast("int", number)


def call_hash(tool_name: str, params: str) -> int:
    """Return the signed 64-bit hash of a call: of the tool and its redacted parameters. Equal calls repeat it."""
    (number,) = _SIGNED(blake2b(f"{tool_name}\0{params}".encode("utf-8", "replace"), digest_size=8).digest())
    return cast("int", number)
