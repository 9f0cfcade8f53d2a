"""The redactor: any value in, clean JSON out, whatever happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from span_processors.data import CleanText
from span_processors.redaction.marks import ERROR, mark
from span_processors.redaction.names import Names
from span_processors.redaction.normal import Normaliser, normalise
from span_processors.redaction.notes import Notes
from span_processors.redaction.serial import canonical
from span_processors.redaction.settings import RedactionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from span_processors.data import JsonValue

_DEFAULT = RedactionSettings()
_ERROR_TEXT = CleanText(canonical(ERROR))
_SECRET = re.compile(r"(?i)((?:password|secret|token|api_?key)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+")


class Redactor:
    """Takes secrets out of values. Its methods never raise; what cannot be redacted is left out."""

    def __init__(self, settings: RedactionSettings = _DEFAULT) -> None:
        self._settings = settings
        self._names = Names()

    def payload(
        self, value: object, *, direction: Literal["input", "output"] = "input"
    ) -> tuple[CleanText, tuple[str, ...]]:
        """Return `value` as canonical JSON text without secrets, and notes on what was changed."""
        try:
            clean, notes = self.value(value)
            return CleanText(canonical(clean)), notes
        except Exception:
            return _ERROR_TEXT, ("the value could not be redacted, left out",)

    def value(self, value: object) -> tuple[JsonValue, tuple[str, ...]]:
        """Return the normal form of `value` without secrets, and notes on what was changed."""
        try:
            notes = Notes()
            return self._walk(Normaliser(notes).run(value)), notes.texts()
        except Exception:
            return ERROR, ("the value could not be redacted, left out",)

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        try:
            normal, _ = normalise(text)
            return _SECRET.sub(rf"\1{mark('assignment')}", normal) if isinstance(normal, str) else ERROR
        except Exception:
            return ERROR

    def attributes(self, attributes: Mapping[str, object] | None) -> dict[str, JsonValue]:
        """Return attributes with the same keys and clean values. `CleanText` is kept as it is."""
        clean: dict[str, JsonValue] = {}
        try:
            for key, value in (attributes or {}).items():
                if type(value) is CleanText:
                    clean[key] = value
                elif self._names.rule(key):
                    clean[key] = mark("field")
                else:
                    clean[key] = self.value(value)[0]
        except Exception:
            clean["otel_telemetry.redaction"] = ERROR
        return clean

    def _walk(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            return {k: mark("field") if self._names.rule(k) else self._walk(v) for k, v in value.items()}
        return value
