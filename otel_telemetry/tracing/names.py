"""Names and ids as text, whatever the host gives for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otel_telemetry.rows import MAX_TEXT, with_digest
from span_processors.redaction import canonical, normalise

_MARGIN: Final = 4_096
"""How much more than is kept goes through redaction, so that no secret is cut in two and half of it missed."""


def as_text(name: object) -> str:
    """Return a text as it is, and anything else (a number, a UUID, an enum) as the text that stands for it."""
    if type(name) is str:
        return name
    normal, _ = normalise(name)
    return normal if isinstance(normal, str) else canonical(normal)


def shortened(text: str, redact: Callable[[str], str]) -> str:
    """Return the redacted beginning of a text that is too long to be found by, and a digest that sets it apart."""
    return with_digest(redact(text[: MAX_TEXT + _MARGIN]), text)


def clean_id(text: str, redact: Callable[[str], str]) -> str:
    """Return an id as it can be stored. Different ids stay different, whatever has to be taken out of them."""
    if len(text) > MAX_TEXT:
        return shortened(text, redact)
    clean = redact(text)
    return clean if clean == text else with_digest(clean, text)
