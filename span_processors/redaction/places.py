"""Secrets that are known by where they stand: URLs, authorisation schemes, shells, error messages of others."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.assignments import value_span
from span_processors.redaction.credentials import Found
from span_processors.redaction.encodings import decoded_runs
from span_processors.redaction.names import is_placeholder, looks_random
from span_processors.redaction.shell import find_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_AUTHORITY: Final = re.compile(r"[A-Za-z][\w+.-]{0,30}+:/{2,3}([^\s\"'<>/?#`\\]{1,512}+)|(?<![:\w])//([^\s\"'<>/?#`\\]{1,512}+)")
_REST: Final = re.compile(r"[/?#][^\s\"'<>`\\]{0,256}?@(?=[\w.-]{1,255}(?:[:/?\s\"']|$))")
_PORT: Final = re.compile(r"\d{1,5}$")
_GO_DSN: Final = re.compile(r"(?<=:)([^\s:@/\"']{1,256})@(?:tcp|udp|unix|tcp6)\(")
_SCHEMES: Final = re.compile(r"\b(bearer|basic|digest|token|apikey)\s{1,4}+([\w.~+/=-]{4,})", re.IGNORECASE | re.ASCII)
_SCHEME_WORDS: Final = frozenset(
    "token tokens auth authentication authorization scheme schemes header headers access credentials credential required plan tier level realm is was"
    " has the for and with type types of support usage count based here must should info information".split()
)
_DUPLICATE: Final = re.compile(r"(?<=Duplicate entry )'")
_PARAMETERS: Final = re.compile(r"\[parameters: (?=[(\[])")
_INPUT_VALUE: Final = re.compile(r"input_value=(.{0,2000}?)(?=, input_type=|\]$|\Z)", re.MULTILINE)


def find_placed(text: str, names: Names) -> Iterator[Found]:
    """Find what is a secret because of its place."""
    if "//" in text and "@" in text:
        yield from _userinfo(text)
    if "@" in text:
        for match in _GO_DSN.finditer(text):
            yield Found(match.start(1), match.end(1), "userinfo")
    for match in _SCHEMES.finditer(text):
        value = match[2]
        if _is_authorisation(match[1].lower(), value):
            yield Found(match.start(2), match.start(2) + len(value.rstrip(".")), "authorization")
    yield from find_shell(text)
    yield from _messages(text, names)


def _userinfo(text: str) -> Iterator[Found]:
    for match in _AUTHORITY.finditer(text):
        group = 1 if match[1] is not None else 2
        start, end = match.span(group)
        authority = match[group]
        at = authority.rfind("@")
        if at < 0 or at == len(authority) - 1:
            # A password may hold the characters that end the authority; a port is no password.
            _, colon, rest = authority.partition(":")
            tail = _REST.match(text, end) if colon and not _PORT.match(rest) and "[" not in authority else None
            if tail is None:
                continue
            at = tail.end() - 1 - start
            authority = text[start : tail.end()]
        user, colon, password = authority[:at].partition(":")
        if colon and password and not is_placeholder(password):
            yield Found(start + len(user) + 1, start + at, "userinfo")
        if not is_placeholder(user) and looks_random(user) and (len(user) >= 16 or not password):  # noqa: PLR2004
            yield Found(start, start + len(user), "userinfo")


def _is_authorisation(scheme: str, value: str) -> bool:
    word = value.lower().rstrip(".=")
    if word in _SCHEME_WORDS or is_placeholder(value):
        return False
    if scheme == "bearer":
        return len(value) > 5 and (looks_random(value) or not value.islower() or len(value) > 15)  # noqa: PLR2004
    if scheme == "basic":
        return any(":" in inner for _, _, inner in decoded_runs(value.ljust(16, "="))) or _short_pair(value)
    return looks_random(value) and len(value) > 15  # noqa: PLR2004


def _short_pair(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:
        return False


def _messages(text: str, names: Names) -> Iterator[Found]:
    """Find the values that databases and validators put in their messages."""
    if "Failing row contains (" in text:
        for match in re.finditer(r"Failing row contains \(", text):
            end = text.find(").", match.end())
            line = text.find("\n", match.end())
            end = end if end >= 0 else line if line >= 0 else len(text)
            yield Found(match.end(), end, "row")
    for match in _DUPLICATE.finditer(text):
        span = value_span(text, match.start())
        if span:
            yield Found(span[0], span[1], "row")
    for match in _PARAMETERS.finditer(text):
        before = text[max(0, match.start() - 4000) : match.start()]
        if any(names[word] for word in re.findall(r"[A-Za-z_]\w{1,63}", before)):
            end = text.find(")]", match.end())
            yield Found(match.end(), len(text) if end < 0 else end + 1, "row")
    if "input_value=" in text:
        yield from _validation(text, names)


def _validation(text: str, names: Names) -> Iterator[Found]:
    for match in _INPUT_VALUE.finditer(text):
        line = text.rfind("\n", 0, match.start())
        above = text[text.rfind("\n", 0, max(line, 0)) + 1 : max(line, 0)]
        field = above.strip().rpartition(".")[2]
        if field and names[field] and not is_placeholder(match[1]):
            yield Found(match.start(1), match.end(1), "field")
