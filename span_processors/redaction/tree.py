"""A value in normal form in, the same value without its secrets out."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import is_card
from span_processors.redaction.cutting import stub
from span_processors.redaction.marks import CARD, ERROR, MARK, mark
from span_processors.redaction.names import Names, Verdict, hides, is_placeholder, mark_of
from span_processors.redaction.normal import normalise
from span_processors.redaction.notes import Notes, written
from span_processors.redaction.patterns import regex
from span_processors.redaction.shell import redact_arguments
from span_processors.redaction.text import TextRedactor
from span_processors.redaction.values import SCHEME, is_plain_word
from span_processors.redaction.vocabulary import (
    HEADING_FIELDS,
    NAME_FIELDS,
    ROW_FIELDS,
    SCHEMA_TYPES,
    SCHEMA_VALUES,
    VALUE_FIELDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue
    from span_processors.redaction.hidden import HiddenValues
    from span_processors.redaction.notes import Path
    from span_processors.redaction.settings import Callback, RedactionSettings

_NAME: Final = regex(r"-{0,2}[\w.%/-]{2,64}(?: [A-Za-z]{1,32})?:?")
"""A text that can be the name of something, and no sentence."""
_OVERLAP: Final = 16_384
"""How much more than is kept is searched: no secret is cut before it is seen whole."""
_MAX_KEY: Final = 1_024
SMALLEST_CARD: Final = 10**13


TELLING: Final = frozenset({"kty", "logprob"})
"""Fields that say what those beside them are, and hold nothing that would be searched for that reason."""
_TOLD: Final[dict[tuple[str, str | None], dict[str, Verdict | None]]] = {
    ("kty", None): dict.fromkeys(("d", "p", "q", "dp", "dq", "qi", "oth", "k"), Verdict.SECRET),  # a JSON Web Key
    ("logprob", None): {"token": None},  # what a language model wrote
    ("grant_type", "authorization_code"): {"code": Verdict.SECRET},
    ("kind", "Secret"): {"data": Verdict.SECRET, "stringData": Verdict.SECRET},  # of Kubernetes
}


class TreeRedactor:
    """Walks a value and takes out what its names, its shape and its texts say is secret. Iterative, and in place."""

    def __init__(self, names: Names, settings: RedactionSettings, hidden: HiddenValues) -> None:
        self._names = names
        self._hidden = hidden
        self._value_patterns = settings.value_patterns
        self._max_text = settings.max_result_size
        self._texts = TextRedactor(
            names, lambda value, nesting: _Walk(self, Notes(), nesting=nesting).run(value), hidden
        )

    def redact(self, value: JsonValue, notes: Notes, callback: Callback | None = None) -> JsonValue:
        """Return `value` without secrets. It is given away: its containers are changed and returned."""
        return _Walk(self, notes, callback=callback).run(value)

    def shorten(self, quickly: Callable[[JsonValue], JsonValue]) -> None:
        """Give a short way for values that were JSON in a text; it raises if a value needs the long one."""
        self._texts.quickly = quickly

    def text(self, text: str, nesting: int = 0) -> str:
        """Return `text` without secrets; what cannot be searched is left out."""
        if not self._value_patterns:
            return text
        try:
            return self._texts.redact(text, nesting)
        except Exception:
            return ERROR


class _Walk:
    """One pass over one value."""

    def __init__(
        self, owner: TreeRedactor, notes: Notes, *, nesting: int = 0, callback: Callback | None = None
    ) -> None:
        self._owner = owner
        self._names = owner._names  # noqa: SLF001  (two classes, one thing)
        self._hidden = owner._hidden  # noqa: SLF001
        self._notes = notes
        self._nesting = nesting
        self._callback = callback
        self._open: deque[tuple[list[JsonValue] | dict[str, JsonValue], Path]] = deque()

    def run(self, value: JsonValue) -> JsonValue:
        root: list[JsonValue] = [self._leaf(value, None)]
        while self._open:
            container, path = self._open.popleft()
            try:
                if isinstance(container, dict):
                    self._fields(container, path)
                else:
                    self._items(container, path)
            except Exception:
                self._note(path, "could not be searched for secrets, left out")
                _empty(container)
        return root[0]

    def _leaf(self, value: JsonValue, path: Path) -> JsonValue:
        """Return what is left of a value under a harmless name; containers are kept for later."""
        if isinstance(value, str):
            if len(value) > self._owner._max_text:  # noqa: SLF001
                return self._cut(value, path)
            kept: JsonValue = self._owner.text(value, self._nesting)
        elif isinstance(value, (list, dict)):
            self._open.append((value, path))
            return value
        elif type(value) is int and value >= SMALLEST_CARD and self._owner._value_patterns and is_card(str(value)):  # noqa: SLF001
            kept = CARD
        else:
            kept = value
        return kept if self._callback is None else self._call_back(self._callback, kept, path)

    def _cut(self, text: str, path: Path) -> JsonValue:
        """Keep the beginning of a text that alone is too large, so that what stands beside it can be kept whole."""
        size = self._owner._max_text // 4  # noqa: SLF001
        data = text.encode()
        self._note(path, f"{len(data)} bytes of text, cut")
        head = self._owner.text(text[: size + _OVERLAP], self._nesting)[:size]
        return stub(data, head)

    def _call_back(self, callback: Callback, value: JsonValue, path: Path) -> JsonValue:
        try:
            kept, _ = normalise(callback(written(path), value))
        except Exception:
            return self._failed(path)
        return kept

    def _fields(self, fields: dict[str, JsonValue], path: Path) -> None:
        described = self._described(fields)
        told = _told(fields)
        columns = self._columns(fields)
        items = list(fields.items())
        fields.clear()
        for key, value in items:
            here = (path, key)
            name = key
            try:
                name = self._key(key)
                if len(key) > _MAX_KEY:
                    here = (path, name)
                verdict = told[key] if key in told else self._names[key] or self._names[name]
                if described and key.lower() in VALUE_FIELDS and hides(described, value):
                    kept: JsonValue = self._hide(value, described)
                elif verdict and hides(verdict, value):
                    kept = self._under(value, verdict, here)
                else:
                    if columns and key.lower() in ROW_FIELDS and isinstance(value, list):
                        self._hide_columns(value, columns)
                    kept = self._leaf(value, here)
            except Exception:
                kept = self._failed(here)
            if len(key) > _MAX_KEY:
                self._note(path, f"a key of {len(key)} characters, shortened")
            while name in fields:
                name += "#"
            fields[name] = kept

    def _key(self, key: str) -> str:
        """Return a key without secrets; of a long one its beginning, and a digest that tells it apart."""
        if len(key) <= _MAX_KEY:
            return self._owner.text(key)
        digest = f"…sha256:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        return self._owner.text(key[: _MAX_KEY + _OVERLAP])[: _MAX_KEY - len(digest)] + digest

    def _under(self, value: JsonValue, verdict: Verdict, path: Path) -> JsonValue:
        """Return what is left of a value under a sensitive name: nothing, but of a schema its structure."""
        if isinstance(value, dict) and isinstance(value.get("type"), str) and value["type"] in SCHEMA_TYPES:
            for field in SCHEMA_VALUES:
                if hides(verdict, value.get(field)):
                    value[field] = self._hide(value[field], verdict)
            return self._leaf(value, path)
        return self._hide(value, verdict)

    def _hide(self, value: JsonValue, verdict: Verdict) -> str:
        """Return what replaces a value, which is noted. Of fields it is those that are sensitive themselves."""
        mark = mark_of(verdict)
        if isinstance(value, dict):
            for key, inner in value.items():
                named = self._names[key]
                if named and hides(named, inner):
                    self._hide(inner, named)
        else:
            self._hidden.note(value, mark)
        return mark

    def _described(self, fields: dict[str, JsonValue]) -> Verdict | None:
        """Return the verdict on the name that the fields give to a value: `{"name": "password", "value": S}`."""
        for key, value in fields.items():
            if isinstance(value, str) and key.lower() in NAME_FIELDS and _NAME.fullmatch(value):
                verdict = self._names[value.strip("-: ")]
                if verdict:
                    return verdict
        place = fields.get("loc")
        named = [step for step in place if isinstance(step, str)] if isinstance(place, list) else []
        return self._names[named[-1]] if named else None

    def _columns(self, fields: dict[str, JsonValue]) -> list[int]:
        for key, value in fields.items():
            if isinstance(value, list) and key.lower() in HEADING_FIELDS:
                return [at for at, name in enumerate(value) if isinstance(name, str) and self._is_name(name)]
        return []

    def _is_name(self, text: str) -> bool:
        return _NAME.fullmatch(text) is not None and self._names[text.strip("-: ")] in {Verdict.SECRET, Verdict.PATTERN}

    def _is_heading(self, value: JsonValue) -> bool:
        return isinstance(value, str) and " " not in value and self._is_name(value)

    def _items(self, items: list[JsonValue], path: Path) -> None:
        if items and all(isinstance(item, list) and len(item) > 1 for item in items):
            self._rows(items)
        strings = [item for item in items if isinstance(item, str)]
        if len(strings) > 1 and self._owner._value_patterns:  # noqa: SLF001
            redact_arguments(items)
        in_key = False
        previous: str | None = None
        for at, item in enumerate(items):
            here = (path, at)
            try:
                if in_key or _begins_key(item):
                    in_key = not (isinstance(item, str) and "-----END" in item)
                    items[at] = mark("private-key")
                elif previous is not None and self._follows(previous, item):
                    items[at] = self._hide(item, Verdict.SECRET)
                else:
                    items[at] = self._leaf(item, here)
            except Exception:
                items[at] = self._failed(here)
            previous = item if isinstance(item, str) else None

    def _follows(self, name: str, value: JsonValue) -> bool:
        """Say whether `value` belongs to the name before it in a list: `--token S`, `X-Api-Key`, `S`."""
        if not isinstance(value, str) or is_placeholder(value) or not self._is_name(name):
            return False
        if name.startswith("-"):
            return "=" not in name and not value.startswith("-")
        return SCHEME.match(value) is not None or not (is_plain_word(value) or self._is_name(value))

    def _rows(self, rows: list[JsonValue]) -> None:
        """Redact pairs of name and value, and the sensitive columns below a row of names."""
        for row in rows:
            if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str):  # noqa: PLR2004
                verdict = self._names[row[0].strip("-: ")] if _NAME.fullmatch(row[0]) else None
                if verdict and hides(verdict, row[1]) and not self._is_heading(row[1]):
                    row[1] = self._hide(row[1], verdict)
        head = rows[0] if rows else None
        if not isinstance(head, list) or len(rows) < 2:  # noqa: PLR2004
            return
        if all(isinstance(name, str) and is_plain_word(name) for name in head):
            columns = [at for at, name in enumerate(head) if (at or len(head) > 2) and self._is_name(str(name))]  # noqa: PLR2004
            self._hide_columns(rows[1:], columns)

    def _hide_columns(self, rows: list[JsonValue], columns: list[int]) -> None:
        for row in rows:
            if isinstance(row, list):
                for at in columns:
                    if at < len(row) and hides(Verdict.SECRET, row[at]):
                        row[at] = self._hide(row[at], Verdict.SECRET)

    def _failed(self, path: Path) -> str:
        self._note(path, "could not be redacted, left out")
        return ERROR

    def _note(self, path: Path, what: str) -> None:
        # A key of the path may hold a secret itself.
        self._notes.add(None, f"{MARK.sub('*', self._owner.text(written(path)))}: {what}" if path else what)


def _told(fields: dict[str, JsonValue]) -> dict[str, Verdict | None]:
    """Return the verdicts on names that are what they are because of what stands beside them."""
    for (key, value), told in _TOLD.items():
        if key in fields and (value is None or fields[key] == value):
            return told
    return {}


def _begins_key(item: JsonValue) -> bool:
    """Say whether a private key begins in `item`, a line of a list, and does not end there."""
    return isinstance(item, str) and "-----BEGIN" in item and "PRIVATE KEY" in item and "-----END" not in item


def _empty(container: list[JsonValue] | dict[str, JsonValue]) -> None:
    container.clear()
    if isinstance(container, dict):
        container[ERROR] = ERROR
    else:
        container.append(ERROR)
