"""One decorator per level, for whatever can be called."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle

import pytest

from otel_telemetry.records import ExecutionStatus, ExecutionType, StepStatus, StepType, ToolCallSource


def plain(a, b=2):
    return a + b


def test_a_run_comes_back_as_it_was(tape):
    @tape.tool("stripe.charge")
    def charge(order, *, amount=3):
        return {"charged": amount}

    @tape.step
    def bill(order):
        return charge(order, amount=7)

    @tape.workflow("invoice", version="3", caller_id="u1", metadata={"tenant": "t1"})
    def invoice(order):
        bill(order)
        return "sent"

    assert invoice({"id": 1}) == "sent"
    record = tape.record()
    assert record.type is ExecutionType.WORKFLOW
    assert record.status is ExecutionStatus.COMPLETED
    assert (record.workflow_name, record.workflow_version, record.caller_id) == ("invoice", "3", "u1")
    assert record.metadata == {"tenant": "t1"}
    assert (record.inputs, record.outputs) == ({"order": {"id": 1}}, "sent")
    (step,) = record.steps
    assert (step.step_id.rpartition(".")[2], step.attempt, step.status) == ("bill", 1, StepStatus.COMPLETED)
    assert (step.tool_params, step.tool_result) == ({"order": {"id": 1}}, {"charged": 7})
    (call,) = step.tool_calls
    assert (call.tool_name, call.source, call.step_id) == ("stripe.charge", ToolCallSource.CODE_BLOCK, step.step_id)
    assert (call.params, call.result) == ({"order": {"id": 1}, "amount": 7}, {"charged": 7})
    assert [record.sequence, step.sequence, call.sequence] == [0, 1, 2]
    assert record.started_at <= step.started_at <= call.started_at <= call.completed_at <= record.completed_at


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("level", ["workflow", "execution", "step", "task", "tool"])
def test_each_level_bare_and_called(tape, level, bare):
    decorator = getattr(tape, level)
    wrapped = (decorator if bare else decorator())(plain)
    assert wrapped(1, b=4) == 5
    record = tape.record()
    assert record.type is (ExecutionType.DIRECT if level == "tool" else ExecutionType.WORKFLOW)
    assert record.workflow_name == "plain"
    made = {"workflow": [record], "execution": [record], "tool": record.tool_calls}.get(level, record.steps)
    assert len(made) == 1
    assert len(tape.spans()) == (1 if made[0] is record else 2)


class Shop:
    def __init__(self, decorate):
        cls = type(self)
        cls.method = decorate(cls.plain_method)
        cls.of_class = decorate(Shop.__dict__["plain_of_class"])
        cls.of_nobody = decorate(Shop.__dict__["plain_of_nobody"])

    def plain_method(self, a, /, b=1):
        return ("method", a, b)

    @classmethod
    def plain_of_class(cls, a):
        return (cls.__name__, a)

    @staticmethod
    def plain_of_nobody(a):
        return ("nobody", a)


def test_methods_are_named_after_their_class_and_leave_out_the_receiver(tape):
    class Local(Shop):
        pass

    shop = Local(tape.tool)
    assert shop.method(1) == ("method", 1, 1)
    assert shop.of_class(2) == Local.of_class(2) == ("Local", 2)
    assert shop.of_nobody(3) == Local.of_nobody(3) == ("nobody", 3)
    calls = [record.tool_calls[0] for record in tape.records()]
    assert [call.tool_name for call in calls] == [
        "Shop.plain_method",
        *["Shop.plain_of_class"] * 2,
        *["Shop.plain_of_nobody"] * 2,
    ]
    assert [call.params for call in calls] == [{"a": 1, "b": 1}, *[{"a": 2}] * 2, *[{"a": 3}] * 2]


def test_decorators_above_and_below_classmethod(tape):
    class Job:
        @classmethod
        @tape.step
        def below(cls, a):
            return a

        @tape.step
        @classmethod
        def above(cls, a):
            return a

    with tape.execution("w"):
        assert (Job.below(1), Job.above(2), Job().above(3)) == (1, 2, 3)
    assert [step.step_id for step in tape.record().steps] == ["Job.below", "Job.above", "Job.above#2"]
    assert [step.tool_params for step in tape.record().steps] == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_partials_callables_and_builtins(tape):
    class Adder:
        def __call__(self, a, b):
            return a + b

    assert tape.tool(functools.partial(plain, 1, b=5))() == 6
    assert tape.tool(functools.partial(functools.partial(plain, b=5), 1))(b=6) == 7
    assert tape.tool(Adder())(1, 2) == 3
    assert tape.tool(max)(1, 2) == 2
    calls = [record.tool_calls[0] for record in tape.records()]
    assert [call.tool_name.rpartition(".")[2] for call in calls] == ["plain", "plain", "Adder", "max"]
    assert [call.params for call in calls[:3]] == [{"a": 1, "b": 5}, {"a": 1, "b": 6}, {"a": 1, "b": 2}]
    assert calls[3].params == {"args": [1, 2], "kwargs": {}}


@pytest.mark.parametrize("thing", [Shop, 3, {}, property(plain)])
def test_what_cannot_be_decorated_is_refused(tape, thing):
    with pytest.raises(TypeError, match="decorate"):
        tape.step()(thing)


@pytest.mark.parametrize(
    ("level", "option"), [("workflow", "inputs"), ("workflow", "execution_id"), ("step", "params"), ("tool", "call_id")]
)
def test_options_for_a_block_are_refused_on_a_decorator(tape, level, option):
    with pytest.raises(TypeError, match=f"{option}= is for a with-block"):
        getattr(tape, level)("name", **{option: "x"})(plain)


def test_signature_and_kind_are_kept(tape):
    async def coroutine(a: int, *, b: str = "x") -> str:
        """Say it."""

    def generator(a):
        yield a

    async def async_generator(a):
        yield a

    for function, asks in [
        (plain, inspect.isfunction),
        (coroutine, inspect.iscoroutinefunction),
        (generator, inspect.isgeneratorfunction),
        (async_generator, inspect.isasyncgenfunction),
    ]:
        wrapped = tape.step("s")(function)
        assert asks(wrapped)
        assert inspect.signature(wrapped) == inspect.signature(function)
        assert (wrapped.__name__, wrapped.__doc__, wrapped.__module__) == (
            function.__name__,
            function.__doc__,
            function.__module__,
        )
        assert wrapped.__wrapped__ is function
        assert callable(wrapped)


def test_generator_methods_bind_like_functions(tape):
    class Source:
        def __init__(self, n):
            self.n = n

        @tape.step
        def rows(self, start=0):
            yield from range(start, self.n)

        @tape.step
        async def pages(self):
            yield self.n

    assert list(Source(3).rows(1)) == [1, 2]
    assert list(Source.rows(Source(2))) == [0, 1]
    assert inspect.isgeneratorfunction(Source(1).rows)
    assert inspect.isasyncgenfunction(Source(1).pages)

    async def collect():
        return [page async for page in Source(4).pages()]

    assert asyncio.run(collect()) == [4]
    assert tape.records()[0].steps[0].step_id == "Source.rows"
    assert tape.records()[0].steps[0].tool_params == {"start": 1}


def test_decorated_functions_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(module_level_rows)) is module_level_rows


def test_coroutines(tape):
    @tape.step
    async def fetch(url):
        await asyncio.sleep(0)
        return url.upper()

    @tape.workflow
    async def crawl(urls):
        return await asyncio.gather(*map(fetch, urls))

    assert asyncio.run(crawl(["a", "b"])) == ["A", "B"]
    record = tape.record()
    assert [step.tool_result for step in record.steps] == ["A", "B"]
    assert {step.span.parent_span_id for step in record.steps} == {record.span.span_id}


def test_arguments_that_do_not_fit_raise_as_they_would_have(tape):
    wrapped = tape.tool(plain)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a'"):
        wrapped()
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        wrapped(1, c=2)
    with pytest.raises(TypeError, match="positional"):
        tape.step(module_level_rows.__wrapped__)()
    assert [record.tool_calls[0].params for record in tape.records()] == [
        {"args": [], "kwargs": {}},
        {"args": [1], "kwargs": {"c": 2}},
    ]
    assert not tape.recorder.problems


def test_arguments_named_like_our_own(tape):
    def odd(self, function, name, *, args, kwargs, handle):
        return (self, function, name, args, kwargs, handle)

    wrapped = tape.step("odd")(odd)
    assert wrapped(self=1, function=2, name=3, args=4, kwargs=5, handle=6) == (1, 2, 3, 4, 5, 6)


def test_blocks_under_the_same_names(tape):
    with tape.execution("invoice", version="3", inputs={"a": 1}, execution_id="e-1", metadata={"k": 1}) as run:
        with tape.step("charge", step_type=StepType.TOOL, tool_name="pay", params={"p": 1}) as step:
            with tape.tool("pay", params={"p": 1}, call_id="c-1") as call:
                call.result = "paid"
            step.result = "done"
        run.outputs = {"b": 2}
    record = tape.record()
    assert (record.execution_id, record.inputs, record.outputs) == ("e-1", {"a": 1}, {"b": 2})
    (step,) = record.steps
    assert (step.step_type, step.tool_name, step.tool_params, step.tool_result) == (
        StepType.TOOL,
        "pay",
        {"p": 1},
        "done",
    )
    (call,) = step.tool_calls
    assert (call.call_id, call.source, call.result) == ("c-1", ToolCallSource.TOOL_STEP, "paid")


def test_async_blocks(tape):
    async def run():
        async with tape.execution("w") as run, run.step("s") as step, step.tool_call("t") as call:
            await asyncio.sleep(0)
            call.result = 1
        async with tape.workflow("w2"):
            pass

    asyncio.run(run())
    first, second = tape.records()
    assert first.steps[0].tool_calls[0].result == 1
    assert second.workflow_name == "w2"


def test_one_instrument_can_be_entered_again_and_inside_itself(tape):
    step = tape.step("s")
    with tape.execution("w"), step as outer, step as inner:
        assert outer is not inner
    assert [each.step_id for each in tape.record().steps] == ["s", "s#2"]


def test_a_nested_workflow_is_a_child_execution(tape):
    @tape.workflow
    def inner():
        pass

    with tape.execution("outer") as run, run.step("s"):
        inner()
    outer, child = tape.records()
    assert child.parent_execution_id == outer.execution_id == run.execution_id
    assert child.span.trace_id == outer.span.trace_id
    assert len(outer.steps) == 1
    assert not child.steps


def test_a_tool_outside_any_execution_is_a_direct_one(tape):
    @tape.tool("lookup")
    def lookup(x):
        if x < 0:
            raise ValueError("negative")
        return x

    lookup(1)
    with pytest.raises(ValueError, match="negative"):
        lookup(-1)
    good, bad = tape.records()
    assert (good.type, good.status, good.tool_calls[0].result) == (ExecutionType.DIRECT, ExecutionStatus.COMPLETED, 1)
    assert (bad.type, bad.status) == (ExecutionType.DIRECT, ExecutionStatus.FAILED)
    assert bad.error == bad.tool_calls[0].error
    assert bad.error.tool_name == "lookup"


def test_a_step_outside_any_execution_gets_one_of_its_name(tape):
    @tape.step("charge")
    def charge():
        raise KeyError("x")

    with pytest.raises(KeyError):
        charge()
    record = tape.record()
    assert (record.type, record.workflow_name, record.status) == (
        ExecutionType.WORKFLOW,
        "charge",
        ExecutionStatus.FAILED,
    )
    assert record.error == record.steps[0].error
    assert record.error.step_id == "charge"


def test_without_a_recorder_functions_are_just_called(tape):
    tape.current = None
    wrapped = tape.workflow(plain)
    rows = tape.step(lambda n: (yield n))
    assert wrapped(1) == 3
    assert list(rows(2)) == [2]
    with tape.execution("w") as run, run.step("s") as step, step.tool_call("t") as call:
        call.result = 1
        run.set_attribute("a", 1)
        assert not call.is_recording
    step.skip("late")
    assert not tape.spans()


def test_decorating_early_records_to_what_is_configured_later(tape, make_tape):
    tape.current = None
    wrapped = tape.tool(plain)
    wrapped(1)
    other = make_tape()
    tape.current = other.recorder
    wrapped(2)
    assert not tape.spans()
    assert other.record().tool_calls[0].params == {"a": 2, "b": 2}


def _rows(n):
    yield n


class _Nothing:
    def __call__(self):
        return None


def _module_level():
    from otel_telemetry.tracing import Instruments

    return Instruments(_Nothing()).step(_rows)


_rows = module_level_rows = _module_level()


def test_one_instrument_may_be_entered_by_many_at_once(tape):
    poll = tape.step("poll")

    async def once(n):
        async with poll as step:
            step.set_attribute("n", n)
            await asyncio.sleep(0.002 * n)
            step.result = n

    async def main():
        await asyncio.gather(*map(once, range(3)))

    with tape.execution("w"):
        asyncio.run(main())
    steps = tape.record().steps
    assert sorted((step.span.attributes["n"], step.tool_result) for step in steps) == [(0, 0), (1, 1), (2, 2)]
    assert {step.status for step in steps} == {StepStatus.COMPLETED}


def test_one_instrument_that_fails_in_one_task_fails_there(tape):
    poll = tape.step("poll")

    async def once(n):
        async with poll:
            await asyncio.sleep(0.002 * n)
            if n == 0:
                raise ValueError(n)

    async def main():
        await asyncio.gather(*map(once, range(3)), return_exceptions=True)

    with tape.execution("w"):
        asyncio.run(main())
    assert [step.status for step in tape.record().steps] == [
        StepStatus.FAILED,
        StepStatus.COMPLETED,
        StepStatus.COMPLETED,
    ]
