"""One text in, the same text without its secrets out."""

from __future__ import annotations

import json
from base64 import b64decode
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from span_processors.redaction.assignments import find_assignments
from span_processors.redaction.columns import find_columns
from span_processors.redaction.credentials import Found, find_credentials
from span_processors.redaction.encodings import Decoded, decoded_runs, hex_runs
from span_processors.redaction.forms import find_authorisations, find_forms
from span_processors.redaction.gate import fold_text, lower, may_hold_secret, may_name_secret
from span_processors.redaction.leaves import BASE64
from span_processors.redaction.marks import DEPTH, LONGEST_MARK, MARK, MARK_BEGINS, mark
from span_processors.redaction.messages import find_messages
from span_processors.redaction.normal import normalise
from span_processors.redaction.serial import canonical
from span_processors.redaction.shell import find_shell
from span_processors.redaction.urls import find_userinfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from span_processors.data import JsonValue
    from span_processors.redaction.hidden import HiddenValues
    from span_processors.redaction.names import Names

_MAX_NESTING: Final = 3
"""JSON in a string in JSON, base64 of base64: so many levels are opened."""


_SIGNS: Final = ("\\", "%", "&", "\x1b", "\n  ")
"""What a text has in it that can be decoded."""
_MAX_PASSES: Final = 4
_LONG: Final = 65_536
_TOLD_BY_NAME: Final = frozenset(("field", "pattern", "userinfo", "shell", "protocol", "sql"))
"""Rules for what shows by its place only: without it, the same value is not known again."""
_FEW_RUNS: Final = 64
_BETWEEN: Final = "\n\n"
_MAX_NOTED: Final = 64
_LONGEST_NOTED: Final = 256


class _DuplicateError(Exception):
    """An object that names a field twice: reading it would lose the first value."""


class TextRedactor:
    """Finds secrets in texts by the names before them, their shape, their place, and in what they encode."""

    def __init__(self, names: Names, walk: Callable[[JsonValue, int], JsonValue], hidden: HiddenValues) -> None:
        self._names = names
        self._walk = walk
        self._hidden = hidden
        self.quickly: Callable[[JsonValue], JsonValue] | None = None
        """The short way for what a text that is JSON says, and raises if it cannot; set once it is there."""

    def redact(self, text: str, nesting: int = 0, passes: int = 1) -> str:
        """Return `text` without secrets. `nesting` is how many texts this one was found in."""
        if not may_hold_secret(text) and not (self._names.patterned and (":" in text or "=" in text)):
            return text
        if text.startswith(BASE64) and self._in_bytes(text, nesting):
            return mark("base64")
        if nesting < _MAX_NESTING and text.lstrip()[:1] in {"{", "[", '"'}:
            inner = self._json(text, nesting)
            if inner is not None:
                return inner
        found = list(self._find(text, nesting))
        for one in found[:_MAX_NOTED]:
            if one.rule in _TOLD_BY_NAME and one.end - one.start <= _LONGEST_NOTED:
                self._hidden.note(text[one.start : one.end], mark(one.rule))
        clean = _replace(text, found)
        if clean == text or len(text) > _LONG or passes == _MAX_PASSES:
            return clean
        # A mark can join what a secret kept apart. Once more, so that redacting what is redacted changes nothing.
        return self.redact(clean, nesting, passes + 1)

    def _in_bytes(self, text: str, nesting: int) -> bool:
        """Say whether bytes that are no text hold one with a secret in it."""
        try:
            inner = b64decode(text[len(BASE64) :], validate=True).replace(b"\0", b"").decode("latin-1")
        except ValueError:
            return False  # a text that merely begins so
        return any(self._find(inner, nesting + 1))

    def _json(self, text: str, nesting: int) -> str | None:
        """Redact a text that is JSON, leaving it JSON and, where nothing is found, as it is. None: it is not JSON."""
        try:
            value = json.loads(text, object_pairs_hook=_unique)
        except RecursionError:
            return DEPTH
        except (ValueError, _DuplicateError):
            return None
        if self.quickly is not None:
            try:
                short = self.quickly(value)
                return text if short == value else canonical(short)
            except Exception:  # noqa: S110  (the long way knows)
                pass
        before, _ = normalise(value)
        copy, _ = normalise(value)
        after = self._walk(copy, nesting + 1)
        if before == after:
            return text
        return after if isinstance(after, str) and not isinstance(value, str) else canonical(after)

    def _find(self, text: str, nesting: int) -> Iterator[Found]:
        view = fold_text(text)
        yield from self._find_plain(view)
        if nesting < _MAX_NESTING:
            yield from self._find_encoded([*decoded_runs(text)], "base64", nesting + 1)
            yield from self._find_encoded([*hex_runs(text)], "hex", nesting + 1)
        if nesting < _MAX_NESTING and (any(sign in text for sign in _SIGNS) or not text.isascii()):
            decoded = Decoded(view)
            if decoded.text is not view:
                for found in self._find(decoded.text, nesting + 1):
                    yield Found(decoded.source(found.start), decoded.source(found.end), found.rule, found.quoted)

    def _find_encoded(self, runs: list[tuple[int, int, str]], rule: str, nesting: int) -> Iterator[Found]:
        """Find the encoded runs whose text holds a secret. Many are read as one text: each by itself takes too long."""
        if len(runs) <= _FEW_RUNS:
            for start, end, inner in runs:
                if self.redact(inner, nesting) != inner:
                    yield Found(start, end, rule)
            return
        ends = list(accumulate(len(inner) + len(_BETWEEN) for _, _, inner in runs))
        inners = _BETWEEN.join([inner for _, _, inner in runs])
        if may_hold_secret(inners) or self._names.patterned:
            following = 0
            for found in sorted(self._find(inners, nesting)):
                first = max(following, bisect_right(ends, found.start))
                following = max(following, bisect_left(ends, found.end) + 1)
                for start, end, _ in runs[first:following]:
                    yield Found(start, end, rule)

    def _find_plain(self, text: str) -> Iterator[Found]:
        low = lower(text)
        yield from find_credentials(text)
        yield from find_userinfo(text, low)
        yield from find_shell(text, low)
        if self._names.patterned or may_name_secret(low):
            yield from find_assignments(text, self._names)
            yield from find_forms(text, low, self._names)
            yield from find_authorisations(text, low)
            yield from find_messages(text, self._names)
            yield from find_columns(text, low, self._names)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _DuplicateError
    return fields


def _replace(text: str, found: list[Found]) -> str:
    """Put marks in place of what was found; what overlaps becomes one."""
    if MARK_BEGINS in text:
        found = [one for one in (_past_marks(text, one) for one in found) if one]
    if not found:
        return text
    found.sort(key=lambda one: (one.start, -one.end))
    parts: list[str] = []
    position = 0
    for one in found:
        if one.end <= position:
            continue
        if one.start >= position:
            parts += text[position : one.start], _mark(one)
        position = max(position, one.end)
    parts.append(text[position:])
    return "".join(parts)


def _past_marks(text: str, found: Found) -> Found | None:
    """Let what was found not end within a mark of an earlier redaction; None: it is nothing but such marks."""
    start, end = found.start, found.end
    for one in MARK.finditer(text, max(0, start - LONGEST_MARK), min(len(text), end + LONGEST_MARK)):
        if one.start() < start < one.end():
            start = one.end()
        if one.start() < end < one.end():
            end = one.end()
    left = MARK.sub("", text[start:end])
    return found._replace(start=start, end=end) if any(map(str.isalnum, left)) else None


def _mark(found: Found) -> str:
    return f'"{mark(found.rule)}"' if found.quoted else mark(found.rule)
