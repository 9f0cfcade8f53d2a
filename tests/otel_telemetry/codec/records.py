"""Hypothesis strategies for trees of records, such as decoding makes them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from otel_telemetry.fields import FIELDS
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionType,
    SpanEvent,
    SpanInfo,
    SpanLink,
    SpanRecord,
    SpanResource,
    SpanScope,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
    ToolCallSource,
)
from tests.otel_telemetry.strategies import INT64, JSON, PLAIN, TEXT, TIMES

TEXTS = st.lists(TEXT, max_size=2, unique=True).map(tuple)
MAYBE = st.none() | TEXT
STEP_IDS = st.sampled_from(["a", "b", ""])
TRACE_ID = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
SPAN_ID = st.integers(0, 2**64 - 2).map(lambda number: f"{number:016x}")
_KNOWN = {field.key for field in FIELDS}
_LEFT = st.dictionaries(TEXT.filter(lambda key: key not in _KNOWN), JSON, max_size=2)


def _errors(causes: int = 3) -> st.SearchStrategy[ErrorRecord]:
    return st.builds(
        ErrorRecord,
        code=TEXT,
        category=TEXT,
        message=TEXT,
        detail=st.none() | PLAIN,
        retryable=st.booleans(),
        step_id=MAYBE,
        tool_name=MAYBE,
        cause=st.none() | _errors(causes - 1) if causes else st.none(),
    )


ERRORS = _errors()
_EVENTS = st.builds(SpanEvent, name=TEXT, time_ns=TIMES, attributes=PLAIN, dropped_attributes=st.integers(0, 2))
_LINKS = st.builds(
    SpanLink, trace_id=TRACE_ID, span_id=SPAN_ID, trace_state=TEXT, flags=st.integers(0, 257), attributes=PLAIN
)
_RESOURCES = st.builds(SpanResource, attributes=PLAIN, schema_url=TEXT)
_SCOPES = st.builds(SpanScope, name=TEXT, version=TEXT, schema_url=TEXT, attributes=PLAIN)
_STATES = st.sampled_from(["unset", "ok", "error"])


@st.composite
def executions(draw: st.DrawFn) -> ExecutionRecord:
    """Return an execution with everything nested, its spans' ids unique and its parts in order."""
    ids = iter(draw(st.lists(SPAN_ID, min_size=12, max_size=12, unique=True)))
    trace_id = draw(TRACE_ID)
    origin = draw(_RESOURCES), draw(_SCOPES)
    execution_id = draw(TEXT)

    def info(parent: str | None, *, root: bool = False) -> SpanInfo:
        resource = draw(st.none() | _RESOURCES)
        scope = draw(st.none() | _SCOPES)
        return SpanInfo(
            trace_id=trace_id,
            span_id=next(ids),
            parent_span_id=parent,
            name=draw(TEXT),
            kind=draw(st.sampled_from(["internal", "server", "client", "producer", "consumer"])),
            status_code=draw(_STATES),
            status_message=draw(MAYBE),
            trace_state=draw(TEXT),
            flags=draw(st.sampled_from([0, 1, 257])),
            attributes=draw(_LEFT),
            events=tuple(draw(st.lists(_EVENTS, max_size=1))),
            links=tuple(draw(st.lists(_LINKS, max_size=1))),
            dropped_attributes=draw(st.integers(0, 2)),
            dropped_events=draw(st.integers(0, 2)),
            dropped_links=draw(st.integers(0, 2)),
            resource=origin[0] if root else None if resource == origin[0] else resource,
            scope=origin[1] if root else None if scope == origin[1] else scope,
        )

    def times(after: int = 0) -> dict[str, Any]:
        started_at = draw(st.integers(after, after + 3))
        completed_at = draw(st.none() | st.integers(started_at, started_at + 3))
        return {"started_at": started_at, "completed_at": completed_at}

    def calls(parent: str | None, step_id: str | None, after: int, number: int) -> tuple[ToolCallRecord, ...]:
        made = [
            ToolCallRecord(
                call_id=draw(TEXT),
                tool_name=draw(TEXT),
                params=draw(JSON),
                result=draw(JSON),
                error=draw(st.none() | ERRORS),
                execution_id=execution_id,
                step_id=step_id,
                source=draw(st.sampled_from(ToolCallSource)),
                sequence=draw(st.none() | INT64),
                span=info(parent),
                problems=draw(TEXTS),
                **times(after),
            )
            for _ in range(number)
        ]
        return tuple(sorted(made, key=_order))

    root = info(draw(st.none() | st.just("f" * 16)), root=True)
    start = draw(TIMES)
    steps = []
    for _ in range(draw(st.integers(0, 2))):
        span, step_id, when = info(root.span_id), draw(STEP_IDS), times(start)
        steps.append(
            StepRecord(
                step_id=step_id,
                step_type=draw(st.sampled_from(StepType)),
                status=draw(st.sampled_from(StepStatus)),
                skip_reason=draw(MAYBE),
                tool_name=draw(MAYBE),
                tool_params=draw(JSON),
                tool_result=draw(JSON),
                code_hash=draw(MAYBE),
                tool_calls=calls(span.span_id, draw(st.sampled_from([step_id, None])), start, draw(st.integers(0, 2))),
                error=draw(st.none() | ERRORS),
                attempt=draw(st.integers(1, 3)),
                sequence=draw(st.none() | INT64),
                span=span,
                problems=draw(TEXTS),
                **when,
            )
        )
    spans = [
        SpanRecord(sequence=draw(st.none() | INT64), span=info(root.span_id), problems=draw(TEXTS), **times(start))
        for _ in range(draw(st.integers(0, 1)))
    ]
    return ExecutionRecord(
        execution_id=execution_id,
        type=draw(st.sampled_from(ExecutionType)),
        workflow_name=draw(MAYBE),
        workflow_version=draw(MAYBE),
        status=draw(st.sampled_from(ExecutionStatus)),
        inputs=draw(JSON),
        outputs=draw(JSON),
        steps=tuple(sorted(steps, key=_order)),
        error=draw(st.none() | ERRORS),
        caller_id=draw(MAYBE),
        metadata=draw(PLAIN),
        interrupted=draw(st.booleans()),
        parent_execution_id=draw(MAYBE.filter(lambda parent: parent != execution_id)),
        tool_calls=calls(root.span_id, None, start, draw(st.integers(0, 2))),
        spans=tuple(spans),
        sequence=draw(st.none() | INT64),
        span=root,
        problems=draw(TEXTS),
        **times(start),
    )


def _order(record: Any) -> tuple[int, int, int]:
    span_id = int(record.span.span_id, 16)
    return record.started_at, record.sequence or 0, span_id - (1 << 64) if span_id >> 63 else span_id
