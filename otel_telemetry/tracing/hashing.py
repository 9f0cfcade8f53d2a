"""The fingerprint of a step's code."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

_code_hashes: WeakKeyDictionary[CodeType, str] = WeakKeyDictionary()


def code_hash(code: str | Callable[..., Any]) -> str | None:
    """Return the SHA-256, in hexadecimal, of a step's source; without the source, of its byte code and constants.

    Args:
        code: the source as text, or the function. The hash of a function is computed once.

    Returns:
        The hash; None for a callable that has no Python code.
    """
    if isinstance(code, str):
        return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
    function: Any = code
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    if not inspect.isroutine(function):
        function = type(function).__call__
    compiled = getattr(function, "__code__", None)
    if not isinstance(compiled, CodeType):
        return None
    known = _code_hashes.get(compiled)
    if known is None:
        known = _code_hashes[compiled] = _hash_of(compiled)
    return known


def _hash_of(code: CodeType) -> str:
    try:
        return sha256(textwrap.dedent(inspect.getsource(code)).encode()).hexdigest()
    except (OSError, TypeError, SyntaxError, UnicodeError):
        return sha256(_byte_code(code)).hexdigest()


def _byte_code(code: CodeType) -> bytes:
    return b"\0".join([code.co_code, *map(_constant, code.co_consts)])


def _constant(value: object) -> bytes:
    if isinstance(value, CodeType):
        return _byte_code(value)
    if isinstance(value, frozenset):  # its order is another one in each process
        return repr(sorted(map(repr, value))).encode()
    return repr(value).encode("utf-8", "surrogatepass")
