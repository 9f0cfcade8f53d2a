"""Decorators, blocks and ids, mixed in any way, record the same."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import attach, detach

import otel_telemetry as ot
from otel_telemetry.records import ExecutionStatus, StepStatus
from tests.otel_telemetry.tracing.conftest import Tape

WAYS = st.sampled_from(["decorator", "block", "detached", "id"])
CALLS = st.lists(st.tuples(WAYS.filter(lambda way: way != "id"), st.booleans()), max_size=3)
STEPS = st.lists(st.tuples(WAYS, st.sampled_from(["a", "b"]), st.booleans(), CALLS), max_size=5)


class Planned(Exception):  # noqa: N818  (the failure that the test plans)
    pass


def run_call(tape, parent, way, fails):
    def body(n):
        if fails:
            raise Planned
        return n

    with suppress(Planned):
        if way == "decorator":
            tape.tool("t")(body)(1)
        elif way == "block":
            with parent.tool_call("t", params={"n": 1}) as call:
                call.result = body(1)
        else:
            call = parent.tool_call("t", params={"n": 1})
            call.fail(Planned()) if fails else call.complete(1)


def run_step(tape, run, step):
    way, name, fails, calls = step

    def body(handle):
        for call in calls:
            run_call(tape, handle, *call)
        if fails:
            raise Planned

    if way == "decorator":
        tape.step(name)(lambda: body(tape.recorder.current_step()))()
    elif way == "block":
        with run.step(name) as handle:
            body(handle)
    else:
        handle = run.step(name)
        found = tape.recorder.open_step(run.execution_id, handle.step_id) if way == "id" else handle
        assert found is handle
        token = attach(handle.context())
        try:
            body(handle)
        except Planned as error:
            found.fail(error)
        else:
            found.complete()
        finally:
            detach(token)


def expected_ids(steps):
    """The rule in its own words: a start after a failure of the same name retries it, any other is another step."""
    count, attempts, failed, ids = Counter(), Counter(), {}, []
    for _, name, fails, _ in steps:
        step_id = failed.pop(name, None)
        if step_id is None:
            count[name] += 1
            step_id = name if count[name] == 1 else f"{name}#{count[name]}"
        attempts[step_id] += 1
        ids.append((step_id, attempts[step_id]))
        if fails:
            failed[name] = step_id
    return ids


@given(STEPS)
def test_every_mixture_is_recorded(steps):
    tape = Tape()
    with tape.execution("w") as run:
        for step in steps:
            with suppress(Planned):
                run_step(tape, run, step)
    record = tape.record()
    assert record.status is ExecutionStatus.COMPLETED
    assert [(step.step_id, step.attempt) for step in record.steps] == expected_ids(steps)
    for found, (_, _, fails, calls) in zip(record.steps, steps, strict=True):
        assert found.status is (StepStatus.FAILED if fails else StepStatus.COMPLETED)
        assert [call.error is not None for call in found.tool_calls] == [failed for _, failed in calls]
        assert all(call.params == {"n": 1} for call in found.tool_calls)
        assert {call.span.parent_span_id for call in found.tool_calls} <= {found.span.span_id}
    sequences = [record.sequence, *(step.sequence for step in record.steps)]
    sequences += [call.sequence for call in record.all_tool_calls()]
    assert sorted(sequences) == list(range(len(sequences)))


@pytest.fixture
def telemetry():
    with ot.configure(store="memory://", strict=True, set_global=False) as telemetry:
        yield telemetry


def test_what_runs_is_seen_with_what_is_open_in_it(telemetry):
    with telemetry.execution("w", inputs={"a": 1}) as run, run.step("s") as step, step.tool_call("t"):
        assert telemetry.flush(10)
        record = telemetry.store.get(run.execution_id)
        assert record.status is ExecutionStatus.RUNNING
        assert record.steps[0].status is StepStatus.RUNNING
        assert record.steps[0].tool_calls[0].completed_at is None
    assert telemetry.store.get(run.execution_id).status is ExecutionStatus.COMPLETED


def test_what_is_planned_is_seen_as_planned_and_then_as_running(telemetry):
    store = telemetry.store
    execution_id = store.start_execution(workflow_name="w", status="pending")
    assert store.get(execution_id).status is ExecutionStatus.PENDING
    store.start_execution(execution_id=execution_id)
    assert store.get(execution_id).status is ExecutionStatus.RUNNING
    store.complete_execution(execution_id)
    assert store.get(execution_id).status is ExecutionStatus.COMPLETED


def test_spans_of_others_belong_to_the_execution_around_them(telemetry):
    tracer = telemetry.tracer_provider.get_tracer("of another library")
    with telemetry.execution("w") as run, tracer.start_as_current_span("GET /"), run.step("s"):
        pass
    record = telemetry.store.get(run.execution_id)
    (foreign,) = record.spans
    assert foreign.span.name == "GET /"
    assert record.steps[0].span.parent_span_id == foreign.span.span_id
    assert [record.sequence, foreign.sequence, record.steps[0].sequence] == [0, 1, 2]
