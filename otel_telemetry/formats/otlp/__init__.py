"""The OpenTelemetry protocol: as JSON lines, as protobuf, and sent to a server."""

from otel_telemetry.formats.otlp.json_lines import OtlpJson
from otel_telemetry.formats.otlp.protobuf import OtlpProtobuf

__all__ = ["OtlpJson", "OtlpProtobuf"]
