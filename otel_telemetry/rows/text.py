"""Values as the text under which a store finds them."""

from __future__ import annotations

import hashlib
from typing import Final

import orjson

from otel_telemetry.rows.row import MAX_TEXT
from span_processors.redaction import canonical, normalise

_MAX_INDEXED: Final = 200


def index_value(value: object) -> str:
    """Return the text under which a metadata value is indexed: canonical ASCII JSON with sorted keys.

    Where that is over 200 bytes, its SHA-256 stands for it. Values are equal when these texts are: 1 and 1.0 are two
    values, as are 1 and true.
    """
    normal, _ = normalise(value)
    if isinstance(normal, dict | list):
        normal = orjson.loads(orjson.dumps(normal, option=orjson.OPT_SORT_KEYS))
    text = canonical(normal)
    return text if len(text) <= _MAX_INDEXED else "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def with_digest(clean: str, text: str) -> str:
    """Return a clean text that stands for another one, and tells it apart from whatever else looks the same."""
    tail = f"…sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    return clean[: MAX_TEXT - len(tail)] + tail


def stored_id(text: str) -> str:
    """Return the id that stands for a text in a store: different ones stay different, whatever is taken out of them."""
    normal, _ = normalise(text[: MAX_TEXT + 1])
    clean = str(normal)
    return text if clean == text and len(text) <= MAX_TEXT else with_digest(clean, text)


def search_text(text: str) -> str:
    """Return the form in which `text` occurs in a document or payload: escaped as ASCII JSON, without the quotes."""
    normal, _ = normalise(text)
    return canonical(normal)[1:-1]
