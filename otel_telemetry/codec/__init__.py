"""Records to spans and back, and to JSON and back.

Decoding never loses anything: ``decode(encode(record)) == record``, and what no field of a record can say stays in
its `SpanInfo`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred

if TYPE_CHECKING:
    from otel_telemetry.codec.decoding import decode, summary
    from otel_telemetry.codec.encoding import encode
    from otel_telemetry.codec.json_form import error_from_json, error_to_json, from_json, json_schema, to_json

__all__ = ["decode", "encode", "error_from_json", "error_to_json", "from_json", "json_schema", "summary", "to_json"]

# a program that only records needs no more than `error_to_json`
__getattr__, __dir__ = deferred(
    __name__,
    {
        ".decoding": ["decode", "summary"],
        ".encoding": ["encode"],
        ".json_form": ["error_from_json", "error_to_json", "from_json", "json_schema", "to_json"],
    },
)
