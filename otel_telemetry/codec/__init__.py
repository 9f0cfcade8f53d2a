"""Records to spans and back, and to JSON and back.

Decoding never loses anything: ``decode(encode(record)) == record``, and what no field of a record can say stays in
its `SpanInfo`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from otel_telemetry.codec.decoding import decode, summary
    from otel_telemetry.codec.encoding import encode
    from otel_telemetry.codec.json_form import error_from_json, error_to_json, from_json, json_schema, to_json

__all__ = ["decode", "encode", "error_from_json", "error_to_json", "from_json", "json_schema", "summary", "to_json"]

# Imported when asked for: a program that only records needs no more than `error_to_json`.
_HOME_OF: Final = {"decode": "decoding", "summary": "decoding", "encode": "encoding"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'json_form')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
