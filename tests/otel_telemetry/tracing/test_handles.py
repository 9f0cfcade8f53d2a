"""Handles: detached, as blocks, by their ids, and all of it mixed."""

from __future__ import annotations

import gc
import hashlib
import inspect
import textwrap
import threading

import pytest

from otel_telemetry import semconv
from otel_telemetry.errors import (
    AlreadyEndedError,
    DuplicateExecutionError,
    UnknownExecutionError,
    UnknownStepError,
)
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionStatus,
    ExecutionType,
    StepStatus,
    StepType,
    ToolCallSource,
)
from otel_telemetry.tracing import Clock


def test_detached_handles_end_elsewhere(tape):
    run = tape.recorder.start_execution("w", inputs=1)
    step = run.step("s", params={"a": 1}, code="x = 1")
    call = step.tool_call("t", params=[1])

    def elsewhere():
        call.complete("found")
        step.fail(ErrorRecord(code="no_money", category="business", message="none left", retryable=True))
        run.cancel("enough")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    record = tape.record()
    assert record.status is ExecutionStatus.CANCELLED
    assert record.error.code == "cancelled"
    assert record.error.message == "enough"
    (step,) = record.steps
    assert step.status is StepStatus.FAILED
    assert (step.error.code, step.error.category, step.error.retryable) == ("no_money", "business", True)
    assert step.code_hash == hashlib.sha256(b"x = 1").hexdigest()
    assert step.tool_calls[0].result == "found"


def test_a_handle_ends_once(tape):
    with tape.execution("w") as run:
        step = run.step("s")
        step.complete(1)
        step.fail("too late")
        step.set_attribute("k", "too late")
    assert tape.recorder.problems == {"AlreadyEndedError": 2}
    assert len(tape.spans("step s")) == 1
    assert tape.records()[0].steps[0].status is StepStatus.COMPLETED


def test_ending_inside_the_block_is_the_end(tape):
    with tape.execution("w") as run, run.step("s") as step:
        step.skip("nothing to do")
    record = tape.record()
    assert (record.steps[0].status, record.steps[0].skip_reason) == (StepStatus.SKIPPED, "nothing to do")


def test_of_many_threads_that_end_it_one_succeeds(tape):
    run = tape.recorder.start_execution("w")
    barrier = threading.Barrier(8)

    def end(n):
        barrier.wait()
        run.complete(n)

    threads = [threading.Thread(target=end, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tape.spans()) == 1
    assert tape.recorder.problems["AlreadyEndedError"] == 7


def test_contradictions_raise_when_strict_and_say_what_to_do(make_tape):
    tape = make_tape(strict=True)
    recorder = tape.recorder
    run = recorder.start_execution("w", execution_id="e")
    with pytest.raises(DuplicateExecutionError, match="give each its own id"):
        recorder.start_execution("w", execution_id="e")
    with pytest.raises(UnknownStepError, match="start it first"):
        recorder.open_step("e", "s")
    run.step("s").complete()
    with pytest.raises(AlreadyEndedError, match="another attempt"):
        recorder.open_step("e", "s")
    run.complete()
    with pytest.raises(AlreadyEndedError, match="start another one"):
        recorder.open_execution("e")
    with pytest.raises(AlreadyEndedError, match="start another one"):
        run.complete()
    with pytest.raises(UnknownExecutionError, match="start it first"):
        recorder.open_execution("never")
    with pytest.raises(DuplicateExecutionError):
        recorder.start_execution("w", execution_id="e")


def test_contradictions_are_counted_when_not_strict(tape):
    run = tape.recorder.start_execution("w", execution_id="e")
    assert tape.recorder.start_execution("w", execution_id="e") is run
    run.complete()
    again = tape.recorder.start_execution("w", execution_id="e")
    assert again is not run
    again.complete()
    assert tape.recorder.problems == {"DuplicateExecutionError": 2}


def test_ids_and_decorators_mix(tape):
    recorder = tape.recorder

    @tape.tool("t")
    def tool():
        recorder.current_step().set_attribute("seen", True)

    @tape.workflow("w")
    def work():
        run = recorder.current_execution()
        by_id = recorder.open_execution(run.execution_id).step("by id", step_id="s-1")
        with recorder.open_step(run.execution_id, "s-1"):
            tool()
        assert not by_id.is_open

    work()
    (step,) = tape.record().steps
    assert step.step_id == "s-1"
    assert step.span.attributes["seen"] is True
    assert step.tool_calls[0].tool_name == "t"
    assert recorder.current_execution() is recorder.current_step() is None


def test_retries_are_attempts_and_loops_are_other_steps(tape):
    with tape.execution("w") as run:
        run.step("charge").fail("declined")
        run.step("charge").fail("declined again")
        run.step("charge").complete()
        run.step("charge").complete()
        run.step("charge").fail("no")
        run.step("charge").complete()
    assert [(step.step_id, step.attempt, step.status.value) for step in tape.record().steps] == [
        ("charge", 1, "failed"),
        ("charge", 2, "failed"),
        ("charge", 3, "completed"),
        ("charge#2", 1, "completed"),
        ("charge#3", 1, "failed"),
        ("charge#3", 2, "completed"),
    ]


def test_steps_of_one_name_side_by_side_are_different_steps(tape):
    with tape.execution("w") as run:
        first, second = run.step("s"), run.step("s")
        second.fail("no")
        first.complete()
        run.step("s").complete()
    assert [(step.step_id, step.attempt) for step in tape.record().steps] == [("s", 1), ("s#2", 1), ("s#2", 2)]


def test_given_step_ids_stay_and_count_attempts(tape):
    with tape.execution("w") as run:
        run.step("s", step_id="s").complete()
        run.step("s", step_id="s").complete()
        run.step("s", step_id="s", attempt=7).complete()
        run.step("s", step_id="s", attempt=1).complete()
        run.step("s").complete()
    assert [(step.step_id, step.attempt) for step in tape.record().steps] == [
        ("s", 1),
        ("s", 2),
        ("s", 7),
        ("s", 8),
        ("s#2", 1),
    ]


def test_where_tool_calls_come_from(tape):
    with tape.execution("w") as run:
        with run.step("tool", step_type=StepType.TOOL) as step:
            with step.tool_call("direct"), tape.tool("nested"):
                pass
            with tape.tool("direct too"):
                pass
        with run.step("code") as step, step.tool_call("from code"):
            pass
        run.tool_call("told", source=ToolCallSource.TOOL_STEP).complete()
        run.tool_call("of no step").complete()
        run.tool_call("late", step_id="code").complete()
    sources = {call.tool_name: (call.source.value, call.step_id) for call in tape.record().all_tool_calls()}
    assert sources == {
        "direct": ("tool_step", "tool"),
        "nested": ("code_block", "tool"),
        "direct too": ("tool_step", "tool"),
        "from code": ("code_block", "code"),
        "told": ("tool_step", None),
        "of no step": ("code_block", None),
        "late": ("code_block", "code"),
    }


def test_what_is_planned_starts_later(tape):
    changed = []
    tape.recorder._on_change = changed.append
    run = tape.recorder.start_execution("w", execution_id="e", status=ExecutionStatus.PENDING)
    step = run.step("s", step_id="s", status=StepStatus.PENDING)
    assert run.is_pending
    assert step.is_pending
    assert tape.recorder.start_execution("w", execution_id="e") is run
    assert run.step("s", step_id="s") is step
    assert not run.is_pending
    assert not step.is_pending
    assert changed == [run.span, step.span]
    never = run.step("never", status=StepStatus.PENDING)
    step.complete()
    run.complete()
    assert not never.is_open
    record = tape.record()
    assert [(step.step_id, step.status.value, step.attempt) for step in record.steps] == [
        ("s", "completed", 1),
        ("never", "skipped", 1),
    ]
    assert [event.name for event in tape.span("invoke_workflow w").events] == ["started"]


def test_steps_left_open_end_with_the_execution_unless_they_end_by_themselves(tape):
    inside = tape.recorder.start_execution("w").step("inside")
    run = tape.recorder.open_execution(inside.execution_id)
    forgotten = run.step("forgotten")
    with inside:
        run.complete()
        assert not forgotten.is_open
        assert inside.is_open
    record = tape.record()
    assert [(step.step_id, step.status.value) for step in record.steps] == [
        ("inside", "completed"),
        ("forgotten", "failed"),
    ]
    assert record.steps[1].error.code == "abandoned"
    assert tape.span("step forgotten").attributes[semconv.OUTCOME] == "abandoned"


def test_a_dropped_tool_call_is_abandoned(tape):
    with tape.execution("w") as run:
        run.tool_call("t")
        gc.collect()
        assert tape.span("execute_tool t").attributes[semconv.OUTCOME] == "abandoned"
    assert tape.record().tool_calls[0].error.code == "abandoned"


def test_nothing_is_left_for_the_garbage_collector(tape):
    def one():
        with tape.execution("w", inputs={"a": 1}) as run:
            for _ in range(3):
                with run.step("s") as step, step.tool_call("t", params={}) as call:
                    call.result = 1

    one()
    tape.exporter.clear()
    while gc.collect():  # what earlier tests left may leave something in turn
        pass
    gc.disable()
    try:
        one()
        tape.exporter.clear()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_registry_of_open_executions_is_bounded(tape, monkeypatch):
    monkeypatch.setattr(tape.recorder._open, "_limit", 2)
    runs = [tape.recorder.start_execution("w", execution_id=f"e{n}") for n in range(3)]
    assert tape.recorder.problems == {"too_many_open": 1}
    with pytest.raises(UnknownExecutionError):
        tape.recorder.open_execution("e0")
    for run in runs:
        run.complete()
    assert len(tape.records()) == 3


def test_times_that_are_given(tape):
    call = tape.recorder.start_tool_call("t", started_at_ns=1_000)
    call.complete(completed_at_ns=5_000_000)
    backwards = tape.recorder.start_tool_call("t", started_at_ns=9_000)
    backwards.fail("no", completed_at_ns=1_000)
    first, second = tape.records()
    assert first.type is ExecutionType.DIRECT
    assert (first.started_at, first.completed_at) == (1_000, 5_000_000)
    assert (first.tool_calls[0].started_at, first.tool_calls[0].completed_at) == (1_000, 5_000_000)
    assert (second.tool_calls[0].started_at, second.tool_calls[0].completed_at) == (9_000, 9_000)
    assert not tape.recorder.problems


class Clocks:
    def __init__(self):
        self.wall, self.monotonic = 10**18, 0

    def pass_ms(self, elapsed, stepped=0):
        self.monotonic += elapsed * 10**6
        self.wall += (elapsed + stepped) * 10**6


HOUR_MS = 3_600_000


@pytest.mark.parametrize("stepped_ms", [-HOUR_MS, HOUR_MS])
def test_a_clock_that_is_set_changes_no_duration_and_no_order(make_tape, stepped_ms):
    clocks = Clocks()
    tape = make_tape(clock=Clock(lambda: clocks.wall, lambda: clocks.monotonic))
    with tape.execution("w") as run:
        with run.step("first"):
            clocks.pass_ms(5, stepped_ms)
        with run.step("second"):
            clocks.pass_ms(7)
    record = tape.record()
    assert [step.duration_ms for step in record.steps] == [5, 7]
    assert record.duration_ms == 12
    assert [step.step_id for step in record.steps] == ["first", "second"]
    assert [span.attributes.get(semconv.CLOCK_STEP_MS) for span in tape.spans()] == [stepped_ms, None, stepped_ms]


def test_structure_survives_a_host_that_sets_too_many_attributes(tape, caplog):
    run = tape.recorder.start_execution("w", inputs={"a": 1})
    step = run.step("s", params={"b": 2})
    call = step.tool_call("t", params={"c": 3})
    for handle in (call, step, run):
        for n in range(200):
            handle.span.set_attribute(f"host.{n}", n)
        handle.complete()
    caplog.clear()  # the SDK's own warnings
    record = tape.record()
    assert (record.workflow_name, record.status, record.inputs) == ("w", ExecutionStatus.COMPLETED, {"a": 1})
    assert (record.steps[0].step_id, record.steps[0].tool_params) == ("s", {"b": 2})
    assert record.steps[0].tool_calls[0].params == {"c": 3}


def test_attributes_of_the_host_are_redacted_before_they_are_set(tape):
    secret = "hunter" + "2-very-secret"
    with tape.execution("w") as run:
        run.set_attribute("password", secret)
        run.set_attribute("note", {"ok": True})
    attributes = tape.span("invoke_workflow w").attributes
    assert secret not in str(dict(attributes))
    assert attributes["note"] == {"ok": True}


def test_payloads_and_names_are_redacted_before_other_processors_see_them(tape):
    secret = "hunter" + "2-very-secret"
    url = f"https://user:{secret}@example.com/x"
    with tape.execution("w", inputs={"password": secret}, metadata={"api_key": secret}) as run:
        with run.step(url, params={"token": secret}) as step, step.tool_call(url, params={"secret": secret}) as call:
            call.result = {"access_token": secret}
        step = run.step("skipped")
        step.skip(f"password={secret}")
        failed = run.step("failed")
        failed.fail(ValueError(f"password={secret}"))
    for span in tape.spans():
        events = [dict(event.attributes) for event in span.events]
        assert secret not in f"{span.name} {dict(span.attributes)} {events} {span.status.description}"


def test_equal_calls_have_equal_hashes(tape):
    for step, argument in (("a", 1), ("b", 1), ("a", 2)):
        with tape.execution("w") as run, run.step(step):
            tape.tool("t")(lambda a, b=2: a)(argument)
    first, second, third = (span.attributes[semconv.CALL_HASH] for span in tape.spans("execute_tool t"))
    assert first == second != third
    assert all(-(2**63) <= number < 2**63 for number in (first, third))


def test_the_code_hash_is_that_of_the_source(tape):
    @tape.step
    def one(a):
        return a

    one(1)
    source = textwrap.dedent(inspect.getsource(one))
    assert tape.record().steps[0].code_hash == hashlib.sha256(source.encode()).hexdigest()


def test_the_code_hash_without_source_is_that_of_the_code(tape):
    names: dict = {}
    for number, body in enumerate(["a in {'x', 'y'}", "a in {'x', 'y'}", "a in {'x', 'z'}"]):
        exec(compile(f"def f(a): return {body}", f"<{number}>", "exec"), names)
        with tape.execution("w") as run:
            run.step("s", code=names["f"]).complete()
    first, second, third = (record.steps[0].code_hash for record in tape.records())
    assert first == second != third
    assert len(first) == 64


def test_foreign_spans_keep_their_place(tape):
    with tape.execution("w") as run, tape.tracer.start_as_current_span("http"), run.step("s"):
        pass
    assert tape.span("step s").parent.span_id == tape.span("http").context.span_id
