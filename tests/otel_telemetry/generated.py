"""Generated executions and questions about them: few names, so that they meet; hostile ones among them."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import orjson
from hypothesis import strategies as st

from otel_telemetry import codec, semconv
from otel_telemetry.query import ORDERS, OrderBy
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionType,
    JsonValue,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
)
from otel_telemetry.rows import RowKind, SpanRow, data_of, row_of
from otel_telemetry.testing.traces import rows_of
from span_processors.redaction import normalise

LIVE_LEASE: Final = 7
DEAD_LEASE: Final = 2**63 - 1
KINDS: Final = st.sampled_from(["agent", "chain", "chat", "plan"])
RAW_TEXTS: Final = (
    "invoice",
    "Invoice",
    "100%",
    "a_b",
    "back\\slash",
    "quo'te\"d",
    "nul\0in it",
    "lone \ud83d half",
    "naïve é",
    "\U0001f680",
    "NaN",
    "null",
    "",
    " ",
    "line\nbreak\t",
    "'; DROP TABLE spans; --",
    "x" * 256,
    "y" * 257,
)
"""As a user may give them, before they are normalised."""
TEXTS: Final = tuple(str(normalise(text)[0]) for text in RAW_TEXTS)
"""As they are stored."""

_STARTS: Final = (0, 1_000, 1_001, 10**18, 2**62)
_DURATIONS: Final = (None, -5, 0, 1, 999_999, 1_000_000, 10**9, 2**62 - 1)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 1.0, -0.0, 1e300, 5e-324, 0.1])
    | st.sampled_from(TEXTS)
    | st.text(string.printable, max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TEXTS), inner, max_size=3),
    max_leaves=3,
)


@st.composite
def _times(draw: st.DrawFn) -> dict[str, int | None]:
    started, lasted = draw(st.sampled_from(_STARTS)), draw(st.sampled_from(_DURATIONS))
    return {"started_at": started, "completed_at": None if lasted is None else started + max(lasted, -started)}


@st.composite
def _tool_calls(
    draw: st.DrawFn, execution_id: str, texts: st.SearchStrategy[str], sequence: int
) -> tuple[ToolCallRecord, ...]:
    return tuple(
        ToolCallRecord(
            **draw(_times()),
            call_id=f"{execution_id}.{sequence}.{number}",
            tool_name=draw(texts),
            params=draw(json_values),
            result=draw(json_values),
            error=draw(st.none() | _errors(texts)),
            execution_id=execution_id,
            sequence=sequence + number,
        )
        for number in range(draw(st.integers(0, 2)))
    )


def _errors(texts: st.SearchStrategy[str]) -> st.SearchStrategy[ErrorRecord]:
    return st.builds(ErrorRecord, code=texts, category=texts, message=texts, cause=st.none())


@st.composite
def executions(draw: st.DrawFn, execution_id: str, texts: st.SearchStrategy[str]) -> ExecutionRecord:
    """An execution with up to three steps, some of them retries, and up to two calls in each and outside of them."""
    maybe_text = st.none() | texts
    errors = _errors(texts)
    steps = tuple(
        StepRecord(
            **draw(_times()),
            step_id=draw(texts),
            step_type=draw(st.sampled_from(StepType)),
            status=draw(st.sampled_from(StepStatus)),
            tool_name=draw(maybe_text),
            tool_params=draw(json_values),
            tool_calls=draw(_tool_calls(execution_id, texts, 10 * number)),
            error=draw(st.none() | errors),
            attempt=draw(st.integers(1, 3)),
            sequence=10 * number,
        )
        for number in range(draw(st.integers(0, 3)))
    )
    return ExecutionRecord(
        **draw(_times()),
        execution_id=execution_id,
        type=draw(st.sampled_from(ExecutionType)),
        workflow_name=draw(maybe_text),
        workflow_version=draw(maybe_text),
        status=draw(st.sampled_from(ExecutionStatus)),
        inputs=draw(json_values),
        outputs=draw(json_values),
        steps=steps,
        error=draw(st.none() | errors),
        caller_id=draw(maybe_text),
        metadata=draw(st.dictionaries(texts, json_values, max_size=3)),
        interrupted=draw(st.booleans()),
        parent_execution_id=draw(maybe_text),
        tool_calls=draw(_tool_calls(execution_id, texts, 100)),
    )


@st.composite
def stores(draw: st.DrawFn) -> list[SpanRow]:
    """The rows of a few executions; an id may be used twice, and processes be alive, gone, or never have been here.

    There may be traces of others among them, orphans, and what one of ours called by plain headers.
    """
    texts = st.sampled_from(draw(st.lists(st.sampled_from(TEXTS), min_size=3, max_size=5, unique=True)))
    ids = st.sampled_from([*filter(None, TEXTS[:-1]), "run-1", "Run-1"])
    rows: list[SpanRow] = []
    for execution_id in draw(st.lists(ids, min_size=4, max_size=8)):
        lease = draw(st.sampled_from([None, LIVE_LEASE, DEAD_LEASE]))
        rows += [row_of(span, lease) for span in codec.encode(draw(executions(execution_id, texts)))]
    for number in range(draw(st.integers(0, 2))):
        rows += rows_of(draw(st.integers(0, 10_000)), f"more-{number}-")
    return rows


class Question(NamedTuple):
    """What is asked of a reader."""

    filters: dict[str, Any]
    order_by: OrderBy
    limit: int
    payloads: bool


def questions(rows: Sequence[SpanRow]) -> st.SearchStrategy[Question]:
    """Questions with up to three filters; what they ask for is mostly there."""
    asked = _asked(rows)
    names = st.lists(st.sampled_from(sorted(asked)), max_size=3, unique=True)
    return st.builds(
        Question,
        names.flatmap(lambda chosen: st.fixed_dictionaries({name: asked[name] for name in chosen})),
        st.sampled_from(ORDERS),
        st.integers(2, 5),
        st.booleans(),
    )


def _asked(rows: Sequence[SpanRow]) -> dict[str, st.SearchStrategy[Any]]:
    def texts_of(column: str, kinds: tuple[RowKind, ...] = tuple(RowKind)) -> st.SearchStrategy[Any]:
        there = sorted({getattr(row, column) for row in rows if row.kind in kinds} - {None})
        one = st.sampled_from([*there, *there, *there, *RAW_TEXTS])
        return one | st.lists(one, min_size=1, max_size=3)

    executions = tuple(kind for kind in RowKind if kind in {RowKind.EXECUTION, RowKind.ENTRY, RowKind.ENTRY_CALL})
    traces = st.sampled_from(sorted({row.trace_id.hex() for row in rows})) | st.just("0" * 32)
    starts = st.sampled_from(sorted({row.started_ns for row in rows}))
    durations = st.sampled_from([0, 1e-6, 0.999999, 1, 1000, "1ms", -1])
    return {
        **{
            name: texts_of(name, executions)
            for name in ("execution_id", "workflow_name", "workflow_version", "caller_id", "parent_execution_id")
        },
        **{name: texts_of(name) for name in ("error_code", "error_category", "tool_name", "step_id", "scope")},
        "trace_id": traces | st.lists(traces, min_size=1, max_size=3),
        "kind": KINDS | st.lists(KINDS, min_size=1, max_size=3),
        "top_level": st.booleans(),
        "foreign": st.booleans(),
        "status": st.sampled_from(ExecutionStatus) | st.lists(st.sampled_from(ExecutionStatus), min_size=1, max_size=3),
        "type": st.sampled_from(ExecutionType),
        "started_after": starts,
        "started_before": starts,
        "min_duration_ms": durations,
        "max_duration_ms": durations,
        "interrupted": st.booleans(),
        "execution_id_prefix": st.sampled_from(["r", "R", "run", "na\u00ef", "\U0001f680", "lone \ud83d", "'", "%"]),
        "metadata": st.sampled_from([{}, *_metadata(rows)]) | st.dictionaries(st.sampled_from(RAW_TEXTS), json_values),
        "text": st.sampled_from([*filter(None, RAW_TEXTS)]) | st.text(string.printable, min_size=1, max_size=2),
    }


def _metadata(rows: Sequence[SpanRow]) -> Iterator[dict[str, JsonValue]]:
    """Yield what executions have as metadata: whole, and each key alone."""
    for row in rows:
        if row.metadata:
            whole = data_of(row).attributes[semconv.METADATA]
            stored = orjson.loads(str(whole)) if isinstance(whole, str) else whole
            yield stored
            yield from ({key: value} for key, value in stored.items())
