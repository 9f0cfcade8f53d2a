"""JSON as it comes from outside: by lines or as one document, with errors that say where they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import orjson

from otel_telemetry.errors import FormatError
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.records import JsonValue

MAX_LINE_BYTES: Final = 1 << 30
"""A line longer than this is taken to be garbage, and not read into memory."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNSTORABLE: Final = re.compile(
    rb"\\\\"  # an escaped backslash: whatever follows it is no escape
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair of surrogates: one good character
    rb"|(?P<bad>\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))"
)
_FIRST_KEY: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"([^"\\]*)"\s*:')


def first_key(head: bytes) -> str | None:
    """Return the first key of the JSON object that `head` starts with, or None where it starts with none."""
    match = _FIRST_KEY.match(head)
    return match[1].decode("utf-8", "replace") if match else None


def lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of `source` that are not blank, each with its number, without the white space around it.

    Raises:
        FormatError: a line is longer than `MAX_LINE_BYTES`.
    """
    number = 0
    while line := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise FormatError(f"line {number} is longer than {MAX_LINE_BYTES >> 20} MiB")
        stripped = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
        if stripped:
            yield number, stripped


def parse(text: bytes, first_line: int = 1) -> JsonValue:
    """Parse one JSON value that starts in line `first_line`.

    NUL characters and lone surrogates, which no backend can hold, become U+FFFD.

    Raises:
        FormatError: it is not JSON, or nested too deep; the message has the line and column.
    """
    if b"\\u0" in text or b"\\ud" in text or b"\\uD" in text:
        text = _UNSTORABLE.sub(lambda match: rb"\ufffd" if match["bad"] else match[0], text)
    try:
        return cast("JsonValue", orjson.loads(text))
    except orjson.JSONDecodeError as exc:
        raise FormatError(f"line {first_line + exc.lineno - 1}, column {exc.colno}: {exc.msg}") from None


def documents(source: BinaryIO) -> Iterator[tuple[int, JsonValue]]:
    """Yield the JSON values in `source`, each with the line it starts in: one a line, or a single one over many lines.

    Raises:
        FormatError: what is there is not JSON.
    """
    numbered = lines(source)
    number, text = next(numbered, (0, b""))
    if not text:
        return
    try:
        first = parse(text, number)
    except FormatError:
        rest = source.read()
        if not rest.strip():
            raise
        yield number, parse(text + b"\n" + rest, number)
        return
    yield number, first
    for number, text in numbered:
        yield number, parse(text, number)


def is_canonical(text: str) -> bool:
    """Say whether `text` is JSON, and just as this package writes it."""
    try:
        return canonical(orjson.loads(text)) == text
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False
