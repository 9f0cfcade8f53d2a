"""The short way for what payloads mostly are: built-in types, names seen before, nothing that looks like a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.redaction.gate import may_hold_secret
from span_processors.redaction.hidden import HiddenValues
from span_processors.redaction.marks import FIELD
from span_processors.redaction.names import MAX_NAME, Names, Verdict, is_placeholder
from span_processors.redaction.tree import SMALLEST_CARD, TELLING
from span_processors.redaction.vocabulary import NAME_FIELDS, SHORT_NAMES, VALUE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from span_processors.data import JsonValue

    Known: TypeAlias = "dict[str, Verdict | object | None]"

_MAX_LEVEL: Final = 12
_MAX_KEYS: Final = 8192
_MAX_HARMLESS: Final = 8192
_MAX_HARMLESS_TEXT: Final = 128
_SHORT: Final = 7
_FEW: Final = 16
_LARGE: Final = 65_536
"""Characters of a few texts: the long way asks of each whether it is harmless, and it should not be asked twice."""
_NAMING: Final = object()


class NotFastError(Exception):
    """The value needs the long way."""


class FastKeys:
    """The verdicts on keys that hold no secret themselves; `_NAMING` where the value may be another's name.

    Where a value is a secret whatever it is, the verdict is the memory in which it is noted.

    `known` is a plain dict, not one that judges what it lacks: its look-ups are what a walk consists of.
    """

    def __init__(self, names: Names, redact: Callable[[str], str], hidden: HiddenValues) -> None:
        self._names = names
        self._hidden = hidden
        self._redact = redact
        self.known: dict[str, Verdict | object | None] = {}
        self.harmless: set[str] = set()
        """Short texts that passed the gate: most values are one of a few, and a look-up costs less than a search."""

    def learn(self, value: object, level: int = _MAX_LEVEL) -> None:
        """Judge the keys in `value` that were not seen before."""
        if not level:
            raise NotFastError
        if type(value) is dict:
            if len(self.known) >= _MAX_KEYS:
                self.known = {}
            for key, item in value.copy().items():
                if key not in self.known:
                    self.known[key] = self._judge(key)
                self.learn(item, level - 1)
        elif type(value) is list or type(value) is tuple:
            for item in value:
                self.learn(item, level - 1)

    def may_be_named(self, texts: list[str]) -> bool:
        """Say whether one of `texts` may be, or hold, a name that a pattern of the user's is for."""
        names = self._names
        return names.patterned and any(":" in text or "=" in text or names[text] for text in texts)

    def remember(self, texts: Iterable[str]) -> None:
        """Note that these texts passed the gate."""
        if len(self.harmless) >= _MAX_HARMLESS:
            self.harmless = set()
        self.harmless.update([text for text in texts if len(text) <= _MAX_HARMLESS_TEXT])

    def is_plain(self, key: str) -> bool:
        """Say whether a key, of those that were seen, neither is sensitive, nor names nor holds what another names."""
        return key in self.known and self.known[key] is None and key.lower() not in VALUE_FIELDS

    def _judge(self, key: object) -> Verdict | object | None:
        if type(key) is not str or len(key) > MAX_NAME or "\0" in key or self._redact(key) != key:
            raise NotFastError
        if key in TELLING:
            return TELLING
        verdict = self._names[key]
        if verdict is Verdict.SECRET:
            return self._hidden
        return verdict or (_NAMING if key.lower() in NAME_FIELDS else None)


def redact_fast(value: object, keys: FastKeys, max_size: int) -> JsonValue:
    """Return a redacted copy of `value`.

    The copy is in normal form if it can be serialised: other types of keys, and texts no backend takes, show there.

    Raises:
        NotFastError: this value needs the long way.
    """
    texts: list[str] = []
    if type(value) is str:
        texts.append(value)
        copy: JsonValue = value
    else:
        try:
            copy = _copy(value, keys.known, keys.harmless, texts, _MAX_LEVEL)
        except KeyError:
            keys.learn(value)
            texts.clear()
            copy = _copy(value, keys.known, keys.harmless, texts, _MAX_LEVEL)
    if texts:
        text = "\n".join(texts)
        if len(texts) <= _FEW and max_size > _LARGE:
            max_size = _LARGE
        if len(text) > max_size or "\0" in text or may_hold_secret(text) or keys.may_be_named(texts):
            raise NotFastError
        keys.remember(texts)
    return copy


def _copy(  # noqa: C901, PLR0912  (a branch for each type, the most frequent first: the hottest code of all)
    value: object, known: Known, harmless: set[str], texts: list[str], level: int
) -> JsonValue:
    if not level:
        raise NotFastError
    if type(value) is dict:
        fields = value.copy()  # at once: no other thread changes it under us, and only what differs is set again
        for key, item in fields.items():
            kind = type(item)
            verdict = known[key]
            if verdict is not None and (verdict is not _NAMING or (kind is str and item.lower() in SHORT_NAMES)):
                fields[key] = _under(item, verdict)
            elif kind is str:
                if item not in harmless:
                    texts.append(item)
            elif kind is int:
                if not -SMALLEST_CARD < item < SMALLEST_CARD:
                    raise NotFastError
            elif kind is float:
                if item - item != 0.0:
                    raise NotFastError
            elif item is not None and kind is not bool:
                fields[key] = _copy(item, known, harmless, texts, level - 1)
        return fields
    if type(value) is not list and type(value) is not tuple:
        raise NotFastError
    items = list(value)
    for at, item in enumerate(items):
        kind = type(item)
        if kind is str:
            if len(item) < _SHORT and item.lower() in SHORT_NAMES:
                raise NotFastError
            if item not in harmless:
                texts.append(item)
        elif kind is int:
            if not -SMALLEST_CARD < item < SMALLEST_CARD:
                raise NotFastError
        elif kind is float:
            if item - item != 0.0:
                raise NotFastError
        elif item is not None and kind is not bool:
            items[at] = _copy(item, known, harmless, texts, level - 1)
    return items


def _under(item: object, verdict: Verdict | object) -> JsonValue:
    """Return what is left of a value under a sensitive name."""
    kind = type(item)
    if item is None or kind is bool or (kind is str and not item):
        return item  # type: ignore[return-value]
    if kind is str or kind is int:
        if type(verdict) is HiddenValues and not (kind is str and is_placeholder(item)):  # type: ignore[arg-type]
            verdict.note(item, FIELD)  # type: ignore[arg-type]
            return FIELD
        if verdict is Verdict.COUNTED and kind is int and -SMALLEST_CARD < item < SMALLEST_CARD:  # type: ignore[operator]
            return item  # type: ignore[return-value]
    raise NotFastError
