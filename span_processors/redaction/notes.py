"""Remarks on what a payload lost on its way, in words, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TypeAlias

    Path: TypeAlias = "tuple[Path, str | int] | None"
    """The way to a value: that to its container, and its key or index there. None: the whole value."""

MAX_NOTES: Final = 16
_MAX_PATH: Final = 200


class Notes:
    """Collects remarks as (path, what happened); keeps the first `MAX_NOTES` and counts the others."""

    __slots__ = ("_more", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = 0

    def add(self, path: Path, what: str) -> None:
        """Say what happened to the value at `path`."""
        if len(self._texts) >= MAX_NOTES:
            self._more += 1
        elif path is None:
            self._texts.append(what)
        else:
            self._texts.append(f"{written(path)[:_MAX_PATH]}: {what}")

    def texts(self) -> tuple[str, ...]:
        """Return the remarks; the last one says how many were left out, if any."""
        return (*self._texts, f"and {self._more} more") if self._more else tuple(self._texts)


def written(path: Path) -> str:
    """Write the way to a value: `a.b[0]`."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(f"[{part}]" if isinstance(part, int) else f".{part}")
    return "".join(reversed(parts)).removeprefix(".")
