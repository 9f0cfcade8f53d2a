"""Secrets that are known by where they stand: URLs, authorisation schemes, shells, error messages of others."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.assignments import value_span
from span_processors.redaction.credentials import Found
from span_processors.redaction.encodings import decoded_runs
from span_processors.redaction.names import Verdict, is_placeholder, looks_random
from span_processors.redaction.shell import find_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_AUTHORITY: Final = re.compile(r"[A-Za-z][\w+.-]{0,30}+:/{2,3}([^\s\"'<>/?#`\\]{1,512}+)|(?<![:\w])//([^\s\"'<>/?#`\\]{1,512}+)")
_REST: Final = re.compile(r"[/?#][^\s\"'<>`\\]{0,256}?@(?=[\w.-]{1,255}(?:[:/?\s\"']|$))")
_PORT: Final = re.compile(r"\d{1,5}$")
_GO_DSN: Final = re.compile(r"(?<=:)([^\s:@/\"']{1,256})@(?:tcp|udp|unix|tcp6)\(")
_SCHEMES: Final = re.compile(r"(bearer|basic|digest|token|apikey)\s{1,4}+([\w.~+/=-]{4,})", re.ASCII)
_SCHEME_WORDS: Final = frozenset(
    "token tokens auth authentication authorization scheme schemes header headers access credentials credential required plan tier level realm is was"
    " has the for and with type types of support usage count based here must should info information".split()
)
_DUPLICATE: Final = re.compile("Duplicate entry (?=')")
_INSERT: Final = re.compile(r"insert\s{1,4}into\s{1,4}[^\s(]{1,200}\s{0,4}\(([^()]{1,2000})\)\s{0,4}values\s{0,4}")
_TUPLE: Final = re.compile(r"\(((?:[^()'\"]|'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.)*+\")*+)\)\s{0,4},?\s{0,4}")
_CELL: Final = re.compile(r"\s*(?:[NEx]?'((?:[^'\\]|\\.|'')*+)'|\"((?:[^\"\\]|\\.)*+)\"|([^,'\"]+))\s*(?:,|$)")
_HEADINGS: Final = re.compile(r"(?:^|(?<=\n))([\w .-]{1,64}(?:([,;\t|])[\w .-]{1,64})(?:\2[\w .-]{1,64}){0,200})\r?\n")
_PARAMETERS: Final = re.compile(r"\[parameters: (?=[(\[])")
_WORDS: Final = re.compile(r"[A-Za-z_]\w{1,63}")
_STATEMENT: Final = 20_000
_INPUT_VALUE: Final = re.compile(r"input_value=(.{0,2000}?)(?=, input_type=|\]$|\Z)", re.MULTILINE)


def find_placed(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find what is a secret because of its place. `low` is the text in lower case, character by character."""
    if "//" in text and "@" in text:
        yield from _userinfo(text)
    if "@tcp" in text or "@udp" in text or "@unix" in text:
        for match in _GO_DSN.finditer(text):
            yield Found(match.start(1), match.end(1), "userinfo")
    for match in _SCHEMES.finditer(low):
        value = text[match.start(2) : match.end(2)]
        if _is_authorisation(match[1], value):
            yield Found(match.start(2), match.start(2) + len(value.rstrip(".")), "authorization")
    yield from find_shell(text)
    yield from _messages(text, names)
    yield from _columns(text, low, names)


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
    position = text.find("Failing row contains (")
    while position >= 0:
        start = position + len("Failing row contains (")
        end = text.find(").", start)
        yield Found(start, len(text) if end < 0 else end, "row")
        position = text.find("Failing row contains (", end) if end >= 0 else -1
    for match in _DUPLICATE.finditer(text):
        span = value_span(text, match.end())
        if span:
            yield Found(span[0], span[1], "row")
    bound = _PARAMETERS.search(text)
    if bound is not None and any(names[word] for word in _WORDS.findall(text, max(0, bound.start() - _STATEMENT), bound.start())):
        # Positional, so nothing says which of them it is.
        end = text.find("\n", bound.end())
        yield Found(bound.end(), len(text) if end < 0 else end, "row")
    if "input_value=" in text:
        yield from _validation(text, names)


def _validation(text: str, names: Names) -> Iterator[Found]:
    for match in _INPUT_VALUE.finditer(text):
        line = text.rfind("\n", 0, match.start())
        above = text[text.rfind("\n", 0, max(line, 0)) + 1 : max(line, 0)]
        field = above.strip().rpartition(".")[2]
        if field and names[field] and not is_placeholder(match[1]):
            yield Found(match.start(1), match.end(1), "field")


def _columns(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find the values of sensitive columns: of the rows that a statement inserts, and of a table that begins with its headings."""
    for match in _INSERT.finditer(low):
        columns = [at for at, name in enumerate(match[1].split(",")) if names[name.strip(" `\"[]")]]
        row = _TUPLE.match(text, match.end()) if columns else None
        while row is not None:
            for at, cell in enumerate(_CELL.finditer(text, row.start(1), row.end(1))):
                if at in columns and cell.lastindex and not is_placeholder(cell[cell.lastindex].strip()):
                    yield Found(*cell.span(cell.lastindex), "sql")
            row = _TUPLE.match(text, row.end())
    headings = _HEADINGS.match(text)
    if headings is None:
        return
    divider = headings[2]
    titles = headings[1].split(divider)
    columns = [at for at, name in enumerate(titles) if names[name.strip()] is Verdict.SECRET]
    position = headings.end() if columns else len(text)
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        cells = text[position:end].split(divider)
        if len(cells) == len(titles):
            for at in columns:
                start = position + sum(map(len, cells[:at])) + at
                if not is_placeholder(cells[at].strip(' "\r')):
                    yield Found(start, start + len(cells[at].rstrip("\r")), "field")
        position = end + 1
