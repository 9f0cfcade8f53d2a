"""Secrets that a text assigns to a name: `password=S`, `"token": "S"`, headers, YAML, source code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.marks import MARK_BEGINS
from span_processors.redaction.names import Verdict, is_placeholder, looks_random
from span_processors.redaction.patterns import regex
from span_processors.redaction.values import CLOSERS, SCHEME, Patience, is_secret, value_span
from span_processors.redaction.vocabulary import ACTIONS, PROSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_ASSIGNED: Final = regex(
    r"(?<![\w.%-])([\w.%-]{2,}+)([\"'`\[\])]{0,3}+)[ \t]{0,16}+(=>|[:?]=|={1,3}|:(?!//)|<-|!==?|->|→)"
    r"(?:\*\*(?!\*)|__(?!_)|</\w{1,8}>(?:\s{0,4}<\w{1,8}>)?)?[ \t]{0,16}+"
)
_LINE_START: Final = regex(r"(?:^|\n)[ \t-]{0,80}(?:export[ \t]|set[ \t])?$")
_LINE_START_REACH: Final = 80
_LINE: Final = regex(r"[^\r\n\"'`]*+")
_WHOLE_LINE: Final = regex(r"[^\r\n]*+")
_BLOCK: Final = regex(r"[|>]?[+-]?\d?[ \t]*+\r?\n")
_HEADERS: Final = regex(r"(?:^|[^a-z])(?:cookie|authorization)s?\d?$", re.IGNORECASE)
_COOKIE_ATTRIBUTE: Final = regex(
    r"\s*(?:path=/[\w./-]*|domain=[\w.-]+|expires=[\w ,:-]{1,40}|max-age=-?\d{1,12}|samesite=\w{1,8}|priority=\w{1,8}"
    r"|httponly|secure|partitioned)?\s*",
    re.IGNORECASE,
)
_PHRASES: Final = ("phrase", "mnemonic", "seed")
_ANNOTATED: Final = regex(
    r"(?!\d)[\w.]{1,40}(?:\[[\w., |\[\]]{0,60}\])?(?: ?\| ?\w{1,40}){0,3}[ \t]?=[ \t]?(?=[\w\"'`(\[{])"
    r"|(?:str|bytes|int|bool|float|None|Any|Optional|Union|[Ll]ist|[Dd]ict|Secret\w*|string|number)\b"
    r"[\w., |\[\]]{0,60}(?=[,)])"
)
"""The rest of `name: type = value` and `name: type)` in source code."""
_CODE: Final = regex(
    r"(?:self|cls|os|settings|config|cfg|conf|args|kwargs|env|environ|request|req|params|options|opts|ctx|context|app|this"
    r"|process|secrets|data|payload|getpass|creds|credentials|user|client|session|response|resp)"
    r"\.[A-Za-z_][\w.]*[(\[]?[\w.,)\]]*|[A-Za-z_][\w.]*\([^()]{0,60}\)?"
)
_QUERY_NAMES: Final = {
    "sig": Verdict.SECRET,
    "signature": Verdict.SECRET,
    **dict.fromkeys(("key", "code", "sid", "st", "hmac"), Verdict.COUNTED),
}
_TWO_WORDS: Final = regex(r"(?:^|[^a-z])(?:keys?|tokens?|codes?|numbers?|phrase|string|pass|secret)$", re.IGNORECASE)
_SECOND_WORDS: Final = (
    *("key", "keys", "token", "tokens", "code", "codes", "number", "numbers", "phrase", "string", "pass", "secret"),
)
_PARAMETER_ENDS: Final = {"?": "#", "&": "#", ";": "?"}
"""What ends a parameter of a URL, by what begins it."""
_SECRET_ARN: Final = regex(r"arn:[\w-]{1,20}:secretsmanager:[^\s:]{0,40}:\d{0,12}:$")
"""The name of a stored secret follows, and not the secret."""
_ARN_REACH: Final = 120
_COMPARED: Final = ("!=", "!==", "->", "→")
"""Signs that stand between other things as well: after them, only what looks random, or is quoted, is a secret."""
_LOOKED_UP: Final = regex(r"(?:get|getenv|config|env|load|read|fetch|lookup|require)\w{0,20}\($", re.IGNORECASE)
_LOOKUP_REACH: Final = 80
_BELOW: Final = regex(r"\s{0,24}+(?:[-*] )?([^\s:=]{6,})[ \t]*(?:\r?\n|$)")
_SAME: Final = regex(r"[\w.$]+(?=[),;\]}&|]|$)")
_WORD_BEFORE: Final = regex(r"([A-Za-z][\w-]{0,40})[ ]$")
_WORD_REACH: Final = 42


def find_assignments(text: str, names: Names) -> Iterator[Found]:
    """Find the values that a text assigns to sensitive names."""
    harmless: set[str] = set()  # wherever they stand; logs repeat a few names many thousand times
    patience = Patience(text)
    matches = _ASSIGNED.finditer(text)
    while match := next(matches, None):
        name = match[1]
        if name in harmless:
            continue
        name = name.lstrip("-")
        verdict = judge_in_text(text, match.start(), name, names)
        if not verdict:
            if not names[name] and name.lower() not in _QUERY_NAMES and not name.lower().endswith(_SECOND_WORDS):
                harmless.add(match[1])
        else:
            assigned, read = _assigned(text, match, verdict)
            yield from assigned
            if assigned:
                matches = _ASSIGNED.finditer(text, max(match.end(), *(found.end for found in assigned)))
            elif patience.ends(read - match.end()):
                yield Found(match.end(), len(text), "field")
                return


def judge_in_text(text: str, start: int, name: str, names: Names) -> Verdict | None:
    """Judge the name at `start`: as a parameter of a URL, as the last of two words (`API key`), or by itself."""
    sign = text[start - 1] if start else ""
    if sign == ":":
        if text.startswith(MARK_BEGINS, max(0, start - len(MARK_BEGINS))):
            return None
        if _SECRET_ARN.search(text, max(0, start - _ARN_REACH), start):
            return None
    elif sign == " ":
        if name.lower().endswith(_SECOND_WORDS) and _TWO_WORDS.search(name):
            before = _WORD_BEFORE.search(text, max(0, start - _WORD_REACH), start)
            if before is not None:
                return names[f"{before[1]} {name}"]
    elif sign and sign in "?&#" and name.lower() in _QUERY_NAMES:
        return _QUERY_NAMES[name.lower()]
    return names[name]


def _assigned(text: str, match: re.Match[str], verdict: Verdict) -> tuple[list[Found], int]:
    """Find what the assignment that `match` begins assigns; return it, and up to where the text was read for it."""
    start = match.end()
    colon = match[3] == ":"
    quoted = match[2].startswith(('"', "'"))
    if colon and not quoted and (annotation := _ANNOTATED.match(text, start)):
        if "=" not in annotation[0]:
            return [], start
        start = annotation.end()
    name = match[1].lower()
    head = colon or name.endswith(_PHRASES)  # only these need to know, and to look costs more than the rest
    head = head and _LINE_START.search(text, max(0, match.start() - _LINE_START_REACH), match.start(1)) is not None
    block = _BLOCK.match(text, start)
    if block is not None:
        below = [*_indented(text, match.start(1), block.end())] if head and colon else []
        return [*below, *_below(text, block.end())], block.end()
    if (
        ("cookie" in name or "authorization" in name)
        and _HEADERS.search(name)
        and text[start : start + 1] not in {'"', "'", "[", "{", "("}
    ):
        return _header(text, match, start)
    return _value(text, match, start, verdict, head=head and not quoted)


def _header(text: str, match: re.Match[str], start: int) -> tuple[list[Found], int]:
    """Find the rest of the line: all cookies, and what follows the scheme of an authorisation."""
    scheme = SCHEME.match(text, start)
    quoted = match.start() > 0 and text[match.start() - 1] in "\"'`"
    # A digest has quotes within; it ends with the line, unless the whole header is quoted.
    digest = scheme is not None and scheme[0].lower().startswith("digest") and not quoted
    line = (_WHOLE_LINE if digest else _LINE).match(text, start)
    start = scheme.end() if scheme else start
    end = line.end() if line else start
    rest = text[start:end].rstrip()
    if match[1].lower().endswith("set-cookie"):
        rest = _without_attributes(rest)
    if rest and not is_placeholder(rest) and rest.partition(" ")[0].lower() not in PROSE:
        return [Found(start, start + len(rest), "field")], end
    return [], end


def _without_attributes(cookie: str) -> str:
    """Return a cookie without what a server says about it: how long it lasts, and where it is sent."""
    parts = cookie.split(";")
    while len(parts) > 1 and _COOKIE_ATTRIBUTE.fullmatch(parts[-1]):
        parts.pop()
    return ";".join(parts)


def _value(text: str, match: re.Match[str], start: int, verdict: Verdict, *, head: bool) -> tuple[list[Found], int]:
    span = value_span(text, start)
    if span is None:
        return [], start
    start, end, bare = span
    read = end
    value = text[start:end]
    colon = match[3] == ":"
    quoted = match[2].startswith(('"', "'"))
    if _is_used(text, match, span):
        return [], read
    if bare:
        value = value.partition(_PARAMETER_ENDS.get(text[match.start() - 1 : match.start()], value + " "))[0]
        end = start + len(value)
        if (colon and not quoted and value.lower().rstrip(CLOSERS) in PROSE) or _names_a_value(value, match[1]):
            return [], read
        if head:
            line = _LINE.match(text, start)
            if line and not any(sign in line[0] for sign in "=:,"):
                end = start + len(line[0].rstrip())
    if is_secret(verdict, value, bare=bare):
        rule = "pattern" if verdict is Verdict.PATTERN else "field"
        return [Found(start, end, rule, quoted=bare and quoted)], read
    return [], read


def _is_used(text: str, match: re.Match[str], span: tuple[int, int, bool]) -> bool:
    """Say whether what looks assigned is compared, or looked up, or is the user of an address, or a permission."""
    start, end, bare = span
    value = text[start:end]
    if match[3] in _COMPARED:
        return ")" in match[2] or (bare and not looks_random(value))
    if not bare:
        if not text.startswith("(", start - 2):
            return False
        called = _LOOKED_UP.search(text, max(0, start - _LOOKUP_REACH), start - 1)
        return called is not None and not looks_random(value)
    user = "@" in value and text.startswith("//", match.start(1) - 2)
    permission = match.end() == match.end(3) and value.lower() in ACTIONS
    return match[3] == ":" and (user or permission)


def _names_a_value(value: str, name: str) -> bool:
    """Say whether source code gets the value from elsewhere: `token=self.token`, `password=password`."""
    same = _SAME.match(value)
    return (same is not None and same[0].rpartition(".")[2] == name.rpartition(".")[2]) or _CODE.fullmatch(
        value
    ) is not None


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


def _below(text: str, position: int) -> Iterator[Found]:
    """Find the lines below a name that hold one word each, and no word of a language."""
    while (line := _BELOW.match(text, position)) and looks_random(line[1]):
        yield Found(*line.span(1), "field")
        position = line.end()
