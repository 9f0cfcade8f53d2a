"""Secrets that stand in a text after a name: `password=S`, `"token": "S"`, `--api-key S`, headers, YAML, SQL, source code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.names import Verdict, is_placeholder, looks_random

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_NAME: Final = r"(?<![\w.%-])([\w.%-]{2,}+)"
_ASSIGNED: Final = re.compile(_NAME + r"([\"'`\])]{0,3}+)[ \t]{0,16}+(?:=>|:=|={1,3}|:(?!//)|<-)[ \t]{0,16}+")
_OPTION: Final = re.compile(r"-(?<![\w-]-)-?([\w-]{2,}+)[\"']?[ \t]{1,8}+(?![-\s|&;<>])")
_PAIR: Final = re.compile(r"([\"'])(-{0,2}[\w.%:-]{2,64}+)\1\s{0,8}+,\s{0,8}+b?(?=[\"'])")
_NAMED: Final = re.compile(
    r"(?:name|key|field|header|param|id)[\"']?\s{0,4}+[=:]\s{0,4}+[\"']([\w .-]{2,64}+)[\"'][^<>{}\[\]]{0,80}?"
    r"\b(?:value|content|val)[\"']?\s{0,4}+[=:]\s{0,4}+"
)
_ELEMENT: Final = re.compile(r"<(?:[\w.-]{1,40}:)?([\w.-]{2,64}+)(?:\s[^<>]{0,400}+)?>(?!\s*<)")
_SQL: Final = re.compile(
    r"(?:password|passwd|pwd|secret|identified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?(?:by|as))\s{0,8}+\(?\s{0,4}+[enx]?(?=['\"])"
)
_TOLD: Final = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|key|code|pin|otp|credentials?)(?!\w)"
    r"(?=\s{1,4}+(?:(?:is|was|of|to|now|as)\s{1,4}+(?:now\s{1,4}+|set\s{1,4}+to\s{1,4}+)?)?([\"'`]?)([^\s\"'`]{4,}))"
)
_LOGIN: Final = re.compile(r"\bpassword[ \t]{1,8}+(\S+)")

_WORD_BEFORE: Final = re.compile(r"[\w.%-]{0,60}$")
_BEFORE: Final = re.compile(r"([A-Za-z][\w-]{0,40})[ ]$")
_TWO_WORDS: Final = re.compile(r"(?:^|[^a-z])(?:keys?|tokens?|codes?|numbers?|phrase|string|pass|secret)$", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:bearer|basic|token|digest|negotiate|ntlm|apikey|api-key|bot|hmac|aws4-hmac-sha256|key)[ \t]{1,4}+(?=\S)", re.IGNORECASE)
_LINE_NAMES: Final = re.compile(r"(?:^|[^a-z])(?:cookie|authorization)s?\d?$", re.IGNORECASE)
_PHRASES: Final = re.compile(r"phrase$|mnemonic$|seed$", re.IGNORECASE)
_QUOTED: Final = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]|\\.|'')*+)'", re.DOTALL),
    "`": re.compile("`([^`]*+)`"),
}
_WRAPPED: Final = re.compile(r"(?:[A-Za-z_][\w.]{0,40}\(\s{0,4}+)?[bBrRuUfFN]{0,2}(?=[\"'`])")
_BARE: Final = re.compile(r"(?:[^\s\"'`,;&|<>\\]|\\(?![nrtu\"'\\])|[,;&|](?![\s\"']|$|[\w.%-]{1,64}[=:])|<(?![/\s]))++")
_LINE: Final = re.compile(r"[^\r\n\"'`]*+")
_WHOLE_LINE: Final = re.compile(r"[^\r\n]*+")
_BLOCK: Final = re.compile(r"[|>]?[+-]?\d?[ \t]*+\r?\n")
_LINE_START: Final = re.compile(r"(?:^|\n)[ \t-]{0,80}(?:export[ \t]|set[ \t])?$")
_CLOSERS: Final = ")]}>.,;:!?"
_PARTS: Final = re.compile(r"[\[\]{}()]|\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'", re.DOTALL)
_ANNOTATED: Final = re.compile(r"(?!\d)[\w.]{1,40}(?:\[[\w., |\[\]]{0,60}\])?(?: ?\| ?\w{1,40}){0,3}(?:[ \t]?=[ \t]?|(?=[,)]))")
_CODE: Final = re.compile(
    r"(?:self|cls|os|settings|config|cfg|conf|args|kwargs|env|environ|request|req|params|options|opts|ctx|context|app|this|process|secrets|data"
    r"|payload|getpass|creds|credentials|user|client|session|response|resp)\.[A-Za-z_][\w.]*[(\[]?[\w.,)\]]*|[A-Za-z_][\w.]*\([^()]{0,60}\)?"
)
# What follows `password:` in prose, and is none.
_PROSE: Final = frozenset(
    """a an and are as at be been but by can cannot can't contains could did do does doesn't empty error expired failed field for found from
    had has have he her his i if in incorrect invalid is isn't it its length long match matches max maximum may min minimum minimum. missing must need
    needed needs no none not null of off ok on one only or our please policy provided required reset see she short should so that the their then there
    these they this those to too unknown unset use value was we weak when which while will with without wrong yes you your string optional
    type default enter choose change forgot forgotten new old current confirm confirmation at least accepted rejected denied updated changed
    authentication auth scheme header headers tokens token format count used""".split()
)


def find_assignments(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find the values that a text gives to sensitive names. `low` is the text in lower case, character by character."""
    position = 0
    while match := _ASSIGNED.search(text, position):
        position = match.end()
        name = match[1].lstrip("-")
        verdict = _verdict(text, match.start(1), name, names)
        if not verdict:
            continue
        quoted_name = match[2].startswith(('"', "'"))
        for found in _value(text, match, name, verdict, quoted=quoted_name):
            yield found
            position = max(position, found.end)
    yield from _other_forms(text, low, names)


def _verdict(text: str, start: int, name: str, names: Names) -> Verdict | None:
    """Judge a name, and where it is the last of two words (`API key`), both."""
    verdict = names[name]
    if start and text[start - 1] in "?&#" and name.lower() in {"sig", "signature", "key", "code", "sid", "st", "hmac"}:
        return Verdict.SECRET if name.lower() in {"sig", "signature"} else Verdict.COUNTED
    if start and text[start - 1] == " " and _TWO_WORDS.search(name):
        before = _BEFORE.search(text, max(0, start - 42), start)
        if before is not None:
            return names[f"{before[1]} {name}"]
    return verdict


def _value(text: str, match: re.Match[str], name: str, verdict: Verdict, *, quoted: bool) -> Iterator[Found]:
    start = match.end()
    separator = text[match.end(2) : start].strip()
    if separator == ":" and (annotation := _ANNOTATED.match(text, start)) and not quoted:
        if not annotation[0].endswith(("=", "= ")):
            return
        start = annotation.end()
    block = _BLOCK.match(text, start)
    at_line_start = _LINE_START.search(text, max(0, match.start() - 80), match.start(1)) is not None
    if block is not None:
        if at_line_start and separator == ":":
            yield from _indented(text, match.start(1), block.end())
        return
    if _LINE_NAMES.search(name) and text[start : start + 1] not in {'"', "'", "[", "{", "("}:
        scheme = _SCHEME.match(text, start)
        quotes = match.start() and text[match.start() - 1] in "\"'`"
        # A digest has quotes within, as has no other header of these; it ends with the line, or where its own quote does.
        whole = _WHOLE_LINE if scheme and scheme[0].lower().startswith("digest") and not quotes else _LINE
        end = whole.match(text, start).end()  # type: ignore[union-attr]  (it matches the empty text, too)
        start = scheme.end() if scheme else start
        rest = text[start:end].rstrip()
        if rest and not is_placeholder(rest) and rest.partition(" ")[0].lower() not in _PROSE:
            yield Found(start, start + len(rest), "field")
        return
    span = value_span(text, start)
    if span is None:
        return
    start, end, bare = span
    value = text[start:end]
    if bare:
        first = value.lower().rstrip(_CLOSERS)
        if separator == ":" and not quoted and first in _PROSE:
            return
        if _CODE.fullmatch(value) or value == name or (verdict is Verdict.SECRET and first in {"true", "false", "none", "null"}):
            return
        if at_line_start and not quoted and (separator == ":" or _PHRASES.search(name)):
            line = _LINE.match(text, start)
            if line is not None and "=" not in line[0] and ":" not in line[0] and "," not in line[0]:
                end = start + len(line[0].rstrip())
    if is_secret(verdict, value, bare=bare):
        yield Found(start, end, "field" if verdict is not Verdict.PATTERN else "pattern", quoted=bare and quoted)


def is_secret(verdict: Verdict, value: str, *, bare: bool) -> bool:
    """Say whether `value`, as written in a text after a name with this verdict, is a secret."""
    value = value.strip()
    if is_placeholder(value):
        return False
    if verdict is Verdict.DIRECTORY:
        return value[:1] not in {"/", "~", "."} and value[1:2] != ":"
    if verdict is Verdict.COUNTED:
        if value[:1] in {"[", "{", "("}:
            return any(looks_random(part) for part in re.findall(r"[^\s\"',\[\]{}():]+", value))
        return looks_random(value)
    return not bare or value not in {"-", "=", "|"}


def value_span(text: str, start: int) -> tuple[int, int, bool] | None:
    """Return where the value that begins at `start` stands, without its quotes, and whether it has none."""
    wrapped = _WRAPPED.match(text, start)
    if wrapped is not None:
        start = wrapped.end()
        quote = text[start]
        if text.startswith(quote * 3, start):
            end = text.find(quote * 3, start + 3)
            return start + 3, len(text) if end < 0 else end, False
        inner = _QUOTED[quote].match(text, start)
        if inner is not None:
            begin, end = inner.span(1)
            scheme = _SCHEME.match(text, begin, end)
            return scheme.end() if scheme else begin, end, False
        # Cut off before the closing quote.
        end = text.find("\n", start)
        return start + 1, len(text) if end < 0 else end, False
    if text[start : start + 1] in {"[", "{", "("} and not text.startswith("[REDACTED:", start):
        return start, _closing(text, start), True
    scheme = _SCHEME.match(text, start)
    if scheme is not None:
        start = scheme.end()
    bare = _BARE.match(text, start)
    if bare is None:
        return None
    if text.startswith("[REDACTED:", start):
        return None
    value = bare[0]
    if not is_placeholder(value):
        value = value.rstrip(_CLOSERS) or value
    return start, start + len(value), True


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


def _indented(text: str, name_start: int, position: int) -> Iterator[Found]:
    """Find the block of lines that belongs to a name: those that are indented more, or items of its list."""
    margin = name_start - (text.rfind("\n", 0, name_start) + 1)
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        content = line.strip()
        indent = len(line) - len(line.lstrip())
        if content and indent <= margin and not (indent == margin and content.startswith("- ")):
            return
        if content:
            start = position + indent + (2 if content.startswith("- ") else 0)
            if not is_placeholder(text[start:end].strip()):
                yield Found(start, position + len(line.rstrip()), "field")
        position = end + 1


def _other_forms(text: str, low: str, names: Names) -> Iterator[Found]:
    for match in _OPTION.finditer(text):
        verdict = names[match[1]]
        if verdict and (span := value_span(text, match.end())) and is_secret(verdict, text[span[0] : span[1]], bare=span[2]):
            yield Found(span[0], span[1], "field")
    for match in _PAIR.finditer(text):
        verdict = names[match[2].lstrip("-").rstrip(":")]
        if verdict and (span := value_span(text, match.end())):
            value = text[span[0] : span[1]]
            if is_secret(verdict, value, bare=False) and (match[2].startswith("--") or not is_plain_word(value)):
                yield Found(span[0], span[1], "field")
    for match in _NAMED.finditer(low) if "val" in low or "content" in low else ():
        verdict = names[text[match.start(1) : match.end(1)]]
        if verdict and (span := value_span(text, match.end())) and is_secret(verdict, text[span[0] : span[1]], bare=False):
            yield Found(span[0], span[1], "field")
    if "</" in text or "/>" in text:
        for match in _ELEMENT.finditer(text):
            verdict = names[match[1]]
            if verdict:
                end = text.find("<", match.end())
                end = len(text) if end < 0 else end
                if is_secret(verdict, text[match.end() : end], bare=False):
                    yield Found(match.end(), end, "field")
    for match in _SQL.finditer(low):
        span = value_span(text, match.end())
        if span and is_secret(Verdict.SECRET, text[span[0] : span[1]], bare=False):
            yield Found(span[0], span[1], "sql")
    for match in _TOLD.finditer(low):
        word = _WORD_BEFORE.search(text, max(0, match.start() - 60), match.start())
        start = word.start() if word else match.start()
        if _verdict(text, start, text[start : match.end()].lstrip("-"), names) is Verdict.SECRET:
            value = text[match.start(2) : match.end(2)].rstrip(_CLOSERS)
            if (match[1] and not is_placeholder(value)) or looks_random(value) or (value.isdigit() and not match[1]):
                yield Found(match.start(2), match.start(2) + len(value), "field")
    if "machine " in text or "login " in text:
        for match in _LOGIN.finditer(text):
            yield Found(match.start(1), match.end(1), "field")


def is_plain_word(text: str) -> bool:
    """Say whether `text` reads like a name of a field, so that a list of such names stays what it is."""
    return re.fullmatch(r"[a-z]+(?:[_ -][a-z]+)*|[a-z]+(?:[A-Z][a-z]+)*|[A-Z][a-z]+(?: [A-Za-z][a-z]+)*", text) is not None
