"""The command line: ``otel-telemetry``."""
