"""Generators: the right parent for each item, and an outcome for each way to end."""

from __future__ import annotations

import asyncio
import gc

import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from otel_telemetry import semconv
from otel_telemetry.records import ExecutionStatus, StepStatus


@pytest.fixture
def rows(tape):
    @tape.step("rows")
    def rows(n, *, then=None):
        received = []
        try:
            for i in range(n):
                with tape.tracer.start_as_current_span(f"inside {i}"):
                    received.append((yield i))
        finally:
            if then is not None:
                then()
        return received

    return rows


@pytest.fixture
def pages(tape):
    @tape.step("pages")
    async def pages(n, *, then=None):
        try:
            for i in range(n):
                with tape.tracer.start_as_current_span(f"inside {i}"):
                    await asyncio.sleep(0)
                yield {"page": i}
        finally:
            await asyncio.sleep(0)
            if then is not None:
                then()

    return pages


def of(tape, name):
    return {key.removeprefix("otel_telemetry."): value for key, value in tape.span(name).attributes.items()}


def test_items_are_counted_sampled_and_in_the_right_place(tape, rows):
    with tape.execution("w") as run:
        outside = get_current()
        for i in rows(7):
            assert get_current() == outside
            with tape.tracer.start_as_current_span(f"consumer {i}"):
                pass
    step = tape.span("step rows")
    found = of(tape, "step rows")
    assert (found["items.count"], found["items.sample"]) == (7, "[0,1,2,3,4]")
    assert 0 <= found["items.first_ms"] <= tape.record().steps[0].duration_ms
    for i in range(7):
        assert tape.span(f"inside {i}").parent.span_id == step.context.span_id
        assert tape.span(f"consumer {i}").parent.span_id == run.span.get_span_context().span_id
    assert semconv.OUTCOME not in step.attributes


def test_the_same_for_async_generators(tape, pages):
    async def main():
        with tape.execution("w") as run:
            outside = get_current()
            async for page in pages(3):
                assert get_current() == outside
                with tape.tracer.start_as_current_span(f"consumer {page['page']}"):
                    pass
            return run.span.get_span_context().span_id

    execution = asyncio.run(main())
    step = tape.span("step pages")
    assert step.attributes[semconv.ITEM_COUNT] == 3
    assert step.attributes[semconv.ITEM_SAMPLE] == '[{"page":0},{"page":1},{"page":2}]'
    for i in range(3):
        assert tape.span(f"inside {i}").parent.span_id == step.context.span_id
        assert tape.span(f"consumer {i}").parent.span_id == execution
    assert tape.record().steps[0].status is StepStatus.COMPLETED


def test_what_is_sent_thrown_and_returned_passes_through(tape, rows):
    generator = rows(3)
    assert [next(generator), generator.send("a"), generator.send("b")] == [0, 1, 2]
    with pytest.raises(StopIteration) as stop:
        generator.send("c")
    assert stop.value.value == ["a", "b", "c"]
    assert tape.record().steps[0].tool_result == ["a", "b", "c"]

    @tape.step("echo")
    def echo():
        given = None
        while True:
            try:
                given = yield given
            except KeyError as error:
                given = error

    error = KeyError("k")
    generator = echo()
    next(generator)
    assert generator.throw(error) is error
    assert error.__context__ is None
    assert generator.send(4) == 4
    generator.close()


def test_what_is_sent_and_thrown_passes_through_async(tape):
    @tape.step("echo")
    async def echo():
        given = None
        while True:
            try:
                given = yield given
            except KeyError as error:
                given = error

    async def main():
        error = KeyError("k")
        generator = echo()
        assert await anext(generator) is None
        assert await generator.asend(4) == 4
        assert await generator.athrow(error) is error
        await generator.aclose()

    asyncio.run(main())
    assert of(tape, "step echo")["items.count"] == 3


def test_yield_from_a_recorded_generator(tape, rows):
    def around():
        result = yield from rows(2)
        yield result

    assert list(around()) == [0, 1, [None, None]]
    assert of(tape, "step rows")["items.count"] == 2


def leave_by_break(rows):
    for _ in rows(3):
        break


def drop(rows):
    generator = rows(3)
    next(generator)
    del generator


def drop_in_a_cycle(rows):
    generator = rows(3)
    next(generator)
    cycle = [generator]
    cycle.append(cycle)
    del generator, cycle
    gc.collect()


def close(rows):
    generator = rows(3)
    next(generator)
    generator.close()


def fail(rows):
    generator = rows(3)
    next(generator)
    with pytest.raises(ValueError, match="x"):
        generator.throw(ValueError("x"))


@pytest.mark.parametrize(
    ("leave", "outcome", "status"),
    [
        (leave_by_break, "abandoned", StepStatus.COMPLETED),
        (drop, "abandoned", StepStatus.COMPLETED),
        (drop_in_a_cycle, "abandoned", StepStatus.COMPLETED),
        (close, "closed", StepStatus.COMPLETED),
        (fail, None, StepStatus.FAILED),
    ],
)
def test_each_way_to_leave_has_an_outcome(tape, rows, leave, outcome, status):
    cleaned = []
    with tape.execution("w"):
        leave(lambda n: rows(n, then=lambda: cleaned.append(get_current_span().name)))
    assert of(tape, "step rows").get("outcome") == outcome
    assert of(tape, "step rows")["items.count"] == 1
    assert tape.record().steps[0].status is status
    if leave is drop_in_a_cycle:
        # of all that is in the cycle, the collector may finalise the block inside the generator before the generator
        assert len(cleaned) == 1
    else:
        assert cleaned == ["step rows"]


async def leave_by_break_async(pages):
    async for _ in pages(3):
        break
    await asyncio.sleep(0)


async def close_async(pages):
    generator = pages(3)
    await anext(generator)
    await generator.aclose()


async def fail_async(pages):
    generator = pages(3)
    await anext(generator)
    with pytest.raises(ValueError, match="x"):
        await generator.athrow(ValueError("x"))


async def cancel_async(pages):
    async def consume():
        async for _ in pages(3):
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)  # it waits inside the generator now
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def time_out_async(pages):
    async def consume():
        async with asyncio.timeout(0):
            async for _ in pages(3):
                pass

    with pytest.raises(TimeoutError):
        await consume()


@pytest.mark.parametrize(
    ("leave", "outcome", "status"),
    [
        (leave_by_break_async, "abandoned", StepStatus.COMPLETED),
        (close_async, "closed", StepStatus.COMPLETED),
        (fail_async, None, StepStatus.FAILED),
        (cancel_async, "cancelled", StepStatus.FAILED),
        (time_out_async, "cancelled", StepStatus.FAILED),
    ],
)
def test_each_way_to_leave_async_has_an_outcome(tape, pages, leave, outcome, status):
    async def main():
        with tape.execution("w"):
            await leave(pages)
            for _ in range(5):
                await asyncio.sleep(0)

    asyncio.run(main())
    assert of(tape, "step pages").get("outcome") == outcome
    assert tape.record().steps[0].status is status


def test_the_end_of_the_loop_closes_each_generator_once(tape, pages):
    problems = []
    kept = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        generator = pages(3)
        kept.append(generator)
        await anext(generator)

    asyncio.run(main())
    assert not problems
    assert of(tape, "step pages")["outcome"] == "closed"


def test_a_generator_whose_cleanup_fails_has_failed(tape, rows):
    def then():
        raise OSError("disk full")

    generator = rows(3, then=then)
    next(generator)
    with pytest.raises(OSError, match="disk full"):
        generator.close()
    assert tape.record().steps[0].error.message == "disk full"


def test_a_generator_that_is_never_asked_records_nothing(tape, rows, pages):
    rows(3)
    pages(3)
    gc.collect()
    assert not tape.spans()


def test_a_workflow_and_a_tool_can_be_generators(tape):
    @tape.tool("t")
    def tool(n):
        yield from range(n)

    @tape.workflow("w")
    def work():
        yield from tool(2)
        return "done"

    assert list(work()) == [0, 1]
    record = tape.record()
    assert (record.status, record.outputs) == (ExecutionStatus.COMPLETED, "done")
    assert record.tool_calls[0].span.attributes[semconv.ITEM_COUNT] == 2


def test_interleaved_generators_keep_their_own_place(tape, rows):
    with tape.execution("w"):
        assert list(zip(rows(2), rows(2), strict=True)) == [(0, 0), (1, 1)]
    steps = {span.context.span_id for span in tape.spans("step rows")}
    assert {span.parent.span_id for span in tape.spans("inside 0")} == steps
    assert {span.parent.span_id for span in tape.spans("inside 1")} == steps


def test_what_the_consumer_changes_is_not_what_was_yielded(tape):
    @tape.step("s")
    def lists():
        yield []

    for item in lists():
        item.append("later")
    assert of(tape, "step s")["items.sample"] == "[[]]"


def test_closing_returns_what_it_would_have(tape):
    def plain():
        try:
            yield 1
        except GeneratorExit:
            return "closed"

    made, bare = tape.step("s")(plain)(), plain()
    next(made), next(bare)
    assert made.close() == bare.close()
    assert of(tape, "step s")["outcome"] == "closed"
