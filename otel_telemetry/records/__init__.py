"""The records that a reader gets back: executions, their steps, tool calls and errors.

Frozen, slotted, keyword-only dataclasses that import the standard library only. Times are integer
nanoseconds since the epoch, UTC; durations are milliseconds, derived from the times. A ``repr`` shows
names and times, never a payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred

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

# classes of so many fields take longer to make than all the rest of a program's start, and who records needs one
__getattr__, __dir__ = deferred(
    __name__,
    {
        ".error": ["MAX_CAUSES", "ErrorRecord", "JsonValue"],
        ".execution": [
            "ExecutionRecord",
            "ExecutionSummary",
            "SpanEvent",
            "SpanInfo",
            "SpanLink",
            "SpanRecord",
            "SpanResource",
            "SpanScope",
            "StepRecord",
            "ToolCallRecord",
        ],
        ".kinds": ["ExecutionStatus", "ExecutionType", "StepStatus", "StepType", "ToolCallSource"],
    },
)
