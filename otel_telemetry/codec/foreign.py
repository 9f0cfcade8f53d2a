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
from otel_telemetry.rows import RowKind, Standing
from otel_telemetry.rows.conventions import ERROR_CATEGORY, error_code, exception_event, text

if TYPE_CHECKING:
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.rows.conventions import Convention
    from span_processors.data import SpanData

_FAILED = 2


def foreign_fields(row: SpanRow, span: SpanData, convention: Convention, stands: Standing) -> dict[str, Any]:
    """Read the fields of a record from a span that others recorded.

    Args:
        row: the stored row, which has the names that the span was judged by.
        span: the span.
        convention: the one that it was judged by.
        stands: what it is.
    """
    attributes = span.attributes
    given, returned = _payload(span, convention.inputs), _payload(span, convention.outputs)
    error = _error(span) if span.end_ns is not None and span.status_code == _FAILED else None
    status = "running" if span.end_ns is None else "failed" if error else "completed"
    if stands is Standing.EXECUTION or stands is Standing.DIRECT:
        is_call = row.kind == RowKind.ENTRY_CALL
        return {
            "type": ExecutionType.DIRECT if is_call else ExecutionType.WORKFLOW,
            "workflow_name": None if is_call else row.workflow_name or _long(attributes, convention, span),
            "workflow_version": row.workflow_version or text(attributes, (convention.version,)),
            "status": ExecutionStatus(status),
            "inputs": given,
            "outputs": returned,
            "error": error,
        }
    if stands is Standing.STEP:
        return {
            "step_id": row.step_id or text(attributes, convention.step_names) or span.name,
            "kind": row.step_kind or "step",
            "status": StepStatus(status),
            "tool_params": given,
            "tool_result": returned,
            "error": error,
        }
    return {
        "call_id": text(attributes, (convention.call_id,)) or f"{span.span_id:016x}",
        "tool_name": row.tool_name or text(attributes, convention.tool_names) or span.name,
        "source": ToolCallSource.CODE_BLOCK,
        "params": given,
        "result": returned,
        "error": error,
    }


def _long(attributes: dict[str, JsonValue], convention: Convention, span: SpanData) -> str:
    """Return a name that is too long for its column."""
    return text(attributes, convention.workflow_names) or span.name


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
