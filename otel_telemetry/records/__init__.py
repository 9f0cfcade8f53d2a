"""The records that a reader gets back: executions, their steps, tool calls and errors.

Frozen, slotted, keyword-only dataclasses that import the standard library only. Times are integer
nanoseconds since the epoch, UTC; durations are milliseconds, derived from the times. A ``repr`` shows
names and times, never a payload.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from otel_telemetry.records.error import MAX_CAUSES, ErrorRecord, JsonValue
    from otel_telemetry.records.execution import (
        ExecutionRecord,
        ExecutionSummary,
        SpanEvent,
        SpanInfo,
        SpanLink,
        SpanRecord,
        SpanResource,
        SpanScope,
        StepRecord,
        ToolCallRecord,
    )
    from otel_telemetry.records.kinds import ExecutionStatus, ExecutionType, StepStatus, StepType, ToolCallSource

__all__ = [
    "MAX_CAUSES",
    "ErrorRecord",
    "ExecutionRecord",
    "ExecutionStatus",
    "ExecutionSummary",
    "ExecutionType",
    "JsonValue",
    "SpanEvent",
    "SpanInfo",
    "SpanLink",
    "SpanRecord",
    "SpanResource",
    "SpanScope",
    "StepRecord",
    "StepStatus",
    "StepType",
    "ToolCallRecord",
    "ToolCallSource",
]

# Imported when asked for: classes of so many fields take longer to make than all the rest of a program's start.
_HOMES: Final = {
    "error": ("ErrorRecord", "JsonValue", "MAX_CAUSES"),
    "kinds": ("ExecutionStatus", "ExecutionType", "StepStatus", "StepType", "ToolCallSource"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'execution')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
