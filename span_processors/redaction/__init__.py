"""From any Python value to JSON that holds no secret: pure functions, total, in linear time."""

from span_processors.redaction.normal import normalise
from span_processors.redaction.redactor import Redactor
from span_processors.redaction.serial import canonical
from span_processors.redaction.settings import RedactionSettings

__all__ = ["RedactionSettings", "Redactor", "canonical", "normalise"]
