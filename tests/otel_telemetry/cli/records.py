"""Hand-made records for the tests of the pictures."""

from __future__ import annotations

from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    SpanInfo,
    SpanRecord,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
    ToolCallSource,
)

START = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC
MS = 1_000_000
ID = "018bcfe5-6800-7abc-8def-0123456789ab"


def info(span: int, parent: int | None = None, **more) -> SpanInfo:
    return SpanInfo(
        trace_id=f"{7:032x}",
        span_id=f"{span:016x}",
        parent_span_id=parent and f"{parent:016x}",
        name=f"span {span}",
        **more,
    )


def error(
    code: str = "timeout", message: str = "no answer in 3 s", cause: ErrorRecord | None = None, **more
) -> ErrorRecord:
    return ErrorRecord(code=code, category="external", message=message, cause=cause, **more)


def call(tool: str = "stripe.charge", at: int = 20, lasted: int | None = 100, **more) -> ToolCallRecord:
    return ToolCallRecord(
        call_id=f"call-{tool}-{at}",
        tool_name=tool,
        started_at=START + at * MS,
        completed_at=None if lasted is None else START + (at + lasted) * MS,
        execution_id=ID,
        source=ToolCallSource.CODE_BLOCK,
        **more,
    )


def step(
    name: str, at: int = 10, lasted: int | None = 200, status: StepStatus = StepStatus.COMPLETED, **more
) -> StepRecord:
    return StepRecord(
        step_id=name,
        status=status,
        started_at=START + at * MS,
        completed_at=None if lasted is None else START + (at + lasted) * MS,
        **more,
    )


def execution(
    *steps: StepRecord, lasted: int | None = 1240, status: ExecutionStatus = ExecutionStatus.COMPLETED, **more
) -> ExecutionRecord:
    return ExecutionRecord(
        execution_id=ID,
        workflow_name=more.pop("workflow_name", "invoice"),
        workflow_version=more.pop("workflow_version", "3"),
        status=status,
        started_at=START,
        completed_at=None if lasted is None else START + lasted * MS,
        steps=steps,
        **more,
    )


def failed_invoice() -> ExecutionRecord:
    """`fetch` works at the second attempt, `charge` fails for good: a tool's error, wrapped by the step."""
    not_there = error("not_found", "no such file: orders.csv")
    refused = error("ConnectionRefusedError", "port 443", retryable=True)
    timeout = error("stripe.timeout", "no answer in 3 s", cause=refused, detail={"status": 504})
    wrapped = error("charge_failed", "order 7 was not charged", cause=timeout, step_id="charge")
    return execution(
        step("fetch", 10, 5, StepStatus.FAILED, error=not_there),
        step("fetch", 20, 10, attempt=2, code_hash="3f2a9c1b7d00" + "0" * 52),
        step(
            "charge",
            40,
            200,
            StepStatus.FAILED,
            step_type=StepType.TOOL,
            tool_name="stripe.charge",
            error=wrapped,
            tool_calls=(
                call("stripe.charge", 50, 180, params={"order": 7, "api_key": "[REDACTED:field]"}, error=timeout),
            ),
        ),
        step("mail", 250, 0, StepStatus.SKIPPED, skip_reason="no address"),
        lasted=300,
        status=ExecutionStatus.FAILED,
        error=wrapped,
        inputs={"order": 7},
        metadata={"tenant": "acme"},
        caller_id="cron",
    )


def foreign(span: int, parent: int | None, at: int = 60, **more) -> SpanRecord:
    return SpanRecord(started_at=START + at * MS, completed_at=START + (at + 5) * MS, span=info(span, parent, **more))
