"""Remarks on what a payload lost on its way, in words, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NOTES = 16
_MAX_PATH = 200


class Notes:
    """Collects remarks as (path, what happened); keeps the first `MAX_NOTES` and counts the others."""

    __slots__ = ("_more", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = 0

    def add(self, path: str, what: str) -> None:
        """Say what happened to the value at `path`."""
        if len(self._texts) < MAX_NOTES:
            self._texts.append(f"{path[:_MAX_PATH]}: {what}" if path else what)
        else:
            self._more += 1

    def texts(self) -> tuple[str, ...]:
        """Return the remarks; the last one says how many were left out, if any."""
        if self._more:
            return (*self._texts, f"and {self._more} more")
        return tuple(self._texts)

    @staticmethod
    def path(parts: Iterable[str | int]) -> str:
        """Write the way to a value: `a.b[0]`."""
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
