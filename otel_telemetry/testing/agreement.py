"""That a record says of an execution what its spans make of it, and what can be asked about spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_telemetry.records import ExecutionStatus
from otel_telemetry.rows import OPEN_STATUSES, RowKind, RowStatus, SpanRow, Standing, data_of, index_value
from otel_telemetry.semconv import INPUTS, SCOPE_NAME
from otel_telemetry.testing.judgement import Told, step_of

if TYPE_CHECKING:
    from otel_telemetry.records import ExecutionRecord, ExecutionSummary

_ROOTLESS: Final = (2, 1)
_IDENTITY: Final = ("workflow_name", "workflow_version", "caller_id", "parent_execution_id")


def assert_record(record: ExecutionRecord, told: Told, live_leases: frozenset[int]) -> None:
    """Assert that the record of an execution is what its spans make of it."""
    calls: dict[str | None, list[SpanRow]] = {}
    for call in told.calls:
        step = step_of(call, told)
        calls.setdefault(None if step is None else _id_of(step), []).append(call)
    found = {
        **_head(record),
        "rootless": record.rootless,
        "inputs": record.inputs,
        "steps": [
            (
                *(_at(step), step.step_id, step.kind, step.status.name, step.attempt),
                *(step.started_at, step.completed_at, [_at(call) for call in step.tool_calls]),
            )
            for step in record.steps
        ],
        "tool_calls": [_at(call) for call in record.tool_calls],
        "all tool calls": {
            _at(call): (call.tool_name, call.started_at, call.completed_at) for call in record.all_tool_calls()
        },
        "spans": [_at(span) for span in record.spans],
    }
    expected = {
        **_expected_head(told, live_leases),
        "rootless": told.row.who_rank in _ROOTLESS,
        "inputs": _inputs_of(told),
        "steps": [
            (
                *(_id_of(span), span.step_id, span.step_kind or "step", RowStatus(span.status).name),
                *(span.attempt or 1, span.started_ns, span.ended_ns, _ids_of(calls.get(_id_of(span), ()))),
            )
            for span in told.steps
        ],
        "tool_calls": _ids_of(calls.get(None, ())),
        "all tool calls": {_id_of(span): (span.tool_name, span.started_ns, span.ended_ns) for span in told.calls},
        "spans": _ids_of(span for span, what in told.parts if what in {Standing.SPAN, Standing.SEGMENT}),
    }
    _assert_equal(found, expected)


def assert_summary(shown: ExecutionSummary, told: Told, live_leases: frozenset[int]) -> None:
    """Assert that what a list shows of an execution is what its spans make of it."""
    _assert_equal(_head(shown), _expected_head(told, live_leases))


def _assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    differ = {name: (value, expected[name]) for name, value in found.items() if value != expected[name]}
    assert not differ, f"found, expected: {differ}"


def _head(said: ExecutionRecord | ExecutionSummary) -> dict[str, Any]:
    error = said.error
    return {
        "execution_id": said.execution_id,
        "type": said.type.value,
        **{name: getattr(said, name) for name in _IDENTITY},
        "status": said.status.name,
        "times": (said.started_at, said.completed_at),
        "interrupted": said.interrupted,
        "error": (None, None) if error is None else (error.code, error.category),
        "metadata": {(key, index_value(value)) for key, value in said.metadata.items()},
    }


def _expected_head(told: Told, live_leases: frozenset[int]) -> dict[str, Any]:
    row = told.row
    return {
        "execution_id": row.execution_id,
        "type": row.execution_type or "workflow",
        **{name: getattr(row, name) for name in _IDENTITY},
        "status": RowStatus(row.status).name,
        "times": (row.started_ns, row.ended_ns),
        "interrupted": row.status in OPEN_STATUSES and row.lease_id is not None and row.lease_id not in live_leases,
        "error": (None, None) if row.who_rank in _ROOTLESS else (row.error_code, row.error_category),
        "metadata": told.metadata,
    }


def _inputs_of(told: Told) -> Any:
    """Return what the span that an execution is was given; of ours, else what another span of it was, the first."""
    roots = [span for span, what in told.parts if what in {Standing.EXECUTION, Standing.DIRECT}]
    for span in (*roots, *(span for span, what in told.parts if what is Standing.SEGMENT)):
        given = data_of(span).attributes.get(INPUTS if span.kind == RowKind.EXECUTION else "input.value")
        if given is not None:
            return orjson.loads(str(given))
    return None


def _id_of(span: SpanRow) -> str:
    return f"{span.span_id & 0xFFFFFFFFFFFFFFFF:016x}"


def _ids_of(spans: Iterable[SpanRow]) -> list[str]:
    return [_id_of(span) for span in spans]


def _at(part: Any) -> str:
    return str(part.span.span_id)


def questions_about(rows: Sequence[SpanRow]) -> Iterator[dict[str, Any]]:
    """Yield what can be asked about rows, as keywords of `Filter.parse`: also what only a state said that is gone."""
    values: dict[str, list[Any]] = {
        name: [*sorted({value for row in rows if (value := getattr(row, column)) is not None}), "not there"]
        for name, column in (
            *((name, name) for name in _IDENTITY),
            *((name, name) for name in ("tool_name", "step_id", "error_code", "error_category")),
            ("scope", "scope"),
        )
    }
    values["scope"].append(SCOPE_NAME)
    values["parent_execution_id"] = values["parent_execution_id"][:2]
    values |= {
        "status": list(ExecutionStatus),
        "type": ["workflow", "direct"],
        "kind": ["agent", "chain", "chat", "plan"],
        "trace_id": sorted({row.trace_id.hex() for row in rows})[:4],
        **{name: [False, True] for name in ("interrupted", "top_level", "foreign")},
    }
    for name, some in values.items():
        yield from ({name: value} for value in some)
    for code, category in product(values["error_code"], values["error_category"]):
        yield {"error_code": code, "error_category": category}
    for key, value in sorted({item for row in rows for item in row.metadata}):
        yield {"metadata": {key: orjson.loads(value)}}
    tools = values["tool_name"]
    yield {"tool_name": tools[:2]}
    yield {"tool_name": tools[0], "status": "failed"}
    yield {"step_id": values["step_id"][:2], "workflow_name": values["workflow_name"][0]}
    yield {"kind": ["agent", "chat"], "foreign": True}
