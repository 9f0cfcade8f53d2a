"""What stands in place of a value that is not kept. A mark names its rule, never what it replaced."""

from __future__ import annotations

from typing import Final

from span_processors.redaction.patterns import regex

MARK_BEGINS: Final = "[REDACTED:"
MARK: Final = regex(r"\[REDACTED:([a-z-]{1,32})\]")
LONGEST_MARK: Final = 48


def mark(rule: str) -> str:
    """Return the text that replaces what `rule` found."""
    return f"[REDACTED:{rule}]"


CARD: Final = mark("card")
DEPTH: Final = mark("depth")
ERROR: Final = mark("error")
FIELD: Final = mark("field")
SIZE: Final = mark("size")
CYCLE: Final = "[cycle]"
