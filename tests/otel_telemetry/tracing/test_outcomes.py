"""However a call ends, the host sees what it would have seen, and the record says what happened."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import traceback
import weakref

import pytest

from otel_telemetry import semconv
from otel_telemetry.records import ExecutionStatus, StepStatus


class CustomError(Exception):
    pass


@pytest.mark.parametrize(
    "make", [lambda: ValueError("x"), lambda: CustomError(1), KeyboardInterrupt, SystemExit, GeneratorExit]
)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_exception_passes_untouched(tape, make, is_async):
    error = make()
    context, cause = KeyError("context"), KeyError("cause")
    error.__cause__, error.__context__ = cause, context

    @tape.tool("t")
    def tool():
        raise error

    @tape.step("s")
    async def coroutine():
        tool()

    @tape.step("s")
    def function():
        tool()

    def run():
        with tape.execution("w"):
            if is_async:
                coroutine().send(None)
            else:
                function()

    with pytest.raises(type(error)) as caught:
        run()
    assert caught.value is error
    assert error.__cause__ is cause
    assert error.__context__ is context
    assert vars(error) == {}
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[1:] == ["run", "wrapper", "coroutine" if is_async else "function", "wrapper", "tool"]
    assert not tape.recorder.problems


def test_a_failure_is_told_once_in_full_and_its_parents_refer_to_it(tape):
    @tape.tool("pay")
    def pay():
        try:
            raise OSError("line down")
        except OSError as error:
            raise ValueError("not paid") from error

    @tape.step("charge")
    def charge():
        pay()

    with pytest.raises(ValueError, match="not paid"), tape.execution("outer"), tape.execution("w"):
        charge()
    outer, record = tape.records()
    call = record.steps[0].tool_calls[0]
    assert (call.error.code, call.error.message) == ("invalid_input", "not paid")
    assert call.error.cause.message == "line down"
    assert (call.error.step_id, call.error.tool_name) == ("charge", "pay")
    assert outer.error == record.error == record.steps[0].error == call.error
    events = {span.name: [event.name for event in span.events] for span in tape.spans()}
    assert events == {
        "execute_tool pay": ["exception"],
        "step charge": [],
        "invoke_workflow w": [],
        "invoke_workflow outer": [],
    }
    for span in tape.spans():
        assert span.status.description == "not paid"
        assert span.attributes[semconv.ERROR_TYPE] == "ValueError"
    stack = tape.span("execute_tool pay").events[0].attributes["exception.stacktrace"]
    assert "line down" in stack
    assert "in pay" in stack


def test_another_exception_of_the_same_kind_is_another_failure(tape):
    with tape.execution("w") as run:
        for n in range(3):
            step = run.step("s", step_id=f"s{n}")
            with pytest.raises(ValueError, match="inner"), step.tool_call("t"):
                raise ValueError("inner")
            gc.collect()
            with pytest.raises(ValueError, match="outer"), step:
                raise ValueError("outer")
    for step in tape.record().steps:
        assert (step.error.message, step.error.tool_name) == ("outer", None)
        assert step.tool_calls[0].error.message == "inner"


def test_an_exception_is_not_kept_alive(tape):
    class Resource:
        pass

    resource = Resource()
    gone = weakref.ref(resource)

    @tape.tool
    def tool(held):
        raise ValueError("x")

    with tape.execution("w"):
        with pytest.raises(ValueError):
            tool(resource)
        del resource
        gc.collect()
        assert gone() is None


async def group_that_fails(work):
    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        await asyncio.sleep(0)
        raise ValueError("other")


async def time_out(work):
    async with asyncio.timeout(0):
        await work()


@pytest.mark.parametrize("way", ["cancel", "timeout", "group"])
@pytest.mark.promise("P9")
def test_cancellation(tape, way):
    @tape.step("wait")
    async def wait():
        await asyncio.Event().wait()

    @tape.workflow("w")
    async def work():
        await wait()

    async def run():
        if way == "cancel":
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif way == "timeout":
            with pytest.raises(TimeoutError):
                await time_out(work)
        else:
            with pytest.raises(ExceptionGroup):
                await group_that_fails(work)

    asyncio.run(run())
    record = tape.record()
    assert record.status is ExecutionStatus.CANCELLED
    assert record.error.code == "cancelled"
    assert record.steps[0].status is StepStatus.FAILED
    assert record.steps[0].error.code == "cancelled"
    assert {span.attributes[semconv.OUTCOME] for span in tape.spans()} == {"cancelled"}


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, "interrupted"), (SystemExit, "exit")])
@pytest.mark.promise("P9")
def test_what_stops_the_program_is_a_failure(tape, error, code):
    with pytest.raises(error), tape.execution("w"):
        raise error
    record = tape.record()
    assert (record.status, record.error.code) == (ExecutionStatus.FAILED, code)


@pytest.mark.promise("P9")
def test_a_block_in_a_generator_that_is_closed_was_closed(tape):
    def rows():
        with tape.execution("w") as run, run.step("s"):
            yield 1

    generator = rows()
    next(generator)
    generator.close()
    assert tape.record().status is ExecutionStatus.COMPLETED
    assert {span.attributes[semconv.OUTCOME] for span in tape.spans()} == {"closed"}


def test_a_block_left_in_another_task_is_left_all_the_same(tape, caplog):
    run = tape.execution("w")

    async def enter():
        run.__enter__()

    async def leave():
        run.__exit__(None, None, None)

    async def main():
        await asyncio.create_task(enter())
        await asyncio.create_task(leave())

    asyncio.run(main())
    assert tape.record().status is ExecutionStatus.COMPLETED
    assert not caplog.records


def test_tasks_of_asyncio_are_in_the_right_place_unaided(tape):
    @tape.tool("t")
    async def tool(n):
        await asyncio.sleep(0)

    async def main():
        with tape.execution("w") as run:
            with run.step("a"):
                background = asyncio.create_task(tool(0))
            with run.step("b"):
                await asyncio.gather(tool(1), tool(2))
                async with asyncio.TaskGroup() as group:
                    group.create_task(tool(3))
            await background

    asyncio.run(main())
    record = tape.record()
    assert [[call.params["n"] for call in step.tool_calls] for step in record.steps] == [[0], [1, 2, 3]]


def test_an_error_is_not_taken_for_one_that_was_raised_at_the_same_place_before(tape):
    """A retry raises where the attempt before it did, and its exception may get that one's address."""

    def fail(number):
        raise ValueError(f"attempt {number}")

    for number in range(200):
        with contextlib.suppress(ValueError), tape.execution("w") as run, run.step("s"):
            fail(number)
    assert [record.error.message for record in tape.records()] == [f"attempt {number}" for number in range(200)]
