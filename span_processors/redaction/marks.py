"""What stands in place of a value that is not kept. A mark names its rule, never what it replaced."""

from __future__ import annotations

from typing import Final


def mark(rule: str) -> str:
    """Return the text that replaces what `rule` found."""
    return f"[REDACTED:{rule}]"


DEPTH: Final = mark("depth")
ERROR: Final = mark("error")
SIZE: Final = mark("size")
FIELD: Final = mark("field")
CYCLE: Final = "[cycle]"
