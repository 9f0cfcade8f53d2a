"""What stands for JSON that is too long to be kept whole."""

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
    return {
        "truncated": True,
        "bytes": len(text),
        "sha256": hashlib.sha256(text.encode("ascii")).hexdigest(),
        # JSON in JSON: each quote and backslash becomes two characters
        "head": text[: max(0, size - _ENVELOPE) // 2],
    }
