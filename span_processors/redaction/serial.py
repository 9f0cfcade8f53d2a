"""The one JSON serialiser: whatever stores, hashes or exports a value writes it through here."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

import orjson

from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from span_processors.data import JsonValue

_NON_ASCII = regex("[^\\x00-\\x7f]+")


def canonical(value: JsonValue) -> str:
    """Serialise a normalised value to compact ASCII JSON; keys keep their order.

    Numbers always come from the same formatter, so `canonical(json.loads(canonical(v))) == canonical(v)`.

    Raises:
        TypeError: `value` is not in normal form (see `normalise`).
    """
    data = orjson.dumps(value)
    if data.isascii():
        return data.decode("ascii")
    # Outside of strings JSON is ASCII, and a run of other characters holds no quote: it can be escaped on its own.
    return _NON_ASCII.sub(lambda run: encode_basestring_ascii(run[0])[1:-1], data.decode())
