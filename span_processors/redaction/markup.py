"""Secrets in XML, HTML and multipart forms: in an element, an attribute, the element or the part that a name is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.names import Verdict
from span_processors.redaction.patterns import regex
from span_processors.redaction.values import is_secret, value_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_ELEMENT: Final = regex(
    r"<(?:[\w.-]{1,40}:)?([\w.-]{2,64}+)(?:\s[^<>]{0,400}+)?>(?:<!\[CDATA\[([^<>]*+)|(?!\s*<)([^<]*+))"
)
_NAMED: Final = regex(
    r"<(?:[\w.-]{1,40}:)?(?:\w{0,20}name|\w{0,20}key|field|param|property|id|t[dh]|dt|label)>"
    r"\s{0,8}+([\w .-]{2,64}+)</[^<>]{1,80}+>\s{0,80}+<[\w:.-]{1,80}+(?:\s[^<>]{0,200}+)?>([^<]*+)",
    re.IGNORECASE,
)
_ATTRIBUTED: Final = regex(
    r"<(?:property|textarea|param|parameter|setting|string|entry|item|var|variable|env|attribute|field|arg)\s[^<>]{0,200}?"
    r"\b(?:name|key)=[\"']?([\w.-]{2,64}+)[^<>]{0,200}+(?<!/)>(?:\s{0,40}<value>)?([^<]*+)",
    re.IGNORECASE,
)
_CELLS: Final = ("<t", "<dt", "<label")
_TAG: Final = regex(r"<[A-Za-z][^<>]{4,2000}+>")
_TAG_NAME: Final = regex(r"\s(?:name|key|id|property|type)=[\"']?([\w.:\[\] -]{2,64})", re.IGNORECASE)
_TAG_VALUE: Final = regex(r"\s(?:value|content)=(?=[\"'\w])", re.IGNORECASE)
_PART: Final = regex(
    r"form-data;[^\r\n]{0,80}?\bname=\"([^\"\r\n]{2,64})\"[^\r\n]{0,200}+(?:\r?\n[^\r\n]{1,200}+){0,4}+\r?\n\r?\n"
)
_PART_END: Final = regex(r"\r?\n--|form-data;|\Z")


def find_in_markup(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find the values of sensitive elements, attributes and parts. `low` is the text in lower case."""
    if "</" in text:
        for pattern in (_ELEMENT, _NAMED, _ATTRIBUTED):
            for match in pattern.finditer(text):
                verdict = names[match[1]]
                group = match.lastindex or 0
                cell = pattern is _NAMED and match[0].lower().startswith(_CELLS)
                if verdict and is_secret(Verdict.COUNTED if cell else verdict, match[group], bare=False):
                    yield Found(*match.span(group), "field")
    if "<" in text and ("value=" in low or "content=" in low):
        yield from _tags(text, names)
    if "form-data;" in text:
        for match in _PART.finditer(text):
            verdict = names[match[1]]
            end = _PART_END.search(text, match.end()) if verdict else None
            if verdict and end and is_secret(verdict, text[match.end() : end.start()], bare=False):
                yield Found(match.end(), end.start(), "field")


def _tags(text: str, names: Names) -> Iterator[Found]:
    """Find `<input value="S" name="password">`, in whichever order."""
    for tag in _TAG.finditer(text):
        given = _TAG_VALUE.search(text, tag.start(), tag.end())
        if given is None:
            continue
        verdicts = [names[name[1]] for name in _TAG_NAME.finditer(text, tag.start(), tag.end())]
        span = value_span(text, given.end()) if any(verdicts) else None
        if span is not None:
            start, end, bare = span
            end = min(end, tag.end() - 1) if bare else end
            if any(verdict and is_secret(verdict, text[start:end], bare=False) for verdict in verdicts):
                yield Found(start, end, "field")
