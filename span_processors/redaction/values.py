"""Where a value that is written in a text begins and ends, and whether it can be a secret."""

from __future__ import annotations

import re
from typing import Final

from span_processors.redaction.marks import MARK_BEGINS
from span_processors.redaction.names import Verdict, is_path, is_placeholder, looks_random
from span_processors.redaction.patterns import regex
from span_processors.redaction.vocabulary import SCHEMA_TYPES, SCHEMA_VALUES

SCHEME: Final = regex(
    r"(?:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|bot|hmac|aws4-hmac-sha256|key)[ \t]{1,4}+(?=\S)",
    re.IGNORECASE,
)
"""The scheme before a credential, which may stay."""
CLOSERS: Final = ")]}>.,;:!?"
"""What ends a sentence or closes a bracket after a bare value."""
_QUOTED: Final = {
    '"': regex(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
    "'": regex(r"'((?:[^'\\]|\\.|'')*+)'", re.DOTALL),
    "`": regex("`([^`]*+)`"),
}
_WRAPPED: Final = regex(r"(?:[A-Za-z_][\w.]{0,40}\(\s{0,4}+)?[bBrRuUfFN]{0,2}(?=[\"'`])")
_BARE: Final = regex(r"(?:[^\s\"'`,;&|<>\\]|\\(?![nrtu\"'\\])|[,;&|](?![\s\"']|$|[\w.%-]{1,64}[=:])|<(?![/\s]))++")
_TEMPLATE: Final = regex(r"<[A-Za-z _-]{1,40}>|\$?\{\{[^{}]{0,80}\}\}")
_TAGGED: Final = regex(r"[&!][\w!/.-]{0,40}[ \t]{1,8}(?=\S)")
"""An anchor or a type before a value in YAML."""
_SCHEMA: Final = regex(rf"\{{\s{{0,8}}[\"']type[\"']\s{{0,4}}:\s{{0,4}}[\"'](?:{'|'.join(SCHEMA_TYPES)})\b")
_LONGEST_SCHEMA: Final = 2_000
_SCHEMA_VALUE: Final = regex("|".join(SCHEMA_VALUES))
_PARTS: Final = regex(r"[\[\]{}()]|\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'", re.DOTALL)
_WORDS: Final = regex(r"[^\s\"',\[\]{}():]+")
_PLAIN: Final = regex(r"[a-z]+(?:[_ -][a-z]+)*|[a-z]+(?:[A-Z][a-z]+)*|[A-Z][a-z]+(?: [A-Za-z][a-z]+)*")


class Patience:
    """Counts what was read in vain, so that no text makes the rules read it again and again from within."""

    def __init__(self, text: str) -> None:
        self._left = 4 * len(text) + 65_536

    def ends(self, characters: int) -> bool:
        """Say, of so many characters more that were no secret, whether it is to be enough now."""
        self._left -= characters
        return self._left < 0


def is_secret(verdict: Verdict, value: str, *, bare: bool) -> bool:
    """Say whether `value`, as written in a text after a name with this verdict, is a secret."""
    value = value.strip()
    if is_placeholder(value):
        return False
    if verdict is Verdict.DIRECTORY:
        return not is_path(value)
    if verdict is Verdict.COUNTED:
        if value[:1] in {"[", "{", "("}:
            return any(looks_random(part) for part in _WORDS.findall(value))
        return looks_random(value)
    return not bare or value not in {"-", "=", "|"}


def value_span(text: str, start: int) -> tuple[int, int, bool] | None:
    """Return where the value that begins at `start` stands, without its quotes, and whether it has none."""
    tagged = _TAGGED.match(text, start)
    if tagged is not None:
        inner = value_span(text, tagged.end())
        if inner is not None:
            return (start, inner[1], True) if inner[2] else inner
    wrapped = _WRAPPED.match(text, start)
    if wrapped is not None:
        return _quoted(text, wrapped.end())
    if text[start : start + 1] in {"[", "{", "("} and not text.startswith(MARK_BEGINS, start):
        end = _closing(text, start)
        described = end - start < _LONGEST_SCHEMA and _SCHEMA.match(text, start)
        return None if described and not _SCHEMA_VALUE.search(text, start, end) else (start, end, True)
    scheme = SCHEME.match(text, start)
    if scheme is not None:
        start = scheme.end()
    bare = _BARE.match(text, start)
    if bare is None or _TEMPLATE.match(text, start) or text.startswith(MARK_BEGINS, start):
        return None
    value = bare[0]
    if not is_placeholder(value):
        value = value.rstrip(CLOSERS) or value
    return start, start + len(value), True


def _quoted(text: str, start: int) -> tuple[int, int, bool]:
    quote = text[start]
    if text.startswith(quote * 3, start):
        end = text.find(quote * 3, start + 3)
        return start + 3, len(text) if end < 0 else end, False
    inner = _QUOTED[quote].match(text, start)
    if inner is not None:
        begin, end = inner.span(1)
        scheme = SCHEME.match(text, begin, end)
        return scheme.end() if scheme else begin, end, False
    # Cut off before the closing quote.
    end = text.find("\n", start)
    return start + 1, len(text) if end < 0 else end, False


def _closing(text: str, start: int) -> int:
    depth = 0
    for part in _PARTS.finditer(text, start):
        if part[0] in "[{(":
            depth += 1
        elif part[0] in ")}]":
            depth -= 1
            if depth == 0:
                return part.end()
    return len(text)


def is_plain_word(text: str) -> bool:
    """Say whether `text` reads like a name of a field, so that a list of such names stays what it is."""
    return _PLAIN.fullmatch(text) is not None
