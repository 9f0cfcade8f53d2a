"""Values that databases and validators put in their messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.names import is_placeholder
from span_processors.redaction.patterns import regex
from span_processors.redaction.values import value_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_FAILING_ROW: Final = "Failing row contains ("
_DUPLICATE: Final = regex("Duplicate entry (?=')")
_PARAMETERS: Final = regex(r"\[parameters: (?=[(\[])")
_WORDS: Final = regex(r"[A-Za-z_]\w{1,63}")
_STATEMENT: Final = 20_000
_LOCATED: Final = regex(r"'loc': [(\[][^()\[\]]{0,200}?'(\w+)'(?:,\s?\d{0,9}){0,4}[)\]][^{}]{0,200}?'input': ")
_INPUT_VALUE: Final = "input_value="
_INPUT_END: Final = regex(r", input_type=|\]?$", re.MULTILINE)
_LONGEST_INPUT: Final = 2_000


def find_messages(text: str, names: Names) -> Iterator[Found]:
    """Find rows, keys and inputs that a message quotes."""
    position = text.find(_FAILING_ROW)
    while position >= 0:
        start = position + len(_FAILING_ROW)
        end = text.find(").", start)
        yield Found(start, len(text) if end < 0 else end, "row")
        position = text.find(_FAILING_ROW, end) if end >= 0 else -1
    for match in _DUPLICATE.finditer(text):
        span = value_span(text, match.end())
        if span:
            yield Found(span[0], span[1], "row")
    yield from _bound_parameters(text, names)
    for match in _LOCATED.finditer(text):
        span = value_span(text, match.end()) if names[match[1]] else None
        if span:
            yield Found(span[0], span[1], "field")
    if "input_value=" in text:
        yield from _validated_inputs(text, names)


def _bound_parameters(text: str, names: Names) -> Iterator[Found]:
    """Find the parameters of a statement that has a sensitive column; nothing says which of them it is."""
    bound = _PARAMETERS.search(text)
    if bound is None:
        return
    statement = _WORDS.findall(text, max(0, bound.start() - _STATEMENT), bound.start())
    if any(names[word] for word in statement):
        end = text.find("\n", bound.end())
        yield Found(bound.end(), len(text) if end < 0 else end, "row")


def _validated_inputs(text: str, names: Names) -> Iterator[Found]:
    """Find the inputs of fields that the line above names, as Pydantic writes them."""
    start = 0
    end = -1
    closed = False
    field = ""
    while (at := text.find(_INPUT_VALUE, start)) >= 0:
        line = text.rfind("\n", start, at)
        if line >= 0:
            above = text[text.rfind("\n", 0, line) + 1 : line]
            field = above.strip().rstrip(".0123456789").rpartition(".")[2]
        start = at + len(_INPUT_VALUE)
        if end < start:  # else it ends where the one before ends
            last = _INPUT_END.search(text, start)
            end = last.start() if last else len(text)
            closed = last is None or bool(last[0]) or end == len(text)
        known = closed and end - start <= _LONGEST_INPUT and field and names[field]
        if known and not is_placeholder(text[start:end]):
            yield Found(start, end, "field")
