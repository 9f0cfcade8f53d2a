"""Texts inside of texts: escapes, percent-encoding and base64, with the way back to where they stand."""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from span_processors.redaction.patterns import regex
from span_processors.redaction.runs import has_base64, has_hex
from span_processors.redaction.vocabulary import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE: Final = regex(
    r"%[0-9A-Fa-f]{2}|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\"'\\/nrtbf])"
    r"|\n {2,40}\| "  # the margin of an exception group
    r"|&(?:quot|apos|amp|lt|gt|#\d{2,5}|#x[0-9A-Fa-f]{2,4});"
    rf"|(?:{INVISIBLE.pattern}|\x1b\[[0-9;]{{0,16}}m){{1,16}}+[^\\%&]",
    re.DOTALL,
)
_NAMED: Final = {
    "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\b": "\b", "\\f": "\f",
    "&quot;": '"', "&apos;": "'", "&amp;": "&", "&lt;": "<", "&gt;": ">",
}  # fmt: skip
_BASE64: Final = regex(
    r"(?<![A-Za-z0-9+/_-])(?![0-9a-f-]{16,}+(?![A-Za-z0-9+/_]))[A-Za-z0-9+/_-]{12,}+(?:\r?\n[A-Za-z0-9+/_-]{12,}+)*+(?:={1,2}|%3D|%3d)?"
)
"""What base64 may be, but not what is more likely a number, a hash or a UUID: no text encodes to those."""
_FIRST: Final = 12
"""So many characters of base64 make nine bytes, without any that pads."""
_FIRST_BYTES: Final = 9
_HEX: Final = regex(r"(?<![0-9A-Za-z])(?:[2-7][0-9A-Fa-f]|0[9ADad]){12,}+(?![0-9A-Za-z])")
"""ASCII in hex: of a hash, hardly ever all bytes are."""
_STANDARD: Final = str.maketrans("-_", "+/")
_SHORTEST: Final = 16
"""Twelve bytes: no name and value fit in fewer."""
_HEAD: Final = 24
"""So many bytes decide whether the rest of a long run is worth decoding: an image gives itself away at once."""
_TEXT_BYTES: Final = bytes(range(32, 127)) + b"\t\n\r"
_CONTROL: Final = 1
_TO_CONTROL: Final = bytes(byte > 0 and byte not in _TEXT_BYTES for byte in range(128)) + bytes(128)


class Decoded:
    """A text with its escapes resolved once, each to one character, and without what cannot be seen."""

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        self._starts = [0]
        self._shifts = [0]
        position = length = 0
        for match in _ESCAPE.finditer(text):
            parts += text[position : match.start()], _resolve(match[0])
            length += match.start() - position + 1
            position = match.end()
            self._starts.append(length)
            self._shifts.append(position - length)
        self.text = "".join((*parts, text[position:])) if parts else text

    def source(self, position: int) -> int:
        """Return where in the encoded text the character at `position` begins."""
        at = bisect_right(self._starts, position) - 1
        return position + self._shifts[at]


def _resolve(escape: str) -> str:
    named = _NAMED.get(escape)
    if named is not None:
        return named
    if escape[0] == "\n":
        return "\n"
    if escape[0] not in "%\\&":
        return escape[-1]
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    if escape[0] == "&":
        return chr(int(escape[3:-1], 16) if escape[2] == "x" else int(escape[2:-1]))
    return chr(int(escape[2:], 16)) if escape[1] in "ux" else escape[1]  # noqa: FURB166  (no `0` stands before it)


def decoded_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the runs of `text` that are base64 of a text, with that text."""
    if not has_base64(text):
        return
    runs = [match.span() for match in _BASE64.finditer(text)]
    # All beginnings at once: that most runs are no text shows there, and to decode each of them takes far longer.
    first = b64decode("".join([text[start : start + _FIRST] for start, _ in runs]).translate(_STANDARD))
    controls = first.translate(_TO_CONTROL)
    for at, (start, end) in enumerate(runs):
        if end - start < _SHORTEST or _CONTROL in controls[at * _FIRST_BYTES : (at + 1) * _FIRST_BYTES]:
            continue
        inner = _decode(text[start:end])
        if inner is not None:
            yield start, end, inner


def hex_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the runs of `text` that are a text in hex, with that text."""
    for match in _HEX.finditer(text) if has_hex(text) else ():
        yield match.start(), match.end(), bytes.fromhex(match[0]).decode("ascii")


def _decode(run: str) -> str | None:
    run = run.replace("\r", "").replace("\n", "").partition("=")[0].partition("%")[0].translate(_STANDARD)
    run = run[:-1] if len(run) % 4 == 1 else run  # a rest of one character holds no byte
    run += "=" * (-len(run) % 4)
    return None if _plain(b64decode(run[:_HEAD])) is None else _plain(b64decode(run))


def _plain(data: bytes) -> str | None:
    """Return `data` as text if it is one: UTF-8 or UTF-16 without control characters."""
    if data.count(0) * 3 > len(data):
        data = data.replace(b"\0", b"")
    if not data.translate(None, _TEXT_BYTES):
        return data.decode("ascii")
    if data.translate(None, _TEXT_BYTES + bytes(range(128, 256))):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # The sample may end within a character.
        return data[: error.start].decode() if error.start > len(data) - 4 else None
