"""Regular expressions that are compiled when they are first used.

There are some three hundred, most texts meet a few, and to compile them all takes longer than to import the SDK.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    def __init__(self, source: str, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)  # from now on it is found without coming here
        return found


def regex(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return what behaves like `re.compile(source, flags)`, but for a mistake in `source`, which shows later."""
    return cast("re.Pattern[str]", _Pattern(source, flags))
