"""From any Python value to the normal form that every backend can hold: JSON without surprises.

Normal form: str-keyed dicts, lists, str without NUL and lone surrogates, int of 64 bits (signed), finite float, bool and
None, nested at most `MAX_DEPTH` deep. Getting there runs no `__str__` and no `__repr__` of the value, and never raises.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from span_processors.redaction.marks import CYCLE, DEPTH, ERROR, SIZE
from span_processors.redaction.notes import Notes
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue
    from span_processors.redaction.notes import Path

MAX_DEPTH = 64
MAX_NODES = 1_000_000
"""Values that share parts with themselves can unfold without end; what comes after this many is left out."""

BASE64: Final = "base64:"
"""Begins the text of bytes that are no text themselves."""
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_UNSTORABLE = re.compile("[\\x00\ud800-\udfff]")
_TEXTS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.__str__),
    (UUID, UUID.__str__),
    (Decimal, Decimal.__str__),
    (PurePath, PurePath.__str__),
)


def normalise(value: object) -> tuple[JsonValue, tuple[str, ...]]:
    """Bring any value to normal form.

    Returns:
        A new value that shares nothing mutable with the given one, and notes, in words, on what could not be kept.
    """
    notes = Notes()
    return Normaliser(notes).run(value), notes.texts()


def clean_text(text: str) -> str:
    """Replace what not every backend can store (NUL, lone surrogates) by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return _UNSTORABLE.sub("\ufffd", text)


class _Frame:
    """A container that is being copied: where its items come from, where they go, and where it is."""

    __slots__ = ("identity", "items", "key", "keyed", "parent", "target")

    def __init__(
        self, parent: _Frame | None, key: str | int, identity: int, items: Iterator[Any], target: Any, *, keyed: bool
    ) -> None:
        self.parent = parent
        self.key = key
        self.identity = identity
        self.items = items
        self.target = target
        self.keyed = keyed

    def path(self, key: str | int) -> Path:
        if self.parent is None:
            return None
        way: list[str | int] = [key]
        frame = self
        while frame.parent is not None and frame.parent.parent is not None:
            way.append(frame.key)
            frame = frame.parent
        path: Path = None
        for part in reversed(way):
            path = (path, part)
        return path


class _Sorted(list[Any]):
    """Items of a set, to be put in order once they are in normal form."""


class Normaliser:
    """One walk over one value. Iterative: the depth of the value costs no Python stack."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._nodes = 0

    def run(self, value: object) -> JsonValue:
        """Return the normal form of `value`."""
        root: list[JsonValue] = []
        frame: _Frame | None = _Frame(None, "", 0, iter((value,)), root, keyed=False)
        open_ids: set[int] = set()
        depth = 0
        while frame is not None:
            try:
                entered = self._step(frame, open_ids, depth)
            except StopIteration:
                if type(frame.target) is _Sorted:
                    frame.target.sort(key=canonical)
                open_ids.discard(frame.identity)
                frame = frame.parent
                depth -= 1
            except Exception:
                # The container cannot be walked to its end. What was copied of it may be half an answer.
                frame = self._give_up(frame, open_ids)
                depth -= 1
            else:
                if entered is not None:
                    frame = entered
                    depth += 1
        return root[0] if root else ERROR

    def _step(self, frame: _Frame, open_ids: set[int], depth: int) -> _Frame | None:
        """Copy the next item of `frame`; return a new frame when it is a container to be entered."""
        item = next(frame.items)
        key: str | int
        if frame.keyed:
            key, item = self._free_key(frame, item[0]), item[1]
        else:
            key = len(frame.target)
        try:
            leaf, entered = self._convert(frame, key, item, open_ids, depth)
        except Exception:
            leaf, entered = ERROR, None
            self._note(frame, key, "cannot be read, left out")
        target = leaf if entered is None else entered.target
        if frame.keyed:
            frame.target[key] = target
        else:
            frame.target.append(target)
        return entered

    def _convert(
        self, frame: _Frame, key: str | int, item: object, open_ids: set[int], depth: int
    ) -> tuple[JsonValue, _Frame | None]:
        kind = type(item)
        if item is None or kind is bool:
            return item, None  # type: ignore[return-value]
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._note(frame, key, f"left out: more than {MAX_NODES} values")
            return SIZE, None
        if issubclass(kind, Enum):
            item = object.__getattribute__(item, "_value_")
            kind = type(item)
        leaf = self._leaf(frame, key, item, kind)
        if leaf is not _NO_LEAF:
            return leaf, None  # type: ignore[return-value]
        contents = _contents(item, kind)
        if contents is None:
            self._note(frame, key, "an object, stored as the name of its class")
            return clean_text(f"<{kind.__name__}>"), None
        if id(item) in open_ids:
            self._note(frame, key, "contains itself")
            return CYCLE, None
        if depth >= MAX_DEPTH:
            self._note(frame, key, f"nested deeper than {MAX_DEPTH}, left out")
            return DEPTH, None
        open_ids.add(id(item))
        keyed, items = contents
        target: Any = {} if keyed else _Sorted() if issubclass(kind, (set, frozenset)) else []
        return None, _Frame(frame, key, id(item), items, target, keyed=keyed)

    def _leaf(self, frame: _Frame, key: str | int, item: Any, kind: type) -> object:
        if issubclass(kind, str):
            text = item if kind is str else str.__str__(item)
            kept = clean_text(text)
            if kept is not text:
                self._note(frame, key, "NUL or lone surrogates replaced by U+FFFD")
            return kept
        if issubclass(kind, int):
            number = item if kind is int else int.__int__(item)
            if _INT_MIN <= number <= _INT_MAX:
                return number
            self._note(frame, key, "integer beyond 64 bits, stored as text")
            return decimal_text(number)
        if issubclass(kind, float):
            real = item if kind is float else float.__float__(item)
            if real - real == 0.0:
                return real
            self._note(frame, key, f"{_NAMES[str(real)]} stored as text")
            return _NAMES[str(real)]
        if issubclass(kind, (bytes, bytearray, memoryview)):
            text, how = text_of(bytes(memoryview(item)))
            self._note(frame, key, f"bytes stored as {how}")
            return text
        for known, to_text in _TEXTS:
            if issubclass(kind, known):
                return clean_text(to_text(item))
        return _NO_LEAF

    def _free_key(self, frame: _Frame, key: object) -> str:
        text = self.key_text(key)
        if text is not key:
            self._note(frame, text, "key stored as text")
        if text not in frame.target:
            return text
        number = 2
        while f"{text}#{number}" in frame.target:
            number += 1
        self._note(frame, f"{text}#{number}", "key renamed: it was there already")
        return f"{text}#{number}"

    def key_text(self, key: Any) -> str:
        """Return the text that stands for a key of any type."""
        kind = type(key)
        try:
            if issubclass(kind, Enum):
                key = object.__getattribute__(key, "_value_")
                kind = type(key)
            if issubclass(kind, str):
                return clean_text(key if kind is str else str.__str__(key))
            leaf = Normaliser(Notes()).run(key)
            return leaf if isinstance(leaf, str) else canonical(leaf)
        except Exception:
            return ERROR

    def _give_up(self, frame: _Frame, open_ids: set[int]) -> _Frame | None:
        open_ids.discard(frame.identity)
        parent = frame.parent
        if parent is None:
            return None
        if parent.keyed:
            parent.target[frame.key] = ERROR
        else:
            parent.target[-1] = ERROR
        self._note(parent, frame.key, "cannot be read, left out")
        return parent

    def _note(self, frame: _Frame, key: str | int, what: str) -> None:
        self._notes.add(frame.path(key), what)


_NO_LEAF = object()
_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def text_of(data: bytes) -> tuple[str, str]:
    """Return `data` as text, and what that text is: UTF-8, or base64 where it is not text."""
    try:
        return clean_text(data.decode()), "text"
    except UnicodeDecodeError:
        return BASE64 + base64.b64encode(data).decode("ascii"), "base64"


def decimal_text(number: int) -> str:
    """Write an integer of any size in decimal; in hexadecimal where Python refuses to, for the time it would take."""
    try:
        return str(number)
    except ValueError:
        return hex(number)


def _contents(item: Any, kind: type) -> tuple[bool, Iterator[Any]] | None:
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
        return True, ((key, item[key]) for key in islice(iter(item), MAX_NODES))
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
