"""The records' own promises: their fields, what they derive, and what they never show."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from enum import Enum

import pytest

from otel_telemetry import records
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionSummary,
    ExecutionType,
    SpanInfo,
    SpanRecord,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
    ToolCallSource,
)

SECRET = "in the payload"


@pytest.mark.parametrize(
    ("enum", "members"),
    [
        (ExecutionType, "WORKFLOW DIRECT"),
        (ExecutionStatus, "PENDING RUNNING COMPLETED FAILED CANCELLED"),
        (StepStatus, "PENDING RUNNING COMPLETED FAILED SKIPPED"),
        (StepType, "TOOL CODE"),
        (ToolCallSource, "TOOL_STEP CODE_BLOCK"),
    ],
)
def test_the_enums_have_the_members_of_the_specification(enum: type[Enum], members: str) -> None:
    assert [member.name for member in enum] == members.split()
    assert all(member.value == member.name.lower() and isinstance(member, str) for member in enum)


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (ErrorRecord, "code category message detail retryable step_id tool_name cause"),
        (
            ToolCallRecord,
            """call_id tool_name started_at completed_at duration_ms params result error execution_id step_id source
            sequence""",
        ),
        (
            StepRecord,
            """step_id step_type status skip_reason started_at completed_at duration_ms tool_name tool_params
            tool_result code_hash tool_calls error attempt""",
        ),
        (
            ExecutionRecord,
            """execution_id type workflow_name workflow_version status started_at completed_at duration_ms inputs
            outputs steps error caller_id metadata""",
        ),
    ],
)
def test_the_fields_of_the_specification_come_first(record: type, fields: str) -> None:
    names = [field.name for field in dataclasses.fields(record)]
    assert names[: len(fields.split())] == fields.split()


RECORDS = [
    value
    for value in (getattr(records, name) for name in records.__all__)
    if isinstance(value, type) and dataclasses.is_dataclass(value)
]


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_frozen_slotted_and_keyword_only(record: type) -> None:
    parameters = record.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))


def filled() -> ExecutionRecord:
    error = ErrorRecord(code="c", category="g", message=SECRET, detail={"k": SECRET})
    info = SpanInfo(trace_id="0" * 32, span_id="0" * 16, name="n", status_message=SECRET, attributes={"k": SECRET})
    call = ToolCallRecord(
        call_id="1",
        tool_name="t",
        started_at=1,
        execution_id="e",
        params=SECRET,
        result=[SECRET],
        error=error,
        span=info,
    )
    step = StepRecord(
        step_id="s",
        started_at=1,
        completed_at=2_500_001,
        skip_reason=SECRET,
        tool_params={"k": SECRET},
        tool_result=SECRET,
        tool_calls=(call,),
        error=error,
        span=info,
    )
    return ExecutionRecord(
        execution_id="e",
        started_at=0,
        inputs=SECRET,
        outputs=[SECRET],
        metadata={"k": SECRET},
        steps=(step,),
        tool_calls=(dataclasses.replace(call, call_id="2"),),
        spans=(SpanRecord(started_at=1, span=info),),
        error=error,
        span=info,
    )


def test_a_repr_shows_names_and_times_but_no_payload() -> None:
    record = filled()
    for part in (record, *record.steps, *record.tool_calls, *record.spans, record.error, record.span):
        assert SECRET not in repr(part)
    assert "execution_id='e'" in repr(record)
    assert "started_at=1" in repr(record.steps[0])


def test_a_summary_shows_no_payload_either() -> None:
    line = ExecutionSummary(
        execution_id="e",
        type=ExecutionType.DIRECT,
        workflow_name=None,
        workflow_version=None,
        status=ExecutionStatus.RUNNING,
        started_at=1,
        completed_at=1_000_001,
        metadata={"k": SECRET},
    )
    assert SECRET not in repr(line)
    assert line.duration_ms == 1.0


def test_durations_are_derived() -> None:
    record = filled()
    assert record.duration_ms is None
    assert record.steps[0].duration_ms == 2.5
    assert dataclasses.replace(record, completed_at=10**9).duration_ms == 1000.0


def test_the_chain_of_an_error_ends_with_its_root_cause() -> None:
    root = ErrorRecord(code="root", category="g", message="m")
    top = ErrorRecord(code="top", category="g", message="m", cause=root)
    assert [error.code for error in top.chain()] == ["top", "root"]
    assert top.root_cause is root
    assert root.root_cause is root


def test_all_tool_calls_are_those_of_the_steps_first() -> None:
    assert [call.call_id for call in filled().all_tool_calls()] == ["1", "2"]


def test_records_import_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); from otel_telemetry.records import *;"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) == {"otel_telemetry", "span_processors"}
