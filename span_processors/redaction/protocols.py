"""Passwords that a protocol has in a certain place, without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERNS: Final = (
    regex(r"(?:^|\n)USER \S{1,128}\s{0,4}\n(?:[^\n]{0,200}\n)?PASS ([^\r\n]+)", needs=("PASS ",)),
    regex(
        r"(?:^|\n)(?:AUTH (?:PLAIN|LOGIN|XOAUTH2) |AUTH (?:\S{1,64} )?(?=\S*\d))(\S{6,})[ \t\r]*(?=\n|$)",
        needs=("AUTH ",),
    ),
    regex(r"<Cookie [\w.-]{1,64}=(\S+) for (?=[\w./:-]{0,256}>)"),
    regex(r"AUTH(?<!\wAUTH)\r?\n(?:\$\d{1,3}\r?\n\S+\r?\n)?\$\d{1,3}\r?\n(\S+)"),
    # a line of the file in which curl and others keep cookies
    regex(r"\t(?:TRUE|FALSE)\t[^\t\n]{1,256}\t(?:TRUE|FALSE)\t\d{1,12}\t[^\t\n]{1,256}\t([^\t\r\n]+)"),
)
"""What FTP, POP3, SMTP and Redis send after a user, and how cookies are shown and stored."""
LOGIN: Final = regex(
    r" login (?<=\d login )(?:\"[^\"\r\n]{1,128}\"|[^\s\"]{1,128}) "
    r"(\"(?:[^\"\\\r\n]|\\.){1,256}\"|[^\s\"]{1,256})[ \t]{0,4}(?=\r?\n|$)"
)
"""What IMAP sends after a tag and a user; in lower case."""


def find_protocols(text: str, low: str) -> Iterator[Found]:
    """Find what follows a user. `low` is the text in lower case, character by character."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield Found(*match.span(1), "protocol")
    for match in LOGIN.finditer(low):
        yield Found(*match.span(1), "protocol")
