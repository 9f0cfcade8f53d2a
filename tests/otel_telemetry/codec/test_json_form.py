"""Records as JSON: what it looks like, what is refused and how, and the schema."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from otel_telemetry.codec import encode, error_from_json, from_json, json_schema, to_json
from otel_telemetry.errors import FormatError
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionSummary,
    SpanInfo,
    SpanRecord,
    SpanResource,
    SpanScope,
    StepRecord,
    ToolCallRecord,
)

STATUSES = "pending, running, completed, failed, cancelled"

RECORD = ExecutionRecord(
    execution_id="e",
    started_at=1_760_000_000_000_000_001,
    completed_at=1_760_000_000_001_500_001,
    status=ExecutionStatus.FAILED,
    inputs={"b": 1, "a": [None]},
    error=ErrorRecord(code="c", category="g", message="m", cause=ErrorRecord(code="c2", category="g2", message="m2")),
    steps=(
        StepRecord(
            step_id="s",
            started_at=5,
            tool_calls=(ToolCallRecord(call_id="1", tool_name="t", started_at=6, execution_id="e", step_id="s"),),
        ),
    ),
    span=SpanInfo(
        trace_id="0" * 31 + "7",
        span_id="0" * 15 + "1",
        name="n",
        resource=SpanResource(attributes={"service.name": "x"}),
        scope=SpanScope(name="otel_telemetry"),
    ),
)


def test_the_form_of_a_record() -> None:
    assert to_json(RECORD) == {
        "execution_id": "e",
        "type": "workflow",
        "workflow_name": None,
        "workflow_version": None,
        "status": "failed",
        "started_at": 1_760_000_000_000_000_001,
        "completed_at": 1_760_000_000_001_500_001,
        "duration_ms": 1.5,
        "inputs": {"b": 1, "a": [None]},
        "outputs": None,
        "steps": [
            {
                "step_id": "s",
                "step_type": "code",
                "status": "running",
                "skip_reason": None,
                "started_at": 5,
                "completed_at": None,
                "duration_ms": None,
                "tool_name": None,
                "tool_params": None,
                "tool_result": None,
                "code_hash": None,
                "tool_calls": [
                    {
                        "call_id": "1",
                        "tool_name": "t",
                        "started_at": 6,
                        "completed_at": None,
                        "duration_ms": None,
                        "params": None,
                        "result": None,
                        "error": None,
                        "execution_id": "e",
                        "step_id": "s",
                        "source": "tool_step",
                        "sequence": None,
                        "span": None,
                        "problems": [],
                    }
                ],
                "error": None,
                "attempt": 1,
                "kind": "step",
                "sequence": None,
                "span": None,
                "problems": [],
            }
        ],
        "error": {
            "code": "c",
            "category": "g",
            "message": "m",
            "cause": {"code": "c2", "category": "g2", "message": "m2"},
        },
        "caller_id": None,
        "metadata": {},
        "interrupted": False,
        "rootless": False,
        "parent_execution_id": None,
        "tool_calls": [],
        "spans": [],
        "sequence": None,
        "span": {
            "trace_id": "0" * 31 + "7",
            "span_id": "0" * 15 + "1",
            "name": "n",
            "resource": {"attributes": {"service.name": "x"}},
            "scope": {"name": "otel_telemetry"},
        },
        "problems": [],
    }
    assert from_json(to_json(RECORD)) == RECORD


def test_a_record_written_by_hand_needs_little() -> None:
    record = from_json({"execution_id": "e", "started_at": 1})
    assert record == ExecutionRecord(execution_id="e", started_at=1)


def changed(path: str, value: Any) -> Any:
    document = copy.deepcopy(to_json(RECORD))
    *above, last = (int(part) if part.isdigit() else part for part in path.split("."))
    inner: Any = document
    for part in above:
        inner = inner[part]
    inner[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("started_at", "now", "execution.started_at: expected an integer of 64 bits, not 'now'"),
        ("started_at", 2**63, "execution.started_at: expected an integer of 64 bits, not 9223372036854775808"),
        ("started_at", True, "execution.started_at: expected an integer of 64 bits, not True"),
        ("status", "done", f"execution.status: expected one of {STATUSES}, not 'done'"),
        ("status", [], f"execution.status: expected one of {STATUSES}, not a list"),
        ("interrupted", 1, "execution.interrupted: expected true or false, not 1"),
        ("metadata", [], "execution.metadata: expected an object, not a list"),
        ("steps", {}, "execution.steps: expected a list, not a dict"),
        ("steps.0", None, "execution.steps[0]: expected an object, not None"),
        ("steps.0.tool_calls.0.call_id", 5, "execution.steps[0].tool_calls[0].call_id: expected text, not 5"),
        ("steps.0.duration_ms", "1", "execution.steps[0].duration_ms: expected a number, not '1'"),
        ("steps.0", {"step_id": "s"}, "execution.steps[0]: 'started_at' is missing"),
        ("error.cause.message", None, "execution.error.cause.message: expected text, not None"),
        ("span.attributes", "x" * 99, f"execution.span.attributes: expected an object, not '{'x' * 39}"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(path: str, value: Any, message: str) -> None:
    document = changed(path, value)
    with pytest.raises(FormatError) as caught:
        from_json(document)
    assert str(caught.value) == message


@pytest.mark.parametrize("document", [None, [], "x", 5])
def test_what_is_no_record_is_refused(document: Any) -> None:
    with pytest.raises(FormatError, match=r"^execution: expected an object"):
        from_json(document)


def test_fields_of_a_later_version_are_problems() -> None:
    document = changed("later", 1)
    document["steps"][0]["later"] = 2
    assert from_json(document).problems == (
        "execution.steps[0].later is unknown here and was left out",
        "execution.later is unknown here and was left out",
    )


def test_causes_without_end_are_refused() -> None:
    error: dict[str, Any] = {"code": "c", "category": "g", "message": "m"}
    for _ in range(5_000):
        error = {**error, "cause": error}
    with pytest.raises(FormatError, match="nested too deep"):
        error_from_json(error)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("span.trace_id", "0" * 33),
        ("span.trace_id", "xyz"),
        ("span.span_id", "1"),
        ("span.span_id", "0" * 15 + "A"),
        ("span.parent_span_id", ""),
        ("span.kind", "sideways"),
        ("span.status_code", "good"),
        ("span.links", [{"trace_id": "1", "span_id": "2"}]),
    ],
)
def test_ids_and_names_that_no_span_can_have_are_refused(path: str, value: Any) -> None:
    record = from_json(changed(path, value))
    with pytest.raises(FormatError, match=r"^execution 'e': "):
        encode(record)


@pytest.mark.parametrize(
    "record", [ExecutionRecord, StepRecord, ToolCallRecord, ErrorRecord, SpanRecord, ExecutionSummary]
)
def test_every_record_has_a_valid_schema(record: type) -> None:
    schema = json_schema(record)
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == record.__name__
    assert json.loads(json.dumps(schema)) == schema


def test_the_schema_refuses_what_reading_refuses() -> None:
    validator = Draft202012Validator(json_schema(ExecutionRecord))
    validator.validate(to_json(RECORD))
    for path, value in [("started_at", "now"), ("status", "done"), ("steps.0", {"step_id": "s"}), ("later", 1)]:
        assert not validator.is_valid(changed(path, value)), path


def test_a_record_without_ids_of_spans_gets_some_that_depend_on_it_alone() -> None:
    record = from_json({"execution_id": "e", "started_at": 1, "steps": [{"step_id": "s", "started_at": 2}]})
    one, other = encode(record), encode(record)
    assert one == other
    assert [span.name for span in one] == ["invoke_workflow", "step s"]
    assert one[1].parent_span_id == one[0].span_id
    elsewhere = encode(from_json({"execution_id": "e2", "started_at": 1}))
    assert elsewhere[0].trace_id != one[0].trace_id
