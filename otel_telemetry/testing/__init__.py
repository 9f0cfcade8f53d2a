"""Contracts to subclass in tests: whoever passes `SpanStoreContract` is a backend. Needs pytest."""

from otel_telemetry.testing.span_store import SpanStoreContract

__all__ = ["SpanStoreContract"]
