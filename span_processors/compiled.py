"""What a module says to mypyc, for a build in which it is compiled. As plain Python it means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from mypy_extensions import mypyc_attr
except ModuleNotFoundError:

    def mypyc_attr(*_: str, **__: object) -> Callable[[Any], Any]:  # type: ignore[misc]
        """Decorate a class."""
        return lambda decorated: decorated


__all__ = ["mypyc_attr"]
