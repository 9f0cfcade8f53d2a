"""What was hidden for the name it stood under, to be known again where nothing names it: in the words of errors.

A password is a parameter first, and then a part of what the driver says about it. Kept in memory only, for a while.
"""

from __future__ import annotations

import base64
import json
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from span_processors.redaction.names import is_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.data import JsonValue

_SHORTEST: Final = 6
_LONGEST: Final = 4_096
_FEWEST_DIGITS: Final = 9
"""A shorter number is as likely an amount, a year or a port."""
_LONGEST_WORDS: Final = 20
"""Letters alone, if not more than these, are as likely a word of the sentence."""
_SHORTEST_BASE64: Final = 8
_MAX_VALUES: Final = 512
_MAX_AGE_S: Final = 900.0
_MAX_ITEMS: Final = 16
_MANY: Final = 256


class HiddenValues:
    """The values that were hidden of late. There is no lock: each step is one operation on a dict.

    What is noted happens on the way of every span, and costs next to nothing; what it is worth is judged by who asks.
    """

    __slots__ = ("_forms", "_values")

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}
        self._forms: dict[str, tuple[str, ...]] = {}

    def note(self, value: JsonValue, mark: str) -> None:
        """Remember a value that `mark` has replaced."""
        if type(value) is int:
            value = str(value)
        if type(value) is str:
            if _SHORTEST <= len(value) <= _LONGEST:
                self._values[value] = mark, monotonic()
                if len(self._values) > _MAX_VALUES:
                    self._forget_older_half()
        elif type(value) is list:
            for item in value[:_MAX_ITEMS]:
                if type(item) is str or type(item) is int:
                    self.note(item, mark)

    def remove(self, value: JsonValue) -> JsonValue:
        """Return `value`, which is in normal form, with marks in place of the values, however they are written."""
        return _without(value, [*self._written()]) if self._values else value

    def _written(self) -> Iterator[tuple[str, str]]:
        """Yield the forms of the values and the marks that replace them; the longest first, as it may hold another."""
        oldest = monotonic() - _MAX_AGE_S
        values = self._values.copy()
        for value in sorted(values, key=len, reverse=True):
            mark, noted = values[value]
            if noted < oldest:
                self._forget(value)
                continue
            forms = self._forms.get(value)
            if forms is None:
                forms = self._forms[value] = _forms(value) if _tells(value) and value not in mark else ()
            for form in forms:
                yield form, mark

    def _forget_older_half(self) -> None:
        self._forms.clear()
        values = self._values.copy()
        for value in sorted(values, key=lambda value: values[value][1])[: _MAX_VALUES // 2]:
            self._forget(value)

    def _forget(self, value: str) -> None:
        self._values.pop(value, None)
        self._forms.pop(value, None)


def _without(value: JsonValue, written: list[tuple[str, str]]) -> JsonValue:
    if isinstance(value, str):
        for form, mark in written if len(written) < _MANY else _likely(value, written):
            if form in value:
                value = value.replace(form, mark)
        return value
    if isinstance(value, dict):
        return {str(_without(key, written)): _without(item, written) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, written) for item in value]
    if type(value) is int:
        return next((mark for form, mark in written if form == str(value)), value)
    return value


def _likely(text: str, written: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those of many forms whose beginnings are in `text`, which is read once for all of them."""
    beginnings = {text[at : at + _SHORTEST] for at in range(len(text) - _SHORTEST + 1)}
    return [(form, mark) for form, mark in written if form[:_SHORTEST] in beginnings]


def _tells(value: str) -> bool:
    """Say whether a text that has `value` in it is likely to have it from there."""
    if not any(map(str.isalpha, value)):
        return sum(map(str.isdigit, value)) >= _FEWEST_DIGITS
    if len(value) <= _LONGEST_WORDS and value.translate(_JOINS).isalpha():
        return False
    return "://" not in value and not is_path(value)


_JOINS: Final = dict.fromkeys(map(ord, " _-."))


def _forms(value: str) -> tuple[str, ...]:
    """Return the ways in which `value` may be written, each once, and the plain one first."""
    data = value.encode("utf-8", "replace")
    forms = [value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]]
    forms += quote(data, safe=""), quote(data), quote_plus(data), data.hex()
    for shift in range(3):
        # what of the base64 of a longer text depends on this part of it alone
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        core = encoded[(0, 2, 3)[shift] : len(encoded) - (4 if (len(data) + shift) % 3 else 0)]
        if len(core) >= _SHORTEST_BASE64:
            forms += core, core.translate(_URL_SAFE)
    return tuple(dict.fromkeys(forms))


_URL_SAFE: Final = str.maketrans("+/", "-_")
