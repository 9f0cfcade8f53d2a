"""Whether a text has a long run of some characters: at the speed of C, several times that of a regular expression."""

from __future__ import annotations

from typing import Final

_LETTERS_AND_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _marking(characters: bytes) -> bytes:
    return bytes(120 if byte in characters else 32 for byte in range(256))


_TO_RUN: Final = _marking(_LETTERS_AND_DIGITS + b"_-")
_TO_BASE64: Final = _marking(_LETTERS_AND_DIGITS + b"_-+/")
_TO_DIGITS: Final = _marking(b"0123456789")
_TO_HEX: Final = _marking(b"0123456789abcdefABCDEF")
_LONG_RUN: Final = b"x" * 16
_LONG_BASE64: Final = b"x" * 12
_LONG_NUMBER: Final = b"x" * 13
_LONG_HEX: Final = b"x" * 24


def has_long_run(text: str) -> bool:
    """Say whether there are 16 letters, digits, `_` and `-` in a row."""
    return _LONG_RUN in _bytes(text).translate(_TO_RUN)


def has_base64(text: str) -> bool:
    """Say whether there are 12 characters of base64 in a row."""
    return _LONG_BASE64 in _bytes(text).translate(_TO_BASE64)


def has_long_number(text: str) -> bool:
    """Say whether there are 13 digits with nothing but separators between them."""
    return _LONG_NUMBER in _bytes(text).translate(_TO_DIGITS, b" -._")


def has_hex(text: str) -> bool:
    """Say whether there are 24 digits of a hexadecimal number in a row."""
    return _LONG_HEX in _bytes(text).translate(_TO_HEX)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
