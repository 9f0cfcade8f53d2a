"""Secrets that stand in a column with a sensitive name: of the rows that SQL inserts, of a table in a text."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.names import Verdict, is_placeholder, looks_random
from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.redaction.names import Names

_INSERT: Final = regex(r"insert\s{1,4}into\s{1,4}[^\s(]{1,200}\s{0,4}\(([^()]{1,2000})\)\s{0,4}values\s{0,4}")
_TUPLE: Final = regex(r"\(((?:[^()'\"]|'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.)*+\")*+)\)\s{0,4},?\s{0,4}")
_CELL: Final = regex(r"\s*(?:[NEx]?'((?:[^'\\]|\\.|'')*+)'|\"((?:[^\"\\]|\\.)*+)\"|([^,'\"]+))\s*(?:,|$)")
_HEADINGS: Final = regex(
    r"(\|?[\w .\"-]{1,64}(?:([,;\t|])[\w .\"-]{1,64})(?:\2[\w .\"-]{1,64}){0,200}\|?)[ \t]{0,8}\r?\n"
)
_BLOCK: Final = regex(r"\n(?<!\|\n)(?<!\|[ \r]\n)(?=[ \t]{0,4}\|[^\n]*\n)")
_MAX_BLOCKS: Final = 8
_ROW: Final = regex(r"(?:^|\n)[ \t]{0,4}\|([\w .-]{2,64})\|[ \t]{0,40}([^\s|]{6,256}+)[ \t]*\|")
_RULE: Final = regex("[-: ]*")


def find_columns(text: str, low: str, names: Names) -> Iterator[Found]:
    """Find the values in sensitive columns. `low` is the text in lower case, character by character."""
    for match in _INSERT.finditer(low):
        columns = [at for at, name in enumerate(match[1].split(",")) if names[name.strip(' `"[]')]]
        row = _TUPLE.match(text, match.end()) if columns else None
        while row is not None:
            for at, cell in enumerate(_CELL.finditer(text, row.start(1), row.end(1))):
                if at in columns and cell.lastindex and not is_placeholder(cell[cell.lastindex].strip()):
                    yield Found(*cell.span(cell.lastindex), "sql")
            row = _TUPLE.match(text, row.end())
    yield from _table(text, 0, names)
    if "|" in text:
        for block in islice(_BLOCK.finditer(text), _MAX_BLOCKS):
            yield from _table(text, block.end(), names)
        for match in _ROW.finditer(text):
            if names[match[1].strip()] is Verdict.SECRET and looks_random(match[2]):
                yield Found(*match.span(2), "field")


def _table(text: str, start: int, names: Names) -> Iterator[Found]:
    """Find the sensitive columns of a table that begins at `start` with a line of headings."""
    headings = _HEADINGS.match(text, start)
    if headings is None:
        return
    divider = headings[2]
    titles = headings[1].split(divider)
    columns = [at for at, name in enumerate(titles) if names[name.strip(' "')] is Verdict.SECRET]
    position = headings.end() if columns else len(text)
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        cells = text[position:end].split(divider)
        if divider == "|" and len(cells) == 1 and not cells[0].strip():
            return  # a table ends with an empty line
        if len(cells) == len(titles):
            for at in columns:
                start = position + sum(map(len, cells[:at])) + at
                if not is_placeholder(cells[at].strip(' "\r')) and not _RULE.fullmatch(cells[at]):
                    yield Found(start, start + len(cells[at].rstrip("\r")), "field")
        position = end + 1
