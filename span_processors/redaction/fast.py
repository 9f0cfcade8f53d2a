"""The short way for what payloads mostly are: built-in types, names that were seen before, and nothing that looks like a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.redaction.gate import may_hold_secret
from span_processors.redaction.marks import FIELD
from span_processors.redaction.names import MAX_NAME, Names, Verdict, hides, mark_of
from span_processors.redaction.normal import clean_text
from span_processors.redaction.notes import Notes, redacted
from span_processors.redaction.tree import SMALLEST_CARD

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue
    from span_processors.redaction.notes import Path

_MAX_LEVEL: Final = 12
_MAX_KEYS: Final = 8192


class NotFastError(Exception):
    """The value needs the long way."""


class FastKeys(dict[str, "Verdict | None"]):
    """The verdict on each key that holds no secret itself and can be stored as it is."""

    def __init__(self, names: Names, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._names = names
        self._redact = redact

    def __missing__(self, key: object) -> Verdict | None:
        """Judge a key that was not seen yet."""
        if type(key) is not str or len(key) > MAX_NAME or "\0" in key or self._redact(key) != key:
            raise NotFastError
        if len(self) >= _MAX_KEYS:
            self.clear()
        verdict = self[key] = self._names[key]
        return verdict


def redact_fast(value: object, keys: FastKeys, max_size: int) -> tuple[JsonValue, tuple[str, ...]]:
    """Return a redacted copy of `value`, and notes on what was redacted.

    Raises:
        NotFastError: this value needs the long way.
    """
    texts: list[str] = []
    hidden: list[tuple[Path, str]] = []
    if type(value) is str:
        texts.append(value)
        copy: JsonValue = value
    else:
        copy = _copy(value, keys, texts, hidden, None, _MAX_LEVEL)
    text = "\n".join(texts)
    if len(text) > max_size or clean_text(text) != text or may_hold_secret(text):
        raise NotFastError
    return copy, _notes(hidden) if hidden else ()


def _copy(  # noqa: C901, PLR0912  (a branch for each type, in the order of their frequency: the hottest code of all)
    value: object, keys: FastKeys, texts: list[str], hidden: list[tuple[Path, str]], path: Path, level: int
) -> JsonValue:
    if not level:
        raise NotFastError
    if type(value) is dict:
        fields: dict[str, JsonValue] = {}
        for key, item in value.items():
            kind = type(item)
            verdict = keys[key]
            if verdict is not None:
                fields[key] = _under(item, verdict, hidden, (path, key))
            elif kind is str:
                texts.append(item)
                fields[key] = item
            elif kind is int:
                if not -SMALLEST_CARD < item < SMALLEST_CARD:
                    raise NotFastError
                fields[key] = item
            elif item is None or kind is bool:
                fields[key] = item
            elif kind is float:
                if item - item != 0.0:
                    raise NotFastError
                fields[key] = item
            else:
                fields[key] = _copy(item, keys, texts, hidden, (path, key), level - 1)
        return fields
    if type(value) is not list and type(value) is not tuple:
        raise NotFastError
    items: list[JsonValue] = []
    for item in value:
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is int:
            if not -SMALLEST_CARD < item < SMALLEST_CARD:
                raise NotFastError
        elif kind is float:
            if item - item != 0.0:
                raise NotFastError
        elif item is not None and kind is not bool:
            item = _copy(item, keys, texts, hidden, (path, len(items)), level - 1)  # noqa: PLW2901
        items.append(item)
    return items


def _under(item: object, verdict: Verdict, hidden: list[tuple[Path, str]], path: Path) -> JsonValue:
    """Return what is left of a value under a sensitive name."""
    kind = type(item)
    if item is None or kind is bool or (kind is str and not item) or (kind is int and verdict is Verdict.COUNTED):
        return item  # type: ignore[return-value]
    if (kind is not str and kind is not int) or not hides(verdict, item):  # type: ignore[arg-type]
        raise NotFastError
    text = FIELD if verdict is Verdict.SECRET else mark_of(verdict)
    hidden.append((path, text))
    return text


def _notes(hidden: list[tuple[Path, str]]) -> tuple[str, ...]:
    notes = Notes()
    for path, text in hidden:
        notes.add(path, redacted(text))
    return notes.texts()
