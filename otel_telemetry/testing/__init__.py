"""Contracts to subclass in tests: `SpanStoreContract` makes a backend, `FormatContract` a format. Needs pytest."""

from otel_telemetry.testing.export_format import FormatContract
from otel_telemetry.testing.span_store import SpanStoreContract

__all__ = ["FormatContract", "SpanStoreContract"]
