"""From any Python value to JSON that holds no secret: pure functions, total, in linear time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred
from span_processors.redaction.normal import normalise
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from span_processors.redaction.redactor import Redactor
    from span_processors.redaction.settings import RedactionSettings

__all__ = ["RedactionSettings", "Redactor", "canonical", "normalise"]

# a program that only reads needs none of the patterns, which take a while to compile
__getattr__, __dir__ = deferred(__name__, {".redactor": ["Redactor"], ".settings": ["RedactionSettings"]})
