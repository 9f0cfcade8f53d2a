"""The record of an execution to its spans."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from otel_telemetry import semconv
from otel_telemetry.codec import table
from otel_telemetry.codec.parts import to_mark
from otel_telemetry.codec.span_info import origin_of, span_of
from otel_telemetry.errors import FormatError
from otel_telemetry.records import ExecutionRecord, JsonValue, SpanInfo, SpanScope, ToolCallRecord
from otel_telemetry.rows import RowKind, default_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from span_processors.data import SpanData


def encode(record: ExecutionRecord) -> list[SpanData]:
    """Return the spans that a record was decoded from: its own first, then steps with their tool calls, then the rest.

    A record without ids of spans gets some that depend on nothing but the record.

    Raises:
        FormatError: an id or a name of the record's OpenTelemetry side is not valid.
    """
    try:
        return _Encoder(record).spans()
    except ValueError as error:
        raise FormatError(f"execution {record.execution_id!r}: {error}") from error


class _Encoder:
    def __init__(self, record: ExecutionRecord) -> None:
        self._record = record
        self._trace_id = record.span.trace_id if record.span else _digest(record.execution_id, 16)
        self._root = None if record.rootless else record.span or self._invented(RowKind.EXECUTION, record, "", None)
        self._origin = None if self._root is None else origin_of(self._root)

    def spans(self) -> list[SpanData]:
        record = self._record
        spans = [] if self._root is None else [self._span(table.EXECUTION, record, self._root)]
        top = self._root.span_id if self._root else None
        for position, step in enumerate(record.steps):
            info = step.span or self._invented(RowKind.STEP, step, f"step {position}", top)
            spans.append(self._span(table.STEP, step, info))
            spans += self._calls(step.tool_calls, f"step {position} call", info.span_id)
        spans += self._calls(record.tool_calls, "call", top)
        spans += [self._span(table.SPAN, other, other.span) for other in record.spans]
        if record.interrupted and not any(span.attributes.get(semconv.INTERRUPTED) is True for span in spans):
            at = to_mark(spans)
            if at is not None:
                spans[at].attributes[semconv.INTERRUPTED] = True
        return spans

    def _calls(self, calls: Sequence[ToolCallRecord], path: str, parent: str | None) -> list[SpanData]:
        spans = []
        for position, call in enumerate(calls):
            info = call.span or self._invented(RowKind.TOOL_CALL, call, f"{path} {position}", parent)
            if info == self._root:
                continue  # the execution is this call: others recorded one span for both
            spans.append(self._span(table.TOOL_CALL, call, info))
        return spans

    def _span(self, kind: table.Table, record: Any, info: SpanInfo) -> SpanData:
        said: dict[str, JsonValue] = {}
        if not info.foreign:
            said = {semconv.EXECUTION_ID: self._record.execution_id, **table.dump(kind, record)}
        attributes = {**said, **info.attributes}
        started_at = record.started_at
        if info.started_at is not None:  # one of several spans of the execution, which says less than the record
            started_at = info.started_at
            attributes = {key: value for key, value in attributes.items() if value is not None or key not in said}
        origin = None if info is self._root else self._origin
        return span_of(info, attributes, started_at, record.completed_at, origin)

    def _invented(self, kind: RowKind, record: Any, path: str, parent: str | None) -> SpanInfo:
        execution_id = self._record.execution_id
        return SpanInfo(
            trace_id=self._trace_id,
            span_id=_digest(f"{execution_id} {path}", 8),
            parent_span_id=parent,
            name=default_name(
                kind,
                getattr(record, "workflow_name", None),
                getattr(record, "step_id", None),
                getattr(record, "tool_name", None),
            )
            or "",
            status_code="error" if record.error else "unset",
            scope=SpanScope(name=semconv.SCOPE_NAME) if kind is RowKind.EXECUTION else None,
        )


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
