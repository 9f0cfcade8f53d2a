"""From exceptions to error records: a registry of codes, and what is safe to say of an exception."""

from otel_telemetry.error_registry.defaults import Sort
from otel_telemetry.error_registry.describe import stacktrace
from otel_telemetry.error_registry.registry import ErrorRegistry

__all__ = ["ErrorRegistry", "Sort", "stacktrace"]
