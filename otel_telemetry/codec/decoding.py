"""Spans of one execution to its record.

Decoding is total. What an attribute says that no field can take stays in `SpanInfo.attributes`; that, and whatever is
odd about a span's place or times, is a problem of its record, in words.

A tool call belongs to the step above it in the tree of spans if that is the step which it names, otherwise to the
attempt of the named step that was the last to start before it. A missing parent is a problem only of a span that
others recorded: our own say by ids where they belong, and may well stand inside a span that was never meant for this
store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_telemetry import semconv
from otel_telemetry.codec.nesting import Places
from otel_telemetry.codec.parts import Part, choose_root, mark_oddities, parts_of
from otel_telemetry.codec.span_info import Origin
from otel_telemetry.records import (
    ExecutionRecord,
    ExecutionStatus,
    ExecutionSummary,
    ExecutionType,
    SpanRecord,
    StepRecord,
    StepStatus,
    ToolCallRecord,
)
from otel_telemetry.rows import RowKind

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from span_processors.data import SpanData

_FINAL: Final = (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
_ERROR_CODE: Final = 2
# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_STEP: Final = RowKind.STEP
_TOOL_CALL: Final = RowKind.TOOL_CALL


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
    parts = parts_of(spans)
    parents = {part.span.span_id: part.span.parent_span_id for part in parts}
    root = choose_root(parts)
    mark_oddities(parts, parents)
    execution = _gather(parts) if root is None else _complete_execution(root, root.fields())
    origin = None if root is None else Origin(root.span.resource, root.span.scope)

    steps: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    others: list[SpanRecord] = []
    for part in parts:
        if part is root:
            continue
        fields = part.fields(execution["execution_id"], origin)
        if part.kind is _STEP:
            steps.append(_complete_step(part, fields))
        elif part.kind is _TOOL_CALL:
            calls.append(_complete_call(part, fields, execution["execution_id"]))
        else:
            others.append(SpanRecord(**fields))

    places = Places(parents, steps)
    loose: list[ToolCallRecord] = []
    for fields in calls:
        step = places.step_of(fields)
        if step is None and fields.get("step_id") is not None:
            _add_problem(fields, "its step is not there")
        elif step is not None and fields["span"].foreign:
            fields["step_id"] = step["step_id"]
        (loose if step is None else step["tool_calls"]).append(ToolCallRecord(**fields))
    execution["steps"] = tuple([_step(fields) for fields in steps])
    execution["tool_calls"] = tuple(loose)
    execution["spans"] = tuple(others)
    gone = interrupted and any(part.span.span_id in interrupted for part in ([root] if root is not None else parts))
    marked = [part for part in parts if part.interrupted]
    if marked or (gone and execution["status"] not in _FINAL):
        execution["interrupted"] = True
    return ExecutionRecord(**execution)


def summary(span: SpanData, *, interrupted: bool) -> ExecutionSummary:
    """Return what a list shows of an execution, from its own span alone.

    Args:
        span: the execution's own span.
        interrupted: whether its process went away; it matters only to an execution that has not ended.
    """
    part = Part(span)
    part.kind = RowKind.EXECUTION
    fields = _complete_execution(part, part.shown())
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
        interrupted=fields.get("interrupted", False) or part.interrupted or (interrupted and status not in _FINAL),
        parent_execution_id=fields.get("parent_execution_id"),
        trace_id=f"{span.trace_id:032x}",
        problems=fields["problems"],
    )


def _complete_execution(part: Part, fields: dict[str, Any]) -> dict[str, Any]:
    if "execution_id" not in fields:
        fields["execution_id"] = f"{part.span.trace_id:032x}"
    if "status" not in fields:
        fields["status"] = ExecutionStatus(_outcome(part.span))
    return fields


def _complete_step(part: Part, fields: dict[str, Any]) -> dict[str, Any]:
    if "step_id" not in fields:
        fields["step_id"] = part.span.name
        _add_problem(fields, f"{semconv.STEP_ID} is missing: the span's name stands for it")
    if "status" not in fields:
        fields["status"] = StepStatus(_outcome(part.span))
    fields["tool_calls"] = []
    return fields


def _step(fields: dict[str, Any]) -> StepRecord:
    fields["tool_calls"] = tuple(fields["tool_calls"])
    return StepRecord(**fields)


def _complete_call(part: Part, fields: dict[str, Any], execution_id: str) -> dict[str, Any]:
    if "tool_name" not in fields:
        fields["tool_name"] = part.span.name
        _add_problem(fields, f"{semconv.TOOL_NAME} is missing: the span's name stands for it")
    if "call_id" not in fields:
        fields["call_id"] = f"{part.span.span_id:016x}"
    if "execution_id" not in fields:
        fields["execution_id"] = execution_id
    return fields


def _add_problem(fields: dict[str, Any], problem: str) -> None:
    if problem not in fields["problems"]:
        fields["problems"] += (problem,)


def _outcome(span: SpanData) -> str:
    if span.end_ns is None:
        return "running"
    return "failed" if span.status_code == _ERROR_CODE else "completed"


def _gather(parts: Sequence[Part]) -> dict[str, Any]:
    """Return what is known of an execution whose own span is missing: lost, not written yet, or in another store.

    Whether an execution of ours ended was for its own span to say, so it counts as running. A trace of others
    has ended when all its spans have.
    """
    ids = {part.span.span_id for part in parts}
    ended = all(part.reading is not None and part.span.end_ns is not None for part in parts)
    failed = any(part.span.status_code == _ERROR_CODE for part in parts if part.span.parent_span_id not in ids)
    named = (part.span.attributes.get(semconv.EXECUTION_ID) for part in parts)
    return {
        "execution_id": next((name for name in named if isinstance(name, str)), f"{parts[0].span.trace_id:032x}"),
        "status": ExecutionStatus(("failed" if failed else "completed") if ended else "running"),
        "started_at": parts[0].span.start_ns,
        "completed_at": max(part.span.end_ns or 0 for part in parts) if ended else None,
        "rootless": True,
        "problems": ("the execution's own span is missing; this is what the others say",),
    }
