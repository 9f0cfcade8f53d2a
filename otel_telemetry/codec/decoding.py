"""The stored rows of one execution to its record.

Decoding is total. What an attribute says that no field can take stays in `SpanInfo.attributes`; that, and whatever is
odd about a span's place or times, is a problem of its record, in words.

A tool call belongs to the step above it in the tree of spans if that is the step which it names, otherwise to the
attempt of the named step that was the last to start before it. A missing parent is a problem only of a span that
others recorded: our own say by ids where they belong, and may well stand inside a span that was never meant for this
store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry import semconv
from otel_telemetry.codec import table
from otel_telemetry.codec.nesting import Places
from otel_telemetry.codec.parts import Part, find_mark, mark_oddities
from otel_telemetry.codec.span_info import Origin
from otel_telemetry.fields import WHO
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
from otel_telemetry.rows import ExecutionRow, Parsed, RowKind, RowStatus, Standing, doubles, fold, greatest, stands
from otel_telemetry.rows.execution import IS_CLAIMED_TWICE
from otel_telemetry.rows.standing import may_have_doubles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_telemetry.records import SpanInfo
    from otel_telemetry.rows import SpanRow
    from span_processors.data import SpanData

_ERROR_CODE: Final = 2
_STATUSES: Final = {int(RowStatus[status.name]): status for status in ExecutionStatus}
_OPEN: Final = (ExecutionStatus.PENDING, ExecutionStatus.RUNNING)
_IDENTITY: Final = tuple(field.name for field in WHO)
_TEXTS: Final = tuple(name for name in _IDENTITY if name != "type")
_JOINED: Final[dict[str, Any]] = {
    **dict.fromkeys((*_IDENTITY, "inputs")),
    "type": ExecutionType.WORKFLOW,
    "metadata": {},
}
"""The fields that other spans of the same execution may say, with what it means that none does."""
_KEYS: Final = {field.name: field.key for field in table.EXECUTION.fields.values()}
_SEVERAL: Final = "several spans claim to be this execution; the newest says how it stands"
_ROOTLESS: Final = "the execution's own span is missing; this is what the others say"
# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_EXECUTION: Final = Standing.EXECUTION
_DIRECT: Final = Standing.DIRECT
_STEP: Final = Standing.STEP
_TOOL_CALL: Final = Standing.TOOL_CALL
_SEGMENT: Final = Standing.SEGMENT


def decode(
    rows: Sequence[SpanRow], execution_id: str | None = None, *, live_leases: frozenset[int] = frozenset()
) -> ExecutionRecord:
    """Return the record of one execution.

    Args:
        rows: all that is stored of it, at least one, in any order, and of the trace that is read into it.
        execution_id: the execution, where rows of such a trace are among them; by default that of the rows.
        live_leases: the leases of the processes that are alive.

    Raises:
        ValueError: there is no row of the execution at all.
    """
    own = [row for row in rows if execution_id is None or row.execution_id == execution_id]
    if not own:
        raise ValueError("an execution has at least one span")
    own = sorted(greatest(own), key=_place)
    execution = fold(own)
    adopted = [] if len(own) == len(rows) else [row for row in rows if row.execution_id != execution.execution_id]
    ordered = sorted([*own, *greatest(adopted)], key=_place) if adopted else own
    hidden = doubles(ordered) if may_have_doubles(execution, adopted) else frozenset()
    parts = [
        Part(row, stands(execution, row, hidden, adopted=row.execution_id != execution.execution_id)) for row in ordered
    ]
    parents = {part.span.span_id: part.span.parent_span_id for part in parts}
    mark_oddities(parts, parents, execution)
    interrupted = find_mark(parts)
    root = next((part for part in parts if part.stands is _EXECUTION or part.stands is _DIRECT), None)
    fields = _rootless(execution) if root is None else _rooted(execution, root, parts)
    origin = None if root is None else Origin(root.span.resource, root.span.scope)

    steps: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    others: list[SpanRecord] = []
    for part in parts:
        what = part.stands
        if what is _EXECUTION:
            continue
        if what is _DIRECT:
            calls.append(_direct_call(part, fields))
            continue
        found = part.fields(execution.execution_id, origin)
        if what is _STEP:
            steps.append(_complete_step(part, found))
        elif what is _TOOL_CALL:
            calls.append(_complete_call(part, found, execution.execution_id))
        else:
            others.append(SpanRecord(**found))

    loose = _placed(calls, Places(parents, steps))
    fields["steps"] = tuple([_step(step) for step in steps])
    fields["tool_calls"] = tuple(loose)
    fields["spans"] = tuple(others)
    gone = execution.lease_id is not None and execution.lease_id not in live_leases
    if interrupted or (gone and fields["status"] in _OPEN):
        fields["interrupted"] = True
    return ExecutionRecord(**fields)


def _placed(calls: Sequence[dict[str, Any]], places: Places) -> list[ToolCallRecord]:
    """Put each call into its step, and return those that have none."""
    loose: list[ToolCallRecord] = []
    for call in calls:
        step = places.step_of(call)
        if step is None and call.get("step_id") is not None:
            _add_problem(call, "its step is not there")
        elif step is not None and call["span"].foreign:
            call["step_id"] = step["step_id"]
        (loose if step is None else step["tool_calls"]).append(ToolCallRecord(**call))
    return loose


def summary(execution: ExecutionRow, heads: Sequence[SpanRow], *, interrupted: bool) -> ExecutionSummary:
    """Return what a list shows of an execution.

    Args:
        execution: its row.
        heads: the spans that say who it is, how it stands and its metadata, as far as they are there.
        interrupted: whether its process went away; it matters only to an execution that has not ended.
    """
    parts = [Part(row, stands(execution, row)) for row in greatest(heads)]
    root = next((part for part in parts if part.stands is _EXECUTION or part.stands is _DIRECT), None)
    if root is None:
        fields = _rootless(execution)
    else:
        fields = _as_a_whole(execution, root, _complete_execution(root, root.shown()), parts)
        if execution.flags & IS_CLAIMED_TWICE:  # also where the others say nothing that a list shows
            _add_problem(fields, _SEVERAL)
    status = fields["status"]
    marked = any(part.interrupted for part in parts)
    return ExecutionSummary(
        execution_id=fields["execution_id"],
        type=fields.get("type", ExecutionType.WORKFLOW),
        status=status,
        started_at=fields["started_at"],
        completed_at=fields["completed_at"],
        error=fields.get("error"),
        metadata=fields.get("metadata", {}),
        interrupted=fields.get("interrupted", False) or marked or (interrupted and status in _OPEN),
        trace_id=execution.trace_id.hex(),
        problems=fields["problems"],
        **{name: fields.get(name) for name in _TEXTS},
    )


def _place(row: SpanRow) -> tuple[int, int, int, int]:
    return row.started_ns, row.sequence or 0, row.span_id, row.parent_span_id or 0


def _rooted(execution: ExecutionRow, root: Part, parts: Sequence[Part]) -> dict[str, Any]:
    fields = _complete_execution(root, root.fields(execution.execution_id))
    return _as_a_whole(execution, root, fields, parts)


def _as_a_whole(execution: ExecutionRow, root: Part, fields: dict[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    """Add what other spans of the same execution say of it: the first who it is, the newest its metadata."""
    segments = [part for part in parts if part.stands is _SEGMENT]
    if not segments:
        return fields
    alone = dict(fields)
    said = {
        (part.row.started_ns, part.row.span_id): part.shown(stands=_EXECUTION)
        for part in parts
        if part.row.kind == RowKind.EXECUTION
    }
    who = said.get((execution.started_ns, execution.who_span_id), fields)
    for name in _IDENTITY:
        fields.pop(name, None)
        if name in who:
            fields[name] = who[name]
    fields["started_at"] = execution.started_ns
    if fields.get("inputs") is None:
        inputs = next((of_one["inputs"] for of_one in said.values() if of_one.get("inputs") is not None), None)
        fields["inputs"] = inputs
    if execution.metadata_started_ns is not None and execution.metadata_span_id is not None:
        of_one = said.get((execution.metadata_started_ns, execution.metadata_span_id), {})
        fields["metadata"] = of_one.get("metadata", {})
    if "span" in fields:
        changed = [name for name, usual in _JOINED.items() if fields.get(name, usual) != alone.get(name, usual)]
        fields["span"] = _with_its_own(fields["span"], root.span, changed)
    _add_problem(fields, _SEVERAL)
    return fields


def _with_its_own(info: SpanInfo, span: SpanData, changed: Sequence[str]) -> SpanInfo:
    """Add what the span says itself, where its record says something else."""
    attributes = dict(info.attributes)
    for name in changed:
        raw: Any = span.attributes.get(_KEYS[name])
        attributes[_KEYS[name]] = raw.text if isinstance(raw, Parsed) else raw
    return replace(info, started_at=span.start_ns, attributes=dict(sorted(attributes.items())))


def _rootless(execution: ExecutionRow) -> dict[str, Any]:
    """Return what is known of an execution whose own span is missing: lost, not written yet, or in another store."""
    return {
        "execution_id": execution.execution_id,
        "type": ExecutionType(execution.execution_type or ExecutionType.WORKFLOW),
        "workflow_name": execution.workflow_name,
        "status": _STATUSES[execution.status],
        "started_at": execution.started_ns,
        "completed_at": execution.ended_ns,
        "rootless": True,
        "problems": (_ROOTLESS,),
    }


def _direct_call(part: Part, execution: dict[str, Any]) -> dict[str, Any]:
    """Return the tool call that an execution is: its span stands for both."""
    fields = part.shown(stands=_TOOL_CALL)
    fields["span"] = execution["span"]
    return _complete_call(part, fields, execution["execution_id"])


def _complete_execution(part: Part, fields: dict[str, Any]) -> dict[str, Any]:
    fields["execution_id"] = part.row.execution_id
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
    fields["execution_id"] = execution_id
    return fields


def _add_problem(fields: dict[str, Any], problem: str) -> None:
    if problem not in fields["problems"]:
        fields["problems"] += (problem,)


def _outcome(span: SpanData) -> str:
    if span.end_ns is None:
        return "running"
    return "failed" if span.status_code == _ERROR_CODE else "completed"
