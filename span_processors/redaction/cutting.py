"""What stands for a value that is too long to be kept whole."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from span_processors.data import JsonValue

_ENVELOPE: Final = 160
"""More than the bytes around the head of a text that is cut."""


def cut_json(text: str, size: int) -> JsonValue:
    """Return what stands for JSON text that is too long: its length, its digest, and a head, `size` bytes in all.

    Args:
        text: canonical JSON, which is ASCII.
        size: bytes of canonical JSON that the result may have.
    """
    # JSON in JSON: each quote and backslash becomes two characters
    return stub(text.encode("ascii"), text[: max(0, size - _ENVELOPE) // 2])


def stub(data: bytes, head: str) -> JsonValue:
    """Return what stands for `data`: that it was cut, how long it was, its digest, and what is kept of it."""
    return {"truncated": True, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "head": head}


def cut_words(kept: str, length: int) -> str:
    """Return the beginning of a text of this length, and how much is missing."""
    return f"{kept}... ({length - len(kept)} characters cut)"
