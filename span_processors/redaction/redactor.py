"""The redactor: any value in, clean JSON out, whatever happens."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal

from span_processors.data import CleanText
from span_processors.redaction.fast import FastKeys, redact_fast
from span_processors.redaction.marks import ERROR
from span_processors.redaction.names import Names
from span_processors.redaction.normal import Normaliser, clean_text
from span_processors.redaction.notes import Notes
from span_processors.redaction.serial import canonical
from span_processors.redaction.settings import RedactionSettings
from span_processors.redaction.tree import TreeRedactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from span_processors.data import JsonValue

_DEFAULTS: Final = RedactionSettings()
_FAILED_TEXT: Final = CleanText(canonical(ERROR))
_FAILED_NOTES: Final = ("could not be redacted, left out",)
_ENVELOPE: Final = 160
"""More than the bytes around the head of a payload that is cut."""


class Redactor:
    """Brings values to normal form and takes the secrets out of them. Nothing here raises.

    What cannot be redacted is replaced by a mark, as little of it as possible. One redactor may be used by any number of threads.

    Args:
        settings: what counts as a secret, and how large a payload may be.

    Raises:
        ValueError: a pattern in `settings` is not a regular expression.
    """

    def __init__(self, settings: RedactionSettings = _DEFAULTS) -> None:
        names = Names(settings)
        self._settings = settings
        self._tree = TreeRedactor(names, settings)
        self._keys = FastKeys(names, self._tree.text)

    def payload(
        self, value: object, *, direction: Literal["input", "output"] = "input"
    ) -> tuple[CleanText, tuple[str, ...]]:
        """Return `value` without secrets as canonical JSON text, cut to the size allowed, and notes on what was changed."""
        try:
            settings = self._settings
            if settings.redact_inputs if direction == "input" else settings.redact_outputs:
                clean, notes = self._redact(value)
            else:
                notes = Notes()
                clean = Normaliser(notes).run(value)
            text = canonical(clean)
            if len(text) > settings.max_result_size:
                text = canonical(_cut(text, settings.max_result_size))
                notes.add("", f"larger than {settings.max_result_size} bytes, cut")
            return CleanText(text), notes.texts()
        except Exception:
            return _FAILED_TEXT, _FAILED_NOTES

    def value(self, value: object) -> tuple[JsonValue, tuple[str, ...]]:
        """Return the normal form of `value` without secrets, and notes on what was changed."""
        try:
            clean, notes = self._redact(value)
            return clean, notes.texts()
        except Exception:
            return ERROR, _FAILED_NOTES

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        try:
            return self._tree.text(clean_text(str.__str__(text)))
        except Exception:
            return ERROR

    def attributes(self, attributes: Mapping[str, object] | None) -> dict[str, JsonValue]:
        """Return attributes in normal form without secrets. `CleanText` has been here before, and is kept as it is."""
        try:
            if not attributes:
                return {}
            clean_before = {key: value for key, value in attributes.items() if type(value) is CleanText}
            if not clean_before:
                return self._fields(attributes)
            others = self._fields({key: value for key, value in attributes.items() if key not in clean_before})
            return {**others, **clean_before}
        except Exception:
            return {ERROR: ERROR}

    def _fields(self, attributes: Mapping[str, object]) -> dict[str, JsonValue]:
        clean, _ = self._redact(attributes if type(attributes) is dict else dict(attributes))
        return clean if isinstance(clean, dict) else {ERROR: ERROR}

    def _redact(self, value: object) -> tuple[JsonValue, Notes]:
        if self._settings.callback is None:
            notes = Notes()
            try:
                return redact_fast(value, self._keys, notes, self._settings.max_result_size), notes
            except Exception:  # noqa: S110  (NotFastError, or a value that changes or misbehaves: the long way knows)
                pass
        notes = Notes()
        return self._tree.redact(Normaliser(notes).run(value), notes), notes


def _cut(text: str, size: int) -> JsonValue:
    # In the head, which is JSON in JSON, each quote and backslash becomes two characters.
    return {
        "truncated": True,
        "bytes": len(text),
        "sha256": hashlib.sha256(text.encode("ascii")).hexdigest(),
        "head": text[: max(0, size - _ENVELOPE) // 2],
    }
