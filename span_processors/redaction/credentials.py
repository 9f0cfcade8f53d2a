"""Credentials that are known by their own shape, wherever they stand: keys, signed tokens, card numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from span_processors.redaction.patterns import regex
from span_processors.redaction.runs import has_long_number, has_long_run
from span_processors.redaction.vendors import VENDORS, odd_runs

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """A part of a text that is to be replaced."""

    start: int
    end: int
    rule: str
    quoted: bool = False
    """Whether the mark must be put in quotes: it takes the place of a bare value in JSON."""


_AROUND: Final = 48
_PEM_BEGIN: Final = regex(r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END: Final = regex(r"-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]{40,64}")
_PEM_BODY: Final = regex(r"[\s\\nr\"',+]{0,16}(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version|Comment|Encryption)")
_PEM_CHARS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \r\n"
_CARD: Final = regex(
    r"[2-6](?<![\w.-].)\d{3}(?:\d{10,12}|[ ._-]\d{6}[ ._-]\d{4,5}|(?:[ ._-]\d{4}){3})(?![\w-]|\.\d)", re.ASCII
)
_WEB_KEY: Final = regex(r"[\"'](?:d|p|q|dp|dq|qi|k)[\"']\s{0,4}:\s{0,4}[\"']([\w=-]{16,}+)")
_PGPASS: Final = regex(r":5432:[^\s:]{1,64}:[^\s:]{1,64}:(\S+)")
_SEPARATORS: Final = regex("[ ._-]")
# Issuer and length of the networks that use the check digit. Visa's 13 and 19 digits are left out: they are hardly ever
# issued, and bar codes and snowflake ids look like them.
_ISSUED: Final = regex(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}"
)


def find_credentials(text: str) -> Iterator[Found]:
    """Find what is a credential by its shape alone."""
    yield from _private_keys(text)
    near = _near_odd_runs(text) if has_long_run(text) else ""
    letters = set(near)  # in a large text, asking for these first saves most of the searches
    for rule, literal, pattern in VENDORS:
        if letters.issuperset(literal) and literal in near:
            for match in pattern.finditer(text):
                if match.lastindex or not pattern.groups:
                    yield Found(match.start(), match.end(), rule)
    for match in _CARD.finditer(text) if has_long_number(text) else ():
        if is_card(_SEPARATORS.sub("", match[0])):
            yield Found(match.start(), match.end(), "card")
    if "kty" in text:
        for match in _WEB_KEY.finditer(text):
            yield Found(*match.span(1), "private-key")
    for match in _PGPASS.finditer(text):
        yield Found(*match.span(1), "pgpass")


def _near_odd_runs(text: str) -> str:
    """Return the parts of a text that can hold one of the shapes."""
    parts: list[str] = []
    position = 0
    for start, end in odd_runs(text):
        parts.append(text[max(position, start - _AROUND) : end + _AROUND])
        position = end + _AROUND
    return "".join(parts)


def is_card(digits: str) -> bool:
    """Say whether `digits` has the issuer, the length and the check digit of a payment card."""
    if _ISSUED.fullmatch(digits) is None or len(set(digits)) < 2:  # noqa: PLR2004  (zeros check out, too)
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0  # noqa: PLR2004


def _private_keys(text: str) -> Iterator[Found]:
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    end = _PEM_END.search(text)
    begin = _PEM_BEGIN.search(text)
    if end is not None and (begin is None or begin.start() > end.start()):
        # Its beginning was cut off.
        yield Found(len(text[: end.start()].rstrip(_PEM_CHARS)), end.end(), "private-key")
    while begin is not None:
        end = _PEM_END.search(text, begin.end()) if end is not None else None
        if end is not None:
            yield Found(begin.start(), end.end(), "private-key")
        elif _PEM_BODY.match(text, begin.end()):
            # Its end was cut off: all that follows may belong to it. A mere mention of the first line is left alone.
            yield Found(begin.start(), len(text), "private-key")
            return
        begin = _PEM_BEGIN.search(text, end.end() if end is not None else begin.end())
