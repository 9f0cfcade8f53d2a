"""The cheap question that is put to every text first: can there be anything in it?

Most texts hold nothing like a secret. This answers in a few searches at the speed of C. It may say yes to a harmless text
(which then only takes longer), and must not say no to one that the rules would change.
"""

from __future__ import annotations

import re
from typing import Final

from span_processors.redaction.names import CONFUSABLES

# In a text without `=`, every name of a secret contains one of these, or is one that `_SHORT_NAMES` finds by its colon.
_STEMS: Final = ("pass", "key", "token", "secret", "auth", "cred", "cookie", "bearer", "pwd", "basic ", "identified by", "otp", "failing row")
_SHORT_NAMES: Final = re.compile(
    ":(?:(?<=pw:)|(?<=pin:|cvv:|cvc:|ssn:|psk:|jwt:|sas:)|(?<=pin\":|cvv\":|cvc\":|ssn\":|psk\":|jwt\":)"
    "|(?<=hrase:|monic:|umber:| code:|_code:|nwort:|woord:|haslo:|arola:|asena:|senha:))"
)
_OPTION: Final = re.compile(r"-(?<!\S-)[a-z]\b|-(?<!\S-)p\S")
_HARMLESS_RUN: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{18,}|[a-z]+(?:[_-][a-z]+)*(?:[_-]\d{1,6})?|[a-z]{2,6}[_-][0-9a-f-]{16,36}"
)
_RUN: Final = re.compile("[A-Za-z0-9_-]{18,}")

_WORD_BYTES = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"
_TO_RUN: Final = bytes(120 if byte in _WORD_BYTES else byte for byte in range(256))
_LONG_RUN: Final = b"x" * 18
_TO_DIGITS: Final = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))  # noqa: PLR2004  ("0" to "9")
_LONG_NUMBER: Final = b"0" * 13


def may_hold_secret(text: str) -> bool:
    """Say whether `text` has to be looked at closely."""
    if "=" in text or "\\" in text or "%" in text or "&#" in text:
        return True
    if not text.isascii():
        text = fold_text(text)
    low = text.lower()
    for stem in _STEMS:
        if stem in low:
            return True
    if "@" in text and "//" in text:
        return True
    if _SHORT_NAMES.search(low) or _OPTION.search(low):
        return True
    data = text.encode("utf-8", "replace")
    if _LONG_NUMBER in data.translate(_TO_DIGITS, b" -"):
        return True
    return _LONG_RUN in data.translate(_TO_RUN) and any(
        _HARMLESS_RUN.fullmatch(run) is None for run in _RUN.findall(text)
    )


def fold_text(text: str) -> str:
    """Return `text`, character by character, in the alphabet and width in which the rules are written."""
    return text if text.isascii() else text.translate(_FOLDED)


# One character for one, so that what is found in the folded text is in the same place in the given one.
_FOLDED: Final = {**{0xFF01 + offset: chr(0x21 + offset) for offset in range(94)}, **CONFUSABLES, 0x3000: " ", 0xA0: " "}
