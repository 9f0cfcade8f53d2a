"""Recording: executions, steps and tool calls as spans."""

from otel_telemetry.tracing.carriers import attach, inject, wrap
from otel_telemetry.tracing.clock import Clock
from otel_telemetry.tracing.context import inherit
from otel_telemetry.tracing.handles import ExecutionHandle, StepHandle, ToolCallHandle
from otel_telemetry.tracing.instruments import Instruments
from otel_telemetry.tracing.logs import ContextFilter
from otel_telemetry.tracing.recorder import Recorder

__all__ = [
    "Clock",
    "ContextFilter",
    "ExecutionHandle",
    "Instruments",
    "Recorder",
    "StepHandle",
    "ToolCallHandle",
    "attach",
    "inherit",
    "inject",
    "wrap",
]
