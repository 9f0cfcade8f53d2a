"""From any Python value to the normal form that every backend can hold: JSON without surprises.

Normal form: str-keyed dicts, lists, str without NUL and lone surrogates, int of 64 bits (signed), finite float, bool
and None, nested at most `MAX_DEPTH` deep. No `__str__` or `__repr__` of the value is run, and nothing raises.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from span_processors.redaction.contents import contents
from span_processors.redaction.leaves import NO_LEAF, clean_text, leaf
from span_processors.redaction.marks import CYCLE, DEPTH, ERROR, SIZE
from span_processors.redaction.notes import Notes
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.data import JsonValue
    from span_processors.redaction.notes import Path

MAX_DEPTH: Final = 64
MAX_NODES: Final = 1_000_000
"""Values that share parts with themselves can unfold without end; what comes after this many is left out."""


def normalise(value: object) -> tuple[JsonValue, tuple[str, ...]]:
    """Bring any value to normal form.

    Returns:
        A new value that shares nothing mutable with the given one, and notes, in words, on what could not be kept.
    """
    notes = Notes()
    return Normaliser(notes).run(value), notes.texts()


class _Frame:
    """A container that is being copied: where its items come from, where they go, and where it is."""

    __slots__ = ("items", "key", "keyed", "owner", "parent", "target")

    def __init__(
        self, parent: _Frame | None, key: str | int, owner: object, items: Iterator[Any], target: Any, *, keyed: bool
    ) -> None:
        self.parent = parent
        self.key = key
        self.owner = owner  # kept, so that its id is not used again meanwhile
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
        frame: _Frame | None = _Frame(None, "", None, iter((value,)), root, keyed=False)
        open_ids: set[int] = set()
        depth = 0
        while frame is not None:
            try:
                entered = self._step(frame, open_ids, depth)
            except StopIteration:
                if type(frame.target) is _Sorted:
                    frame.target.sort(key=canonical)
                open_ids.discard(id(frame.owner))
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
        key: str | int = len(frame.target)
        try:
            if frame.keyed:
                key, item = self._free_key(frame, item[0]), item[1]
            found, entered = self._convert(frame, key, item, open_ids, depth)
        except Exception:
            if frame.keyed and isinstance(key, int):
                key = f"{ERROR}#{key}"  # the key itself failed; without it, nobody knows whether the value is sensitive
            found, entered = ERROR, None
            self._note(frame, key, "cannot be read, left out")
        target = found if entered is None else entered.target
        if frame.keyed:
            frame.target[key] = target
        else:
            frame.target.append(target)
        return entered

    def _convert(
        self, frame: _Frame, key: str | int, item: object, open_ids: set[int], depth: int
    ) -> tuple[JsonValue, _Frame | None]:
        kind = type(item)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            return self._replaced(frame, key, SIZE, f"left out: more than {MAX_NODES} values")
        if item is None or kind is bool:
            return item, None  # type: ignore[return-value]
        if issubclass(kind, Enum):
            item = object.__getattribute__(item, "_value_")
            kind = type(item)
        found, change = leaf(item, kind)
        if change is not None:
            self._note(frame, key, change)
        if found is not NO_LEAF:
            return found, None  # type: ignore[return-value]
        return self._enter(frame, key, item, open_ids, depth)

    def _enter(
        self, frame: _Frame, key: str | int, item: object, open_ids: set[int], depth: int
    ) -> tuple[JsonValue, _Frame | None]:
        kind = type(item)
        inside = contents(item, kind)
        if inside is None:
            name = clean_text(f"<{kind.__name__}>")
            return self._replaced(frame, key, name, "an object, stored as the name of its class")
        if id(item) in open_ids:
            return self._replaced(frame, key, CYCLE, "contains itself")
        if depth >= MAX_DEPTH:
            return self._replaced(frame, key, DEPTH, f"nested deeper than {MAX_DEPTH}, left out")
        open_ids.add(id(item))
        keyed, items = inside
        target: Any = {} if keyed else _Sorted() if issubclass(kind, (set, frozenset)) else []
        return None, _Frame(frame, key, item, items, target, keyed=keyed)

    def _replaced(self, frame: _Frame, key: str | int, text: str, what: str) -> tuple[JsonValue, None]:
        self._note(frame, key, what)
        return text, None

    def _free_key(self, frame: _Frame, key: object) -> str:
        text = _key_text(key)
        if text is not key:
            self._note(frame, text, "key stored as text")
        if text not in frame.target:
            return text
        number = 2
        while f"{text}#{number}" in frame.target:
            number += 1
        self._note(frame, f"{text}#{number}", "key renamed: it was there already")
        return f"{text}#{number}"

    def _give_up(self, frame: _Frame, open_ids: set[int]) -> _Frame | None:
        open_ids.discard(id(frame.owner))
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


def _key_text(key: Any) -> str:
    """Return the text that stands for a key of any type."""
    kind = type(key)
    if issubclass(kind, Enum):
        key = object.__getattribute__(key, "_value_")
        kind = type(key)
    if issubclass(kind, str):
        return clean_text(key if kind is str else str.__str__(key))
    normal = Normaliser(Notes()).run(key)
    return normal if isinstance(normal, str) else canonical(normal)
