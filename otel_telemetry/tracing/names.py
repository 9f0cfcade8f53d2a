"""Names and ids as text, whatever the host gives for them."""

from __future__ import annotations

from span_processors.redaction import canonical, normalise


def as_text(name: object) -> str:
    """Return a text as it is, and anything else (a number, a UUID, an enum) as the text that stands for it."""
    if type(name) is str:
        return name
    normal, _ = normalise(name)
    return normal if isinstance(normal, str) else canonical(normal)
