"""The flight recorder for workflow engines and agent runtimes.

    import otel_telemetry as ot

    telemetry = ot.configure(store="sqlite:///telemetry.db")

    @ot.workflow("invoice", version="3")
    def invoice(order): ...

    for run in telemetry.store.query(status="failed", started_after="1d"):
        print(run.execution_id, run.error)

Every public name is here. Names are imported when they are first used, so that a program that only reads does not load
the recorder, nor one that only records the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from span_processors.deferred import deferred

if TYPE_CHECKING:
    from otel_telemetry.error_registry import ErrorRegistry
    from otel_telemetry.errors import (
        AlreadyEndedError,
        AmbiguousIdError,
        ConfigurationError,
        DuplicateExecutionError,
        FormatError,
        InvalidCursorError,
        InvalidFilterError,
        MissingExtraError,
        QueryError,
        RecordingError,
        SearchWarning,
        StoreError,
        StoreUnavailableError,
        TelemetryError,
        UnknownExecutionError,
        UnknownStepError,
    )
    from otel_telemetry.reader import Page, Reader
    from otel_telemetry.records import (
        ErrorRecord,
        ExecutionRecord,
        ExecutionStatus,
        ExecutionSummary,
        ExecutionType,
        SpanEvent,
        SpanInfo,
        SpanLink,
        SpanRecord,
        StepRecord,
        StepStatus,
        StepType,
        ToolCallRecord,
        ToolCallSource,
    )
    from otel_telemetry.settings import Settings
    from otel_telemetry.store import TelemetryStore
    from otel_telemetry.stores import MemorySpanExporter, PostgresSpanExporter, SQLiteSpanExporter
    from otel_telemetry.tracing import ContextFilter, attach, inject, wrap
    from otel_telemetry.wiring import (
        Telemetry,
        configure,
        execution,
        get_telemetry,
        open_reader,
        step,
        task,
        tool,
        workflow,
    )
    from span_processors import RedactionSettings

__all__ = [
    "AlreadyEndedError",
    "AmbiguousIdError",
    "ConfigurationError",
    "ContextFilter",
    "DuplicateExecutionError",
    "ErrorRecord",
    "ErrorRegistry",
    "ExecutionRecord",
    "ExecutionStatus",
    "ExecutionSummary",
    "ExecutionType",
    "FormatError",
    "InvalidCursorError",
    "InvalidFilterError",
    "MemorySpanExporter",
    "MissingExtraError",
    "Page",
    "PostgresSpanExporter",
    "QueryError",
    "Reader",
    "RecordingError",
    "RedactionSettings",
    "SQLiteSpanExporter",
    "SearchWarning",
    "Settings",
    "SpanEvent",
    "SpanInfo",
    "SpanLink",
    "SpanRecord",
    "StepRecord",
    "StepStatus",
    "StepType",
    "StoreError",
    "StoreUnavailableError",
    "Telemetry",
    "TelemetryError",
    "TelemetryStore",
    "ToolCallRecord",
    "ToolCallSource",
    "UnknownExecutionError",
    "UnknownStepError",
    "attach",
    "configure",
    "execution",
    "get_telemetry",
    "inject",
    "open_reader",
    "step",
    "task",
    "tool",
    "workflow",
    "wrap",
]

__getattr__, __dir__ = deferred(
    __name__,
    {
        ".error_registry": ["ErrorRegistry"],
        ".errors": [name for name in __all__ if name.endswith(("Error", "Warning"))],
        ".reader": ["Page", "Reader"],
        ".records": [
            *(
                "ErrorRecord",
                "ExecutionRecord",
                "ExecutionStatus",
                "ExecutionSummary",
                "ExecutionType",
                "SpanEvent",
                "SpanInfo",
            ),
            *("SpanLink", "SpanRecord", "StepRecord", "StepStatus", "StepType", "ToolCallRecord", "ToolCallSource"),
        ],
        ".settings": ["Settings"],
        ".store": ["TelemetryStore"],
        ".stores": ["MemorySpanExporter", "PostgresSpanExporter", "SQLiteSpanExporter"],
        ".tracing": ["ContextFilter", "attach", "inject", "wrap"],
        ".wiring": [
            "Telemetry",
            "configure",
            "execution",
            "get_telemetry",
            "open_reader",
            "step",
            "task",
            "tool",
            "workflow",
        ],
        "span_processors": ["RedactionSettings"],
    },
)
