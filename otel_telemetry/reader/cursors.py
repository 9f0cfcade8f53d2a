"""Cursors: where a page ended, as text that is safe in a URL and good for the same query only."""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple

import orjson

from otel_telemetry.errors import InvalidCursorError
from otel_telemetry.query import Filter, OrderBy, Position

_INVALID = (
    "this cursor is damaged, or belongs to a query with other filters or another order: "
    "repeat the query that it came from, or start again without a cursor"
)


class Cursor(NamedTuple):
    """A position, and when the first page was asked for: a span such as ``1d`` counts back from then on every page."""

    as_of_ns: int
    position: Position
    seal: str
    """Digest of everything above and of the query."""


def write(as_of_ns: int, position: Position, where: Filter, order_by: OrderBy) -> str:
    """Return the text of a cursor."""
    return _text_of(orjson.dumps([as_of_ns, *position, _seal(as_of_ns, position, where, order_by)]))


def read(text: object) -> Cursor:
    """Read what `write` wrote.

    Raises:
        InvalidCursorError: it is something else. Whether it belongs to the query is for `check` to say.
    """
    if not isinstance(text, str):
        raise InvalidCursorError(_INVALID)
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        as_of_ns, value, started_ns, execution_id, seal = orjson.loads(content)
    except (ValueError, TypeError):
        raise InvalidCursorError(_INVALID) from None
    if _text_of(content) != text:
        raise InvalidCursorError(_INVALID)
    return Cursor(as_of_ns, Position(value, started_ns, execution_id), seal)


def check(cursor: Cursor, where: Filter, order_by: OrderBy) -> None:
    """Refuse a cursor that was altered, or that another query gave.

    Raises:
        InvalidCursorError: it was.
    """
    if cursor.seal != _seal(cursor.as_of_ns, cursor.position, where, order_by):
        raise InvalidCursorError(_INVALID)


def _text_of(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")


def _seal(as_of_ns: int, position: Position, where: Filter, order_by: OrderBy) -> str:
    sealed = orjson.dumps([as_of_ns, *position, order_by, where], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(sealed, digest_size=8).hexdigest()
