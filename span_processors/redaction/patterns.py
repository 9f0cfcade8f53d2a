"""Regular expressions that are compiled when they are first used.

There are some three hundred, most texts meet a few, and to compile them all takes longer than to import the SDK.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Pattern:
    def __init__(self, source: str, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)  # from now on it is found without coming here
        return found


class _NeedyPattern(_Pattern):
    def __init__(self, source: str, flags: int, needs: tuple[str, ...]) -> None:
        super().__init__(source, flags)
        self._needs = needs

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        # a search for a literal is some fifty times as fast as one for a pattern that does not begin with one
        if any(need in text for need in self._needs):
            return re.compile(self.pattern, self._flags).finditer(text)
        return iter(())


def regex(source: str, flags: int = 0, *, needs: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return what behaves like `re.compile(source, flags)`, but for a mistake in `source`, which shows later.

    Args:
        source: the regular expression.
        flags: those of `re`.
        needs: one of these is in every match; a text that holds none of them is not searched.
    """
    return cast("re.Pattern[str]", _NeedyPattern(source, flags, needs) if needs else _Pattern(source, flags))
