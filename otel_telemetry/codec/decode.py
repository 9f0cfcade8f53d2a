"""Spans of one execution to its record.

Decoding is total. What an attribute says that no field can take stays in `SpanInfo.attributes`; that, and whatever is odd
about a span's place or times, is a problem of its record, in words.

A tool call belongs to the step above it in the tree of spans if that is the step which it names, otherwise to the attempt of
the named step that was the last to start before it. A missing parent is a problem only of a span that others recorded: our
own say by ids where they belong, and may well stand inside a span that was never meant for this store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

from otel_telemetry import semconv
from otel_telemetry.codec import table
from otel_telemetry.codec.foreign import foreign_fields
from otel_telemetry.codec.nesting import Places, circles
from otel_telemetry.codec.span_info import Origin, info_of
from otel_telemetry.records import (
    ExecutionRecord,
    ExecutionStatus,
    ExecutionSummary,
    ExecutionType,
    JsonValue,
    SpanRecord,
    StepRecord,
    StepStatus,
    ToolCallRecord,
)
from otel_telemetry.spans import RowKind
from otel_telemetry.spans.foreign import Reading, is_root, read
from span_processors.data import SpanData

_OWN_KINDS: Final[dict[JsonValue, RowKind]] = {
    "execution": RowKind.EXECUTION,
    "step": RowKind.STEP,
    "tool_call": RowKind.TOOL_CALL,
}
_TABLES: Final = {
    RowKind.SPAN: table.SPAN,
    RowKind.EXECUTION: table.EXECUTION,
    RowKind.STEP: table.STEP,
    RowKind.TOOL_CALL: table.TOOL_CALL,
}
_FINAL: Final = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
_ERROR_CODE: Final = 2


class _Part:
    """A span, what it stands for, and what is odd about it."""

    __slots__ = ("kind", "odd", "reading", "span")

    def __init__(self, span: SpanData) -> None:
        own = span.attributes.get(semconv.KIND)
        kind = _OWN_KINDS.get(own) if isinstance(own, str) else None
        reading = read(span) if kind is None else None
        self.span = span
        self.kind = reading.kind if reading is not None else kind or RowKind.SPAN
        self.reading = reading if self.kind is not RowKind.SPAN else None
        """What others meant by it; None for a span of this package's own making."""
        self.odd: list[str] = []

    def fields(self, execution_id: str | None = None, origin: Origin | None = None) -> dict[str, Any]:
        """Return the fields of the record, for its constructor."""
        span = self.span
        if self.reading is None:
            fields, rest, problems = table.load(_TABLES[self.kind], span.attributes)
            problems[:0] = fields.get("problems", ())
            if rest.get(semconv.EXECUTION_ID) == execution_id:
                rest.pop(semconv.EXECUTION_ID, None)
        else:
            fields, rest = foreign_fields(span, self.reading, self.kind), span.attributes
            problems = list(table.load(table.SPAN, span.attributes)[0].get("problems", ()))
        fields["problems"] = tuple(dict.fromkeys((*problems, *self.odd)))
        fields["started_at"] = span.start_ns
        fields["completed_at"] = span.end_ns
        fields["span"] = info_of(span, rest, foreign=self.reading is not None, origin=origin)
        return fields


def decode(spans: Sequence[SpanData], *, interrupted: Container[int] = ()) -> ExecutionRecord:
    """Return the record of one execution.

    Args:
        spans: all that was recorded of it, at least one, in any order.
        interrupted: the ids of spans whose process went away before they ended.

    Raises:
        ValueError: there is no span at all.
    """
    if not spans:
        raise ValueError("an execution has at least one span")
    parts = _parts(spans)
    root = _choose_root(parts)
    parents = {part.span.span_id: part.span.parent_span_id for part in parts}
    _mark_oddities(parts, root, parents)
    execution = _gather(parts) if root is None else _execution_fields(root)
    execution_id = execution["execution_id"]
    origin = None if root is None else Origin(root.span.resource, root.span.scope)

    steps: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    others: list[SpanRecord] = []
    for part in parts:
        if part is root:
            continue
        fields = part.fields(execution_id, origin)
        if part.kind is RowKind.STEP:
            steps.append(_complete_step(part, fields))
        elif part.kind is RowKind.TOOL_CALL:
            calls.append(_complete_call(part, fields, execution_id))
        else:
            others.append(SpanRecord(**fields))

    places = Places(parents, steps)
    loose: list[ToolCallRecord] = []
    for fields in calls:
        step = places.step_of(fields)
        if step is None and fields.get("step_id") is not None:
            _add_problem(fields, "its step is not there")
        (loose if step is None else step["tool_calls"]).append(ToolCallRecord(**fields))
    execution["steps"] = tuple(StepRecord(**{**step, "tool_calls": tuple(step["tool_calls"])}) for step in steps)
    execution["tool_calls"] = tuple(loose)
    execution["spans"] = tuple(others)
    open_ids = {part.span.span_id for part in parts} if root is None else {root.span.span_id}
    if execution["status"] not in _FINAL and any(span_id in interrupted for span_id in open_ids):
        execution["interrupted"] = True
    return ExecutionRecord(**execution)


def summary(span: SpanData, *, interrupted: bool) -> ExecutionSummary:
    """Return what a list shows of an execution, from its own span alone."""
    part = _Part(span)
    part.kind = RowKind.EXECUTION
    _mark_times(part)
    fields = _execution_fields(part)
    status = fields["status"]
    return ExecutionSummary(
        execution_id=fields["execution_id"],
        type=fields.get("type", ExecutionType.WORKFLOW),
        workflow_name=fields.get("workflow_name"),
        workflow_version=fields.get("workflow_version"),
        status=status,
        started_at=span.start_ns,
        completed_at=span.end_ns,
        error=fields.get("error"),
        caller_id=fields.get("caller_id"),
        metadata=fields.get("metadata", {}),
        interrupted=fields.get("interrupted", False) or (interrupted and status not in _FINAL),
        parent_execution_id=fields.get("parent_execution_id"),
        trace_id=fields["span"].trace_id,
        problems=fields["problems"],
    )


def _order(span: SpanData) -> tuple[int, int, int]:
    sequence = span.attributes.get(semconv.SEQUENCE)
    return span.start_ns, sequence if type(sequence) is int else 0, span.span_id


def _parts(spans: Sequence[SpanData]) -> list[_Part]:
    """Return the spans in order. One that is given twice, equal in all, is one span."""
    parts: list[_Part] = []
    for span in sorted(spans, key=_order):
        if not parts or parts[-1].span != span:
            parts.append(_Part(span))
    return parts


def _choose_root(parts: list[_Part]) -> _Part | None:
    """Return the execution's own span; any other that claims to be becomes a step if others recorded it, or a mere span."""
    ids = {part.span.span_id for part in parts}
    claims = [part for part in parts if part.kind is RowKind.EXECUTION]
    if not claims:
        return None
    root = min(
        claims,
        key=lambda part: (
            part.reading is not None,
            part.span.parent_span_id in ids,
            part.span.parent_span_id is not None,
        ),
    )
    for part in claims:
        if part is root:
            continue
        if part.reading is None:
            part.kind = RowKind.SPAN
            part.odd.append("is another span of an execution with the same id")
        else:
            part.kind = RowKind.STEP
            if part.span.parent_span_id not in ids:
                part.odd.append("is another root of the same trace")
    return root


def _mark_oddities(parts: list[_Part], root: _Part | None, parents: Mapping[int, int | None]) -> None:
    circular = circles(parents)
    uses = Counter(part.span.span_id for part in parts)
    for part in parts:
        span = part.span
        _mark_times(part)
        if uses[span.span_id] > 1:
            part.odd.append("another span has the same id")
        if span.span_id in circular:
            part.odd.append("its parents lead back to itself")
        if part is not root and part.reading is not None and not is_root(span) and span.parent_span_id not in parents:
            part.odd.append(f"its parent {span.parent_span_id:016x} is not there")


def _mark_times(part: _Part) -> None:
    if part.span.end_ns is not None and part.span.end_ns < part.span.start_ns:
        part.odd.append("ended before it started")


def _execution_fields(part: _Part) -> dict[str, Any]:
    fields = part.fields()
    fields.setdefault("execution_id", f"{part.span.trace_id:032x}")
    fields.setdefault("status", ExecutionStatus(_outcome(part.span)))
    return fields


def _complete_step(part: _Part, fields: dict[str, Any]) -> dict[str, Any]:
    if "step_id" not in fields:
        _default(fields, "step_id", part.span.name, semconv.STEP_ID)
    fields.setdefault("status", StepStatus(_outcome(part.span)))
    fields["tool_calls"] = []
    return fields


def _complete_call(part: _Part, fields: dict[str, Any], execution_id: str) -> dict[str, Any]:
    if "tool_name" not in fields:
        _default(fields, "tool_name", part.span.name, semconv.TOOL_NAME)
    fields.setdefault("call_id", f"{part.span.span_id:016x}")
    fields.setdefault("execution_id", execution_id)
    return fields


def _default(fields: dict[str, Any], name: str, value: str, key: str) -> None:
    fields[name] = value
    _add_problem(fields, f"{key} is missing: the span's name stands for it")


def _add_problem(fields: dict[str, Any], problem: str) -> None:
    fields["problems"] = tuple(dict.fromkeys((*fields["problems"], problem)))


def _outcome(span: SpanData) -> str:
    if span.end_ns is None:
        return "running"
    return "failed" if span.status_code == _ERROR_CODE else "completed"


def _gather(parts: list[_Part]) -> dict[str, Any]:
    """Return what is known of an execution whose own span is missing: lost, not written yet, or in another store.

    Whether an execution of ours ended was for its own span to say, so it counts as running. A trace of others
    has ended when all its spans have.
    """
    ids = {part.span.span_id for part in parts}
    foreign = all(part.reading is not None for part in parts)
    ended = foreign and all(part.span.end_ns is not None for part in parts)
    top = [part.span for part in parts if part.span.parent_span_id not in ids] or [part.span for part in parts]
    failed = any(span.status_code == _ERROR_CODE for span in top)
    named = (part.span.attributes.get(semconv.EXECUTION_ID) for part in parts)
    return {
        "execution_id": next((name for name in named if isinstance(name, str)), f"{parts[0].span.trace_id:032x}"),
        "status": ExecutionStatus(("failed" if failed else "completed") if ended else "running"),
        "started_at": parts[0].span.start_ns,
        "completed_at": max(part.span.end_ns or 0 for part in parts) if ended else None,
        "rootless": True,
        "problems": (f"the execution's own span is missing: this is what its other {len(parts)} say",),
    }
