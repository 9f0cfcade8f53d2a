"""Changing a context variable, also from a finalizer that the garbage collector runs in the middle of a change.

Before Python 3.12 the collector may run inside `ContextVar.set`, whoever calls it. A finalizer that changes a variable
then frees what the change under way still reads, and the process crashes. So what is replaced during a collection is
kept until something is changed outside of one.
"""

from __future__ import annotations

import gc
import sys
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context, ContextVar, Token

T = TypeVar("T")


def setter_and_resetter(variable: ContextVar[T]) -> tuple[Callable[[T], Token[T]], Callable[[Token[T]], None]]:
    """Return what sets `variable`, and what undoes that."""
    if sys.version_info >= (3, 12):
        return variable.set, variable.reset

    kept: dict[tuple[int, int], Context] = {}
    collection = 0
    collecting = False

    def watch(phase: str, _: object) -> None:
        nonlocal collection, collecting
        collecting = phase == "start"
        collection += 1

    def keep() -> None:
        if collecting:  # a copy of a context is a reference; making it starts no other collection
            kept.setdefault((collection, get_ident()), copy_context())
        else:
            kept.clear()

    def set_(value: T) -> Token[T]:
        if collecting or kept:
            keep()
        return variable.set(value)

    def reset(token: Token[T]) -> None:
        if collecting or kept:
            keep()
        variable.reset(token)

    gc.callbacks.append(watch)
    return set_, reset
