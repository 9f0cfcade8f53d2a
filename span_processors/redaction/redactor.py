"""The redactor: any value in, clean JSON out, whatever happens."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, cast

from span_processors.compiled import mypyc_attr
from span_processors.data import CleanText
from span_processors.redaction.cutting import cut_json, cut_words
from span_processors.redaction.fast import FastKeys, redact_fast
from span_processors.redaction.hidden import HiddenValues
from span_processors.redaction.leaves import clean_text
from span_processors.redaction.marks import ERROR
from span_processors.redaction.names import Names
from span_processors.redaction.normal import Normaliser, normalise
from span_processors.redaction.notes import Notes
from span_processors.redaction.serial import canonical
from span_processors.redaction.settings import RedactionSettings
from span_processors.redaction.tree import TreeRedactor

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from span_processors.data import JsonValue
    from span_processors.redaction.settings import Callback

_DEFAULTS: Final = RedactionSettings()
_FAILED_TEXT: Final = CleanText(canonical(ERROR))
_FAILED_NOTES: Final = ("could not be redacted, left out",)
_MAX_TEXT: Final = 1 << 20
"""Characters of a name or message, which are no payload and have no limit of the user's."""
_SHORT: Final = 256
"""Characters of a text that is remembered as harmless."""
_MAX_HARMLESS: Final = 4096
_OVERLAP: Final = 16_384
"""How much more than is kept is searched: no secret is cut before it is seen whole."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Redactor:
    """Brings values to normal form and takes the secrets out of them. Nothing here raises.

    What cannot be redacted is replaced by a mark, as little of it as possible. Threads may share a redactor.

    Args:
        settings: what counts as a secret, and how large a payload may be.
        structural: names of attributes by which spans are told apart and put together. They are searched for secrets
            like all others, and not shown to the callback, whose failure would otherwise lose the span.

    Attributes:
        max_size: the largest payload, bytes of JSON.
        calls_back: whether there is a callback: code of the host's, which may do anything.

    Raises:
        ValueError: a pattern in `settings` is not a regular expression.
    """

    def __init__(self, settings: RedactionSettings = _DEFAULTS, *, structural: Container[str] = ()) -> None:
        names = Names(settings)
        self._callback = settings.callback
        self.calls_back: Final = settings.callback is not None
        self.max_size: Final = settings.max_result_size
        self._searched = {"input": settings.redact_inputs, "output": settings.redact_outputs}
        self._structural = structural
        self._hidden = HiddenValues()
        self._tree = TreeRedactor(names, settings, self._hidden)
        self._keys = FastKeys(names, self._tree.text, self._hidden)
        self._tree.shorten(partial(redact_fast, keys=self._keys, max_size=self.max_size))
        self._harmless: set[str] = set()
        """Short texts that hold no secret: those that spans carry are few, and come again and again."""
        self._plain_keys: set[str] = set()
        """Names of attributes under which such a text is harmless whatever stands beside it."""

    def payload(
        self, value: object, *, direction: Literal["input", "output"] = "input"
    ) -> tuple[CleanText, tuple[str, ...]]:
        """Return `value` without secrets as canonical JSON text of the size allowed, and notes.

        Notes say what is not as it was given; not what was redacted, as the marks in its place do.
        """
        try:
            if self._searched[direction]:
                _, text, notes = self._redact(value)
            else:
                clean, notes = normalise(value)
                text = canonical(clean)
            if len(text) > self.max_size:
                text = canonical(cut_json(text, self.max_size))
                notes = (*notes, f"larger than {self.max_size} bytes, cut")
        except Exception:
            return _FAILED_TEXT, _FAILED_NOTES
        return CleanText(text), notes

    def value(self, value: object) -> tuple[JsonValue, tuple[str, ...]]:
        """Return the normal form of `value` without secrets, and notes as `payload` does."""
        try:
            clean, _, notes = self._redact(value)
        except Exception:
            return ERROR, _FAILED_NOTES
        return clean, notes

    def text(self, text: str) -> str:
        """Return `text` without secrets; of a very long one its beginning, and how much is missing."""
        try:
            if type(text) is str and text in self._harmless:
                return text
            clean = clean_text(str.__str__(text))
            if len(clean) <= _MAX_TEXT:
                redacted = self._tree.text(clean)
                if redacted == text:
                    self._remember(redacted)
                return redacted
            kept = self._tree.text(clean[: _MAX_TEXT // 2 + _OVERLAP])[: _MAX_TEXT // 2]
            return cut_words(kept, len(clean))
        except Exception:
            return ERROR

    def error_text(self, text: str) -> str:
        """Return words of an error as `text` does, and without the values that were hidden elsewhere by their names."""
        try:
            return self.text(str(self._hidden.remove(clean_text(str.__str__(text)))))
        except Exception:
            return ERROR

    def error_value(self, value: object) -> JsonValue:
        """Return what an error carries as `value` does, and without the values that were hidden by their names."""
        return self.without_hidden(self.value(value)[0])

    def without_hidden(self, value: JsonValue) -> JsonValue:
        """Return a clean value, which belongs to an error, without the values that were hidden by their names."""
        try:
            return self._hidden.remove(value)
        except Exception:
            return ERROR

    def attributes(self, attributes: Mapping[str, object] | None) -> dict[str, JsonValue]:
        """Return attributes in normal form without secrets. `CleanText` has been here before, and is kept as it is."""
        try:
            if not attributes:
                return {}
            clean: dict[str, JsonValue] = {}
            unseen: dict[str, object] = {}
            for key, value in attributes.items():
                if self._is_clean(key, value):
                    clean[key] = cast("JsonValue", value)
                else:
                    unseen[key] = value
            if self._callback is not None:
                structural = {key: unseen.pop(key) for key in list(unseen) if key in self._structural}
                clean |= _fields(self._slowly(structural, None)[0])
            if not unseen:
                return clean
            clean |= self._unseen(unseen)
            # in the order in which they came, whatever was known of them
            return {key: clean.pop(key) for key in attributes if key in clean} | clean
        except Exception:
            return {ERROR: ERROR}

    def _is_clean(self, key: str, value: object) -> bool:
        """Say whether an attribute is known to hold no secret, without a search."""
        kind = type(value)
        if kind is str:
            shown = self._callback is not None and key not in self._structural
            return value in self._harmless and key in self._plain_keys and not shown
        return kind is CleanText or (kind is int and key in self._structural)

    def _unseen(self, attributes: dict[str, object]) -> dict[str, JsonValue]:
        """Return attributes without secrets, and remember those that hold none."""
        clean = _fields(self._redact(attributes)[0])
        for key, value in clean.items():
            if type(value) is str and attributes.get(key) == value:
                self._remember(value)
                if self._keys.is_plain(key):
                    if len(self._plain_keys) >= _MAX_HARMLESS:
                        self._plain_keys = set()
                    self._plain_keys.add(key)
        return clean

    def _remember(self, text: str) -> None:
        if len(text) <= _SHORT:
            if len(self._harmless) >= _MAX_HARMLESS:
                self._harmless = set()
            self._harmless.add(text)

    def _redact(self, value: object) -> tuple[JsonValue, str, tuple[str, ...]]:
        """Return the clean value, its JSON, and notes."""
        if self._callback is None:
            try:
                clean = redact_fast(value, self._keys, self.max_size)
                return clean, canonical(clean), ()
            except Exception:  # noqa: S110  (NotFastError, or a value that changes or misbehaves: the long way knows)
                pass
        return self._slowly(value, self._callback)

    def _slowly(self, value: object, callback: Callback | None) -> tuple[JsonValue, str, tuple[str, ...]]:
        notes = Notes()
        clean = self._tree.redact(Normaliser(notes).run(value), notes, callback)
        return clean, canonical(clean), notes.texts()


def _fields(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {ERROR: ERROR}
