"""The store by ids alone."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import otel_telemetry as ot
from otel_telemetry.wiring import Telemetry


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with ot.configure(store="memory://", strict=True) as telemetry:
        yield telemetry


def record_of(telemetry: Telemetry, execution_id: str) -> ot.ExecutionRecord:
    record = telemetry.store.get(execution_id)
    assert record is not None
    return record


def test_a_whole_execution_by_ids(telemetry: Telemetry) -> None:
    store = telemetry.store
    eid = store.start_execution(
        workflow_name="invoice", workflow_version="3", inputs={"order": 7}, caller_id="api", metadata={"tenant": "t1"}
    )
    store.start_step(
        eid, "charge", step_type="tool", tool_name="stripe.charge", tool_params={"amount": 770}, code="x = 1"
    )
    call_id = store.record_tool_call(
        eid, step_id="charge", tool_name="stripe.charge", params={"amount": 770}, result={"id": "ch_1"}
    )
    store.complete_step(eid, "charge", result={"id": "ch_1"})
    store.skip_step(eid, "notify", "the customer wants no mail")
    store.complete_execution(eid, outputs={"paid": True})

    record = record_of(telemetry, eid)
    assert (record.workflow_name, record.workflow_version, record.caller_id) == ("invoice", "3", "api")
    assert (record.inputs, record.outputs, record.metadata) == ({"order": 7}, {"paid": True}, {"tenant": "t1"})
    assert record.status is ot.ExecutionStatus.COMPLETED
    charge, notify = record.steps
    assert (charge.step_type, charge.tool_name, charge.status) == (
        ot.StepType.TOOL,
        "stripe.charge",
        ot.StepStatus.COMPLETED,
    )
    assert (charge.tool_params, charge.tool_result) == ({"amount": 770}, {"id": "ch_1"})
    assert charge.code_hash is not None
    assert [(call.call_id, call.source) for call in charge.tool_calls] == [(call_id, ot.ToolCallSource.TOOL_STEP)]
    assert (notify.status, notify.skip_reason) == (ot.StepStatus.SKIPPED, "the customer wants no mail")
    assert record.problems == ()


def test_a_failure_with_its_causes(telemetry: Telemetry) -> None:
    store = telemetry.store
    eid = store.start_execution(workflow_name="w")
    store.start_step(eid, "s")
    try:
        try:
            raise ConnectionResetError("reset")
        except ConnectionResetError as cause:
            raise ValueError("bad answer") from cause
    except ValueError as error:
        store.fail_step(eid, "s", error)
        store.fail_execution(eid, error)
    record = record_of(telemetry, eid)
    assert record.status is ot.ExecutionStatus.FAILED
    assert record.error is not None
    assert [error.message for error in record.error.chain()] == ["bad answer", "reset"]
    assert record.error.step_id == "s"
    assert record.steps[0].error is not None
    assert record.steps[0].error.root_cause.message == "reset"


def test_a_retry_is_a_second_attempt(telemetry: Telemetry) -> None:
    store = telemetry.store
    eid = store.start_execution()
    store.start_step(eid, "s")
    store.fail_step(eid, "s", "first time")
    store.start_step(eid, "s", attempt=2)
    store.complete_step(eid, "s")
    store.complete_execution(eid)
    steps = record_of(telemetry, eid).steps
    assert [(step.step_id, step.attempt, step.status.value) for step in steps] == [
        ("s", 1, "failed"),
        ("s", 2, "completed"),
    ]


def test_cancelled_is_cancelled(telemetry: Telemetry) -> None:
    eid = telemetry.store.start_execution(workflow_name="w")
    telemetry.store.cancel_execution(eid, "the user went away")
    record = record_of(telemetry, eid)
    assert record.status is ot.ExecutionStatus.CANCELLED
    assert record.error is not None
    assert record.error.message == "the user went away"


def test_planned_then_started(telemetry: Telemetry) -> None:
    store = telemetry.store
    eid = store.start_execution(workflow_name="w", execution_id="mine", status="pending")
    assert record_of(telemetry, eid).status is ot.ExecutionStatus.PENDING
    assert store.start_execution(execution_id="mine") == "mine"
    store.start_step(eid, "s", status=ot.StepStatus.PENDING)
    assert record_of(telemetry, eid).steps[0].status is ot.StepStatus.PENDING
    store.start_step(eid, "s")
    record = record_of(telemetry, eid)
    assert (record.status, record.steps[0].status) == (ot.ExecutionStatus.RUNNING, ot.StepStatus.RUNNING)
    store.complete_step(eid, "s")
    store.complete_execution(eid)
    assert len(record_of(telemetry, eid).steps) == 1


def test_a_direct_call(telemetry: Telemetry) -> None:
    started = datetime(2026, 11, 22, 9, 40, 17, 123456, tzinfo=UTC)
    telemetry.store.record_tool_call(
        tool_name="t",
        params=[1],
        error=TimeoutError("late"),
        started_at=started,
        completed_at=started.replace(minute=41),
    )
    (record,) = telemetry.store.query()
    assert (record.type, record.status) == (ot.ExecutionType.DIRECT, ot.ExecutionStatus.FAILED)
    (call,) = record.tool_calls
    assert (call.duration_ms, call.started_at % 10**9) == (60_000.0, 123_456_000)
    assert call.error is not None
    assert (call.error.code, call.error.retryable) == ("timeout", True)


def test_ids_and_blocks_mix(telemetry: Telemetry) -> None:
    with telemetry.execution("w") as run:
        telemetry.store.start_step(run.execution_id, "by id")
        telemetry.store.record_tool_call(run.execution_id, step_id="by id", tool_name="t", params={"n": 1})
        telemetry.store.complete_step(run.execution_id, "by id")
        with run.step("by block"):
            telemetry.store.record_tool_call(run.execution_id, step_id="by block", tool_name="u")
    record = record_of(telemetry, run.execution_id)
    assert [(step.step_id, [call.tool_name for call in step.tool_calls]) for step in record.steps] == [
        ("by id", ["t"]),
        ("by block", ["u"]),
    ]


def test_a_call_of_a_step_that_has_ended(telemetry: Telemetry) -> None:
    store = telemetry.store
    eid = store.start_execution()
    store.start_step(eid, "s")
    store.complete_step(eid, "s")
    store.record_tool_call(eid, step_id="s", tool_name="late")
    assert [call.tool_name for call in record_of(telemetry, eid).steps[0].tool_calls] == ["late"]


Call = Callable[[ot.TelemetryStore, str], Any]
CONTRADICTIONS: list[tuple[Call, type[Exception], str]] = [
    (lambda store, eid: store.complete_execution("nobody"), ot.UnknownExecutionError, "start it first"),
    (lambda store, eid: store.start_step("nobody", "s"), ot.UnknownExecutionError, "start it first"),
    (lambda store, eid: store.record_tool_call("nobody", tool_name="t"), ot.UnknownExecutionError, "start it first"),
    (lambda store, eid: store.complete_step(eid, "nothing"), ot.UnknownStepError, "start it first"),
    (
        lambda store, eid: store.record_tool_call(eid, tool_name="t", step_id="nothing"),
        ot.UnknownStepError,
        "start it first",
    ),
    (lambda store, eid: store.complete_step(eid, "done"), ot.AlreadyEndedError, "another attempt"),
    (lambda store, eid: store.skip_step(eid, "done", "late"), ot.AlreadyEndedError, "another attempt"),
    (lambda store, eid: store.complete_execution("ended"), ot.AlreadyEndedError, "has ended already"),
    (lambda store, eid: store.fail_execution("ended", "x"), ot.AlreadyEndedError, "has ended already"),
    (lambda store, eid: store.start_execution(execution_id=eid), ot.DuplicateExecutionError, "each its own id"),
    (lambda store, eid: store.start_execution(execution_id="ended"), ot.DuplicateExecutionError, "each its own id"),
    (lambda store, eid: store.start_execution(status="runing"), ValueError, "did you mean 'running'"),
    (lambda store, eid: store.start_step(eid, "t", step_type="tol"), ValueError, "did you mean 'tool'"),
]


def _prepared(store: ot.TelemetryStore) -> str:
    store.start_execution(execution_id="ended")
    store.complete_execution("ended")
    eid = store.start_execution(workflow_name="w")
    store.start_step(eid, "done")
    store.complete_step(eid, "done")
    return eid


@pytest.mark.parametrize(("call", "error", "said"), CONTRADICTIONS)
def test_contradictions_raise_when_strict(telemetry: Telemetry, call: Call, error: type[Exception], said: str) -> None:
    eid = _prepared(telemetry.store)
    with pytest.raises(error, match=said):
        call(telemetry.store, eid)


@pytest.mark.parametrize(("call", "error", "said"), CONTRADICTIONS)
def test_contradictions_are_counted_and_logged_otherwise(
    call: Call, error: type[Exception], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ot.configure(store="memory://") as telemetry:
        eid = _prepared(telemetry.store)
        before = telemetry.store.get(eid)
        with caplog.at_level(logging.WARNING, "otel_telemetry"):
            call(telemetry.store, eid)
        assert sum(telemetry.recorder.problems.values()) == 1
        assert error.__name__ in caplog.text
        assert telemetry.store.get(eid) == before


def test_export_and_import_by_the_store(telemetry: Telemetry) -> None:
    with telemetry.execution("w", inputs={"a": [1, 2.5, None]}) as run, run.step("s") as step:
        step.result = "ok"
    first = io.BytesIO()
    assert telemetry.store.export("json", first, workflow_name="w") == 1
    with ot.configure(store="memory://") as other:
        assert other.store.import_(io.BytesIO(first.getvalue())) == 2
        assert other.store.get(run.execution_id) == record_of(telemetry, run.execution_id)
        second = io.BytesIO()
        other.store.export("json", second)
    assert second.getvalue() == first.getvalue()


def test_iteration_and_counts(telemetry: Telemetry) -> None:
    for n in range(250):
        with telemetry.execution("even" if n % 2 == 0 else "odd"):
            pass
    assert telemetry.store.count() == 250
    assert telemetry.store.count(workflow_name="odd") == 125
    assert len({run.execution_id for run in telemetry.store.iterate(workflow_name="even")}) == 125
    assert len(telemetry.store.query(limit=10, payloads=False)) == 10
