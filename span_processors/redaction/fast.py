"""The short way for what payloads mostly are: built-in types, names that were seen before, and nothing that looks like a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.redaction.gate import may_hold_secret
from span_processors.redaction.marks import FIELD, mark
from span_processors.redaction.names import MAX_NAME, Names, Verdict, hides
from span_processors.redaction.normal import clean_text
from span_processors.redaction.notes import Notes
from span_processors.redaction.tree import SMALLEST_CARD

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from span_processors.data import JsonValue

    Path: TypeAlias = "tuple[Path, str | int] | None"

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


def redact_fast(value: object, keys: FastKeys, notes: Notes, max_size: int) -> JsonValue:
    """Return a redacted copy of `value`.

    Raises:
        NotFastError: this value needs the long way.
    """
    texts: list[str] = []
    if type(value) is str:
        texts.append(value)
        copy: JsonValue = value
    else:
        copy = _copy(value, keys, texts, notes, None, _MAX_LEVEL)
    text = "\n".join(texts)
    if len(text) > max_size or clean_text(text) != text or may_hold_secret(text):
        raise NotFastError
    return copy


def _copy(  # noqa: C901, PLR0912  (a loop for each kind of container, spelt out: this is the hottest code of all)
    value: object, keys: FastKeys, texts: list[str], notes: Notes, path: Path, level: int
) -> JsonValue:
    if not level:
        raise NotFastError
    if type(value) is dict:
        fields: dict[str, JsonValue] = {}
        for key, item in value.items():
            verdict = keys[key]
            kind = type(item)
            if verdict is not None:
                fields[key] = _under(item, kind, verdict, notes, (path, key))
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
                fields[key] = _copy(item, keys, texts, notes, (path, key), level - 1)
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
            item = _copy(item, keys, texts, notes, (path, len(items)), level - 1)  # noqa: PLW2901
        items.append(item)
    return items


def _under(item: object, kind: type, verdict: Verdict, notes: Notes, path: Path) -> JsonValue:
    """Return what is left of a value under a sensitive name."""
    if item is None or kind is bool:
        return item  # type: ignore[return-value]
    if kind is not str and kind is not int:
        raise NotFastError
    if not hides(verdict, item):  # type: ignore[arg-type]
        if kind is int or not item:
            return item  # type: ignore[return-value]
        raise NotFastError
    where: list[str | int] = []
    while path is not None:
        path, part = path
        where.append(part)
    text = mark("pattern") if verdict is Verdict.PATTERN else FIELD
    notes.add(Notes.path(reversed(where)), f"redacted ({text[10:-1]})")
    return text
