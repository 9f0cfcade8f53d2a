"""Passwords in URLs and other addresses: `scheme://user:S@host`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.names import is_placeholder, looks_random
from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_AUTHORITY: Final = regex("/{2,3}([^\\s\"'<>/?#`\\\\]{1,512}+)")
_REST: Final = regex(r"[/?#][^\s\"'<>`\\]{0,256}?@(?=[\w.-]{1,255}(?:[:/?\s\"']|$))")
_PORT: Final = regex(r"\d{1,5}$")
_GO_DSN: Final = regex(r"(?<=:)([^\s:@/\"']{1,256})@(?:tcp|udp|unix|tcp6)\(")
_ORACLE: Final = regex(r"(?:thin:|oci8?:|sqlplus (?:-\w{1,8} ){0,4})[\w$#]{1,128}+/([^\s@/\"']{1,256}+)(?=@)")
"""An address as Oracle writes it: `jdbc:oracle:thin:user/S@host`."""
_LONG: Final = 16


def find_userinfo(text: str, low: str) -> Iterator[Found]:
    """Find what stands before the `@` of an address: the password, or a token that has the user's place.

    `low` is the text in lower case, character by character.
    """
    if "@" not in text:
        return
    if "//" in text:
        for match in _AUTHORITY.finditer(text):
            yield from _in_authority(text, match.start(1), match[1])
    for match in oracle_addresses(low):
        yield Found(match.start(1), match.end(1), "userinfo")
    if "@tcp" in text or "@udp" in text or "@unix" in text:
        for match in _GO_DSN.finditer(text):
            yield Found(match.start(1), match.end(1), "userinfo")


def oracle_addresses(low: str) -> Iterator[re.Match[str]]:
    """Return where a text, given in lower case, has a password as Oracle writes it, which is the first group."""
    return _ORACLE.finditer(low) if "thin:" in low or "oci" in low or "sqlplus " in low else iter(())


def _in_authority(text: str, start: int, authority: str) -> Iterator[Found]:
    at = authority.rfind("@")
    if at < 0 or at == len(authority) - 1:
        # A password may hold the characters that end the authority; a port is no password.
        _, colon, rest = authority.partition(":")
        port = _PORT.match(rest) or "[" in authority
        tail = _REST.match(text, start + len(authority)) if colon and not port else None
        if tail is not None:
            at = tail.end() - 1 - start
            authority = text[start : tail.end()]
        elif at < 0:
            return
    user, colon, password = authority[:at].partition(":")
    if colon and password and not is_placeholder(password):
        yield Found(start + len(user) + 1, start + at, "userinfo")
    if looks_random(user) and not is_placeholder(user) and (len(user) >= _LONG or not password):
        yield Found(start, start + len(user), "userinfo")
