"""Secrets that a text ties to a name without a sign between them: options, pairs, SQL, protocols, prose."""

from __future__ import annotations

import base64
import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from span_processors.redaction.assignments import judge_in_text
from span_processors.redaction.credentials import Found
from span_processors.redaction.encodings import decoded_runs
from span_processors.redaction.markup import find_in_markup
from span_processors.redaction.names import Verdict, is_placeholder, looks_random
from span_processors.redaction.patterns import regex
from span_processors.redaction.protocols import find_protocols
from span_processors.redaction.values import CLOSERS, Patience, is_plain_word, is_secret, value_span
from span_processors.redaction.vocabulary import PROSE, SCHEME_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_OPTION: Final = regex(r"-(?<![\w-]-)-?([\w-]{2,}+)[\"']?[ \t]{1,8}+(?![-\s|&;<>])")
_PAIR: Final = regex(r"([\"'])(-{0,2}[\w.%-]{2,64}+:?)\1\s{0,8}+,\s{0,8}+b?(?=[\"'])")
_DESCRIBED: Final = regex(
    r"(?:name|key|field|header|param|id)[\"']?\s{0,4}+[=:]\s{0,4}+[\"']?([\w .-]{2,64}+)[\"']?[^<>{}\[\]]{0,80}?"
    r"\b(?:value|content|val)[\"']?\s{0,4}+[=:]\s{0,4}+"
)
_VALUE_FIELD: Final = (
    regex(r"val(?:ue)?[\"']?\s{0,4}+[=:]"),
    regex(r"content[\"']?\s{0,4}+[=:]"),
)
"""What the pattern above ends with, which is found far sooner than what it begins with."""
_VARIABLE: Final = regex(r"variable\s{1,4}\"([\w-]{2,64}+)\"\s{0,4}\{[^{}]{0,400}?\bdefault\s{0,8}=\s{0,8}(?=[\"'])")
"""As Terraform declares it."""
_SQL: Final = regex(
    r"(?:password|passwd|pwd|secret|identified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?(?:by|as))"
    r"(?:\s{1,8}+|\s{0,4}+\(\s{0,4}+)[enx]?(?=['\"])",
    needs=("password", "passwd", "pwd", "secret", "identified"),
)
_TOLD: Final = regex(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|key|code|pin|otp|credentials?)(?!\w)"
    r"(?=\s{1,4}+(?:(?:has\s|have\s)?(?:been\s)?(is|was|of|to|now|as|set to|changed to|reset to|updated to"
    r"|(?:is\s)?(?:created|generated|issued)(?:\sfor\s\S{1,64})?:|equal to)\s{1,4}+"
    r"(?:now\s{1,4}+|set\s{1,4}+to\s{1,4}+)?)?([\"'`]?)([^\s\"'`]{4,}))"
)
_CODE_TOLD: Final = regex(r"is your (?=[\w -]{0,40}(?:code|pin|password|otp)\b)")
_CODE_BEFORE: Final = regex(r"(?<![\w.-])([\w-]{4,12})\s{1,4}+$")
_CODE_REACH: Final = 16
_WRAPPERS: Final = (
    regex(r"Secret(?<!\wSecret)(?:Str|Bytes)?\(b?(?=[\"'])"),
    regex(r"BasicAuth(?:\(|entication\()\s{0,4}[^,()]{1,128},\s{0,4}(?=[\"'])"),
    regex(r"SecureString\s{1,4}(?=[\"'])"),
)
"""Types that hold nothing but secrets."""
_DATA: Final = regex(r"(?:^|\n)(?:data|stringData):[ \t]*\r?((?:\n[ \t]+[^\n]*)+)")
_ENTRY: Final = regex(r"\n[ \t]+[\w.-]+:[ \t]+([^\s|>][^\r\n]*|[|>][^\n]*(?:\n[ \t]{4,}[^\n]*)+)")
"""An entry of a secret of Kubernetes."""
_LINK: Final = regex(
    r"/[\w-]{0,20}(?:password|reset|verify|verification|confirm|activate|activation|magic|invite|invitation|unlock|token)"
    r"[\w-]{0,20}/([\w.~=-]{16,})(?=[/?#\s\"'<>).,]|$)",
    re.IGNORECASE,
)
_NAME_REACH: Final = 60
_NAME_BACKWARDS: Final = regex(r"[\w.%-]*+")
_NETRC: Final = regex(r"\bpassword[ \t]{1,8}+(\S+)")
_SCHEME: Final = regex(
    r"(bearer|basic|digest|token|apikey)\s{1,4}+([\w.~+/=-]{4,})",
    re.ASCII,
    needs=("bearer", "basic", "digest", "token", "apikey"),
)
_LONG: Final = 16
_SHORT: Final = 6


def find_forms(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find the values that stand by sensitive names. `low` is the text in lower case, character by character."""
    yield from _options_and_pairs(text, names)
    yield from _descriptions(text, low, names)
    yield from find_in_markup(text, low, names)
    yield from _statements(text, low)
    yield from _prose(text, low, names)
    yield from _places(text, low)


def find_authorisations(text: str, low: str) -> Iterator[Found]:
    """Find what follows `Bearer` and other schemes."""
    for match in _SCHEME.finditer(low):
        value = text[match.start(2) : match.end(2)]
        if _is_authorisation(match[1], value):
            yield Found(match.start(2), match.start(2) + len(value.rstrip(".")), "authorization")


def _options_and_pairs(text: str, names: Names) -> Iterator[Found]:
    patience = Patience(text)
    for match in _OPTION.finditer(text):
        verdict = names[match[1]]
        span = value_span(text, match.end()) if verdict else None
        if span and patience.ends(span[1] - span[0]):
            yield Found(span[0], len(text), "field")
            break
        if span and span[2] and text[span[0] : span[1]].lower() in PROSE:
            continue
        if verdict and span and is_secret(verdict, text[span[0] : span[1]], bare=span[2]):
            yield Found(span[0], span[1], "field")
    for match in _PAIR.finditer(text):
        verdict = names[match[2].lstrip("-").rstrip(":")]
        span = value_span(text, match.end()) if verdict else None
        if verdict and span:
            value = text[span[0] : span[1]]
            if is_secret(verdict, value, bare=False) and (match[2].startswith("--") or not is_plain_word(value)):
                yield Found(span[0], span[1], "field")


def _descriptions(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find `"name": "password", "value": "S"` and its like in a text that is no JSON."""
    described = _DESCRIBED.finditer(low) if any(pattern.search(low) for pattern in _VALUE_FIELD) else ()
    for match in (*described, *_VARIABLE.finditer(low)):
        verdict = names[text[match.start(1) : match.end(1)]]
        span = value_span(text, match.end()) if verdict else None
        if verdict and span and is_secret(verdict, text[span[0] : span[1]], bare=False):
            yield Found(span[0], span[1], "field")


def _statements(text: str, low: str) -> Iterator[Found]:
    for match in _SQL.finditer(low):
        span = value_span(text, match.end())
        if span and is_secret(Verdict.SECRET, text[span[0] : span[1]], bare=False):
            yield Found(span[0], span[1], "sql")


def _prose(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find `the password is S` and `password S`: only what no sentence would go on with."""
    for match in _TOLD.finditer(low):
        value = text[match.start(3) : match.end(3)].rstrip(CLOSERS)
        random = looks_random(value) or value.replace("-", "").isdigit()
        if is_placeholder(value) or not (random or match[2]):
            continue
        before = _NAME_BACKWARDS.match(text[max(0, match.start() - _NAME_REACH) : match.start()][::-1])
        start = match.start() - (before.end() if before else 0)
        verdict = judge_in_text(text, start, text[start : match.end()].lstrip("-"), names)
        certain = verdict in {Verdict.SECRET, Verdict.DIRECTORY}
        counted = verdict is Verdict.COUNTED and match[2] and len(value) >= _LONG
        if (random and (certain or counted)) or (certain and match[1] and match[2]):
            yield Found(match.start(3), match.start(3) + len(value), "field")
    for match in _CODE_TOLD.finditer(low):
        code = _CODE_BEFORE.search(low, max(0, match.start() - _CODE_REACH), match.start())
        if code and any(map(str.isdigit, code[1])):
            yield Found(code.start(1), code.end(1), "field")
    if "machine " in text or "login " in text:
        for match in _NETRC.finditer(text):
            yield Found(match.start(1), match.end(1), "field")


def _places(text: str, low: str) -> Iterator[Found]:
    """Find what a protocol, a type or a path says is secret."""
    yield from find_protocols(text, low)
    if "kind: Secret" in text:
        for block in _DATA.finditer(text):
            for match in _ENTRY.finditer(text, block.start(1), block.end()):
                yield Found(*match.span(1), "field")
    for match in chain(*(pattern.finditer(text) for pattern in _WRAPPERS)):
        span = value_span(text, match.end())
        if span and is_secret(Verdict.SECRET, text[span[0] : span[1]], bare=False):
            yield Found(span[0], span[1], "field")
    for match in _LINK.finditer(text):
        if looks_random(match[1]) and any(map(str.isdigit, match[1])):
            yield Found(*match.span(1), "link")


def _is_authorisation(scheme: str, value: str) -> bool:
    if "=" in value.rstrip("="):
        return False  # a name and a value of their own
    if value.lower().rstrip(".=") in SCHEME_WORDS or is_placeholder(value):
        return False
    if scheme == "bearer":
        return len(value) >= _SHORT and (looks_random(value) or not value.islower() or len(value) >= _LONG)
    if scheme == "basic":
        return _is_user_and_password(value)
    return looks_random(value) and len(value) >= _LONG


def _is_user_and_password(value: str) -> bool:
    if any(":" in inner for _, _, inner in decoded_runs(value)):
        return True
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:
        return False
