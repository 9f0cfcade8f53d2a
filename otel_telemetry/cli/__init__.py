"""The command line: ``otel-telemetry``."""

from otel_telemetry.cli.app import main

__all__ = ["main"]
