"""Whatever the host hands in, and whatever goes wrong on our side, its function runs once and answers as it would."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler

from otel_telemetry.error_registry import ErrorRegistry
from otel_telemetry.tracing import Clock, Instruments, Recorder
from span_processors.redaction import RedactionSettings, Redactor


class Broken(BaseException):
    pass


def explode(*args, **kwargs):
    raise Broken("ours")


class BrokenSampler(Sampler):
    should_sample = explode

    def get_description(self):
        return "broken"


class BrokenProcessor(SpanProcessor):
    on_start = on_end = explode


class BrokenRedactor(Redactor):
    payload = text = attributes = value = explode


class BrokenRegistry(ErrorRegistry):
    record = explode


class BrokenAtEnd(SpanProcessor):
    on_end = explode


def broken_recorder(what):
    provider = TracerProvider(sampler=BrokenSampler() if what == "sampler" else ALWAYS_ON)
    if what == "processor":
        provider.add_span_processor(BrokenProcessor())
    if what == "end":
        provider.add_span_processor(BrokenAtEnd())
    return Recorder(
        provider,
        redactor=BrokenRedactor() if what == "redactor" else None,
        errors=BrokenRegistry() if what == "registry" else None,
        on_problem=explode if what == "callback" else None,
    )


def ways_to_run(body, decorate):
    @decorate("name")
    async def coroutine(value):
        return body(value)

    @decorate("name")
    def generator(value):
        yield body(value)

    @decorate("name")
    async def async_generator(value):
        yield body(value)

    async def first(made):
        return [item async for item in made].pop()

    def block(value):
        with decorate("name") as handle:
            handle.set_attribute("k", 1)
            handle.result = value
            return body(value)

    return [
        decorate("name")(body),
        lambda value: asyncio.run(coroutine(value)),
        lambda value: list(generator(value)).pop(),
        lambda value: asyncio.run(first(async_generator(value))),
        block,
    ]


@pytest.mark.parametrize("what", ["sampler", "processor", "end", "redactor", "registry", "callback"])
@pytest.mark.parametrize("level", ["workflow", "step", "tool"])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.promise("P1")
def test_whatever_of_ours_is_broken(what, level, fails):
    recorder = broken_recorder(what)
    decorate = getattr(Instruments(lambda: recorder), level)
    runs = []

    def body(value):
        runs.append(value)
        if fails:
            raise ValueError("the host's own")
        return value

    for way in ways_to_run(body, decorate):
        value = object()
        if fails:
            with pytest.raises(ValueError, match="the host's own") as caught:
                way(value)
            assert caught.value.__context__ is None
        else:
            assert way(value) is value
    assert len(runs) == 5
    if what not in {"registry", "callback"}:
        assert recorder.problems
    if what == "registry":
        assert bool(recorder.problems) is fails


class Hostile:
    def __str__(self, *_):
        raise Broken

    __repr__ = __hash__ = __eq__ = __len__ = __iter__ = __bool__ = __getattr__ = __str__


class HostileError(Exception):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.promise("P1")
def test_values_that_bite(tape):
    value = Hostile()

    @tape.tool("t")
    def tool(a, **more):
        return a

    assert tool(value, b=value) is value
    with tape.execution("w", inputs=value, metadata={"k": value}) as run:
        run.set_attribute("k", value)
        run.outputs = value
    with pytest.raises(HostileError), tape.execution("w2"):
        raise HostileError
    direct, block, failed = tape.records()
    assert direct.tool_calls[0].result == block.outputs == "<Hostile>"
    assert failed.error.code == "error"


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "x" * 10_000, 3, None, b"bytes", Hostile], ids=range(7))
def test_names_that_are_not_names(tape, name):
    name = name() if name is Hostile else name
    with tape.execution(name) as run:
        step = run.step(name)
        step.tool_call(name).complete()
        step.complete()
    assert len(tape.spans()) == 3
    assert not tape.recorder.problems


@pytest.mark.promise("P1")
def test_interrupts_of_the_host_go_on(tape):
    class Interrupted(Redactor):
        def payload(self, value, *, direction="input"):
            raise KeyboardInterrupt

    tape.recorder.redactor = Interrupted()
    ran = []
    with pytest.raises(KeyboardInterrupt):
        tape.tool(ran.append)(1)
    with pytest.raises(KeyboardInterrupt), tape.execution("w") as run:
        run.outputs = 1
    assert not ran
    assert len(tape.spans("invoke_workflow w")) == 1


def test_a_clock_that_breaks(make_tape):
    readings = iter([1, 2, 3])
    tape = make_tape(clock=Clock(lambda: 10**18, lambda: next(readings)))
    with tape.execution("w") as run:
        run.step("s").complete()
    assert len(tape.spans()) == 2


def test_what_is_not_sampled_is_neither_redacted_nor_recorded(make_tape):
    tape = make_tape(sampler=ALWAYS_OFF)
    tape.recorder.redactor = BrokenRedactor()

    @tape.tool("t")
    def tool():
        return tape.tracer.start_span("foreign").get_span_context().trace_flags

    with tape.execution("w", inputs={"a": 1}) as run, run.step("s", params={"b": 1}) as step:
        step.result = 1
        flags = tool()
    assert not run.is_recording
    assert not flags.sampled
    assert not tape.spans()
    assert not tape.recorder.problems


def test_the_parents_verdict_is_kept(make_tape):
    tape = make_tape(sampler=ParentBased(ALWAYS_OFF))
    with tape.execution("w"), tape.execution("child") as child:
        assert not child.is_recording


def test_a_callback_that_calls_a_decorated_function_does_not_come_back(tape):
    @tape.tool("t")
    def look_up(value):
        return value

    def callback(path, value):
        return look_up(value)

    tape.recorder = Recorder(tape.provider, redactor=Redactor(RedactionSettings(callback=callback)))
    tape.current = tape.recorder
    assert look_up(1) == 1
    assert [span.name for span in tape.spans()] == ["execute_tool t", "invoke_workflow t"]


def test_problems_are_counted_and_reported(tape, caplog):
    seen = []
    recorder = Recorder(tape.provider, on_problem=lambda kind, error: seen.append((kind, type(error).__name__)))
    run = recorder.start_execution("w")
    run.complete()
    run.complete()
    run.complete()
    assert recorder.problems == {"AlreadyEndedError": 2}
    assert seen == [("AlreadyEndedError", "AlreadyEndedError")] * 2
    assert len([record for record in caplog.records if record.name == "otel_telemetry"]) == 1
