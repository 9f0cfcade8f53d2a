"""What is in a container, without asking the container's own code where a built-in or a declaration can tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from types import SimpleNamespace
from typing import Any, Final

MAX_ITEMS: Final = 1_000_000
"""A mapping of somebody's own can go on for ever."""


def contents(item: Any, kind: type) -> tuple[bool, Iterator[Any]] | None:
    """Return the parts of a container, and whether they have keys; None when its insides are not ours to know.

    The parts of built-in containers are taken at once, by the built-in's own method: no other thread changes the copy.
    """
    if issubclass(kind, dict):
        return True, iter(list(dict.items(item)))
    names = _field_names(kind)
    if names is not None:
        return True, ((name, _field(item, name)) for name in names)
    for builtin in (list, tuple, set, frozenset, deque):
        if issubclass(kind, builtin):
            return False, iter(list(builtin.__iter__(item)))
    if issubclass(kind, Mapping):
        return True, ((key, item[key]) for key in islice(iter(item), MAX_ITEMS))
    if kind is SimpleNamespace or "__pydantic_fields__" in dir(kind):
        own = object.__getattribute__(item, "__dict__")
        return True, iter(list(dict.items(own)))
    return None


def _field(item: object, name: str) -> object:
    try:
        return object.__getattribute__(item, name)
    except AttributeError:  # declared, and not set yet
        return None


def _field_names(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields of a dataclass, an attrs class or a named tuple."""
    declared = kind.__dict__.get("__dataclass_fields__") or getattr(kind, "__dataclass_fields__", None)
    if type(declared) is dict:
        return tuple(declared)
    attributes = getattr(kind, "__attrs_attrs__", None)
    if attributes is not None:
        return tuple(attribute.name for attribute in attributes)
    names = getattr(kind, "_fields", None)
    if issubclass(kind, tuple) and type(names) is tuple:
        return names
    return None
