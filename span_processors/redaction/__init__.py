"""From any Python value to JSON that holds no secret: pure functions, total, in linear time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from span_processors.redaction.normal import normalise
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from span_processors.redaction.redactor import Redactor
    from span_processors.redaction.settings import RedactionSettings

__all__ = ["RedactionSettings", "Redactor", "canonical", "normalise"]

# Imported when asked for: a program that only reads needs none of the patterns, which take a while to compile.
_HOMES = {"RedactionSettings": "span_processors.redaction.settings", "Redactor": "span_processors.redaction.redactor"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
