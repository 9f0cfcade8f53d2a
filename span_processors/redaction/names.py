"""Which field names are sensitive."""

from __future__ import annotations

import re

_WORDS = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SENSITIVE = re.compile(
    "password|passwd|passphrase|secret|apikey|authorization|credential|privatekey|accesskey|cookie|bearer|jwt|(?:^|auth|access|refresh)token$"
)


class Names:
    """Judges field names; remembers its verdicts."""

    def rule(self, name: str) -> str | None:
        """Return the rule by which the field's value is to be redacted, or None."""
        words = "".join(_WORDS.findall(name)).lower()
        return "field" if _SENSITIVE.search(words) else None
