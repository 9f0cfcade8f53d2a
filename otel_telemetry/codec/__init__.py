"""Records to spans and back, and to JSON and back.

Decoding never loses anything: ``decode(encode(record)) == record``, and what no field of a record can say stays in
its `SpanInfo`.
"""

from otel_telemetry.codec.decode import decode, summary
from otel_telemetry.codec.encode import encode
from otel_telemetry.codec.json_form import error_from_json, error_to_json, from_json, json_schema, to_json

__all__ = ["decode", "encode", "error_from_json", "error_to_json", "from_json", "json_schema", "summary", "to_json"]
