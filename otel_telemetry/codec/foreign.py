"""The fields of records whose spans others recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from otel_telemetry.records import (
    ErrorRecord,
    ExecutionStatus,
    ExecutionType,
    JsonValue,
    StepStatus,
    ToolCallSource,
)
from otel_telemetry.rows import RowKind
from otel_telemetry.rows.conventions import ERROR_CATEGORY, Reading, error_code, exception_event, text
from otel_telemetry.semconv import EXECUTION_ID

if TYPE_CHECKING:
    from span_processors.data import SpanData

_FAILED = 2


def foreign_fields(span: SpanData, reading: Reading, kind: RowKind) -> dict[str, Any]:
    """Read the fields of a record of this kind from a span that others recorded."""
    attributes = span.attributes
    convention = reading.convention
    given, returned = _payload(span, convention.inputs), _payload(span, convention.outputs)
    error = _error(span) if span.end_ns is not None and span.status_code == _FAILED else None
    status = "running" if span.end_ns is None else "failed" if error else "completed"
    if kind is RowKind.EXECUTION:
        return {
            "execution_id": text(attributes, (EXECUTION_ID,)) or f"{span.trace_id:032x}",
            "type": ExecutionType(reading.execution_type or ExecutionType.WORKFLOW),
            "workflow_name": reading.workflow_name,
            "workflow_version": reading.workflow_version,
            "status": ExecutionStatus(status),
            "inputs": given,
            "outputs": returned,
            "error": error,
        }
    if kind is RowKind.STEP:
        return {
            "step_id": reading.step_id or reading.workflow_name or reading.tool_name or span.name,
            "status": StepStatus(status),
            "tool_params": given,
            "tool_result": returned,
            "error": error,
        }
    if kind is RowKind.TOOL_CALL:
        return {
            "call_id": text(attributes, (convention.call_id,)) or f"{span.span_id:016x}",
            "tool_name": reading.tool_name or span.name,
            "source": ToolCallSource.CODE_BLOCK,
            "params": given,
            "result": returned,
            "error": error,
        }
    return {}


def _payload(span: SpanData, keys: tuple[str, ...]) -> JsonValue:
    for key in keys:
        value = span.attributes.get(key)
        if value is not None:
            return _parsed(value)
    return None


def _parsed(value: JsonValue) -> JsonValue:
    """Return what a text that holds a JSON object or list stands for; any other value stands for itself."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(str(value))  # type: ignore[no-any-return]  # JSON is what it returns
        except orjson.JSONDecodeError:
            return value
    return value


def _error(span: SpanData) -> ErrorRecord:
    event = exception_event(span)
    message = text(event.attributes, ("exception.message",)) if event else None
    return ErrorRecord(code=error_code(span), category=ERROR_CATEGORY, message=message or span.status_message or "")
