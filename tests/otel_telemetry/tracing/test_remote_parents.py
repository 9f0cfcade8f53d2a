"""Below a parent in another process that names no execution, steps and calls belong to the trace."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, set_span_in_context

import otel_telemetry as ot
from otel_telemetry import semconv
from otel_telemetry.tracing import ContextFilter, Instruments, Recorder, inherit, wrap
from otel_telemetry.tracing import attach as attach_carrier
from otel_telemetry.tracing import inject as inject_carrier
from span_processors import IdGenerator, RedactingSpanProcessor
from span_processors.lean_tracer import LeanTracerProvider
from span_processors.redaction import RedactionSettings, Redactor
from tests.span_processors.support import ListSink


class Callee:
    """A process that is called: a recorder and a framework, on one provider with our processor."""

    def __init__(self, *, lean=True, sampler=ALWAYS_ON, redactor=None):
        self.sink = ListSink(wants_starts=False)
        self.processor = RedactingSpanProcessor([self.sink], inherit=inherit)
        if lean:
            self.provider = LeanTracerProvider(
                self.processor,
                lean_scope=semconv.SCOPE_NAME,
                sampler=sampler,
                resource=Resource({}),
                id_generator=IdGenerator(),
            )
        else:
            self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
            self.provider.add_span_processor(self.processor)
        self.recorder = Recorder(self.provider, redactor=redactor)
        instruments = Instruments(lambda: self.recorder)
        self.workflow, self.execution = instruments.workflow, instruments.execution
        self.step, self.tool = instruments.step, instruments.tool
        self.framework = self.provider.get_tracer("framework")

    def rows(self):
        """The spans that ended, by name; there is one of each name. Nothing went wrong while they were recorded."""
        rows = {row.name: row for row in self.all()}
        assert len(rows) == len(self.sink.rows)
        return rows

    def all(self, name=None):
        """All spans that ended, or those of one name, in the order of their starts."""
        assert not self.recorder.problems
        assert self.processor.force_flush()
        return sorted((row for row in self.sink.rows if name in (None, row.name)), key=lambda row: row.start_ns)


@pytest.fixture(params=["lean", "full"])
def callee(request):
    made = Callee(lean=request.param == "lean")
    yield made
    made.processor.shutdown()


@contextmanager
def attached(context):
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def headers_of_a_caller(flags=1):
    """What plain W3C instrumentation of another process sends."""
    carrier = {}
    caller = SpanContext(IdGenerator().generate_trace_id(), 7, is_remote=False, trace_flags=TraceFlags(flags))
    inject(carrier, set_span_in_context(NonRecordingSpan(caller), Context()))
    assert carrier.keys() == {"traceparent"}
    return carrier, caller.trace_id


def remote(flags=1):
    carrier, trace_id = headers_of_a_caller(flags)
    return extract(carrier, Context()), f"{trace_id:032x}"


@contextmanager
def server(callee, context):
    with callee.framework.start_as_current_span("POST /x", context=context, kind=SpanKind.SERVER) as span:
        yield span


def of(row, key):
    return row.attributes.get(key)


def test_a_step_below_a_server_span_belongs_to_the_trace(callee):
    @callee.tool("charge")
    def charge(n):
        return n + 1

    @callee.step
    def handler(n):
        return charge(n)

    context, trace_id = remote()
    with server(callee, context):
        assert handler(1) == 2
    rows = callee.rows()
    assert rows.keys() == {"POST /x", "step handler", "execute_tool charge"}
    entry, step, call = rows["POST /x"], rows["step handler"], rows["execute_tool charge"]
    assert (step.parent_span_id, call.parent_span_id) == (entry.span_id, step.span_id)
    assert {f"{row.trace_id:032x}" for row in rows.values()} == {trace_id}
    assert of(step, semconv.EXECUTION_ID) == of(call, semconv.EXECUTION_ID) == trace_id
    assert semconv.EXECUTION_ID not in entry.attributes
    assert (of(step, semconv.STEP_ID), of(step, semconv.ATTEMPT)) == ("handler", 1)
    assert of(step, semconv.STEP_PARAMS) == of(call, semconv.TOOL_PARAMS) == '{"n":1}'
    assert of(step, semconv.STEP_RESULT) == of(call, semconv.TOOL_RESULT) == "2"
    assert of(call, semconv.STEP_ID) == "handler"
    assert of(call, semconv.SEQUENCE) == of(step, semconv.SEQUENCE) + 1


def test_plain_headers_from_an_execution_of_ours(callee):
    caller, headers = Callee(), {}
    with caller.execution("caller"), caller.step("call the service"):
        inject(headers)
    with attached(Context()), server(callee, extract(headers)), callee.step("handler") as step:
        pass
    asked, answered = caller.rows()["step call the service"], callee.rows()["POST /x"]
    assert answered.parent_span_id == asked.span_id
    assert step.execution_id == f"{asked.trace_id:032x}"
    assert len(callee.sink.rows) == 2
    caller.processor.shutdown()


def test_a_call_is_recorded_as_in_an_execution_of_ours(callee):
    context, _ = remote()
    for around in (server(callee, context), callee.execution("w")):
        with around, callee.tool("t", params={"n": 1, "password": "hunter2"}, call_id="c") as call:
            assert call.call_id == "c"
            call.result = 5
    rows = callee.all("execute_tool t")
    ours = {semconv.EXECUTION_ID, semconv.SEQUENCE}
    borrowed, usual = ({key: of(row, key) for key in row.attributes.keys() - ours} for row in rows)
    assert borrowed == usual
    assert "hunter2" not in borrowed[semconv.TOOL_PARAMS]
    assert semconv.CALL_HASH in borrowed


def test_directly_below_the_remote_span(callee):
    context, trace_id = remote()
    with attached(context):
        with callee.step("a"):
            pass
        with callee.tool("t"):
            pass
    rows = callee.rows()
    assert rows.keys() == {"step a", "execute_tool t"}
    assert {of(row, semconv.EXECUTION_ID) for row in rows.values()} == {trace_id}
    assert {row.parent_span_id for row in rows.values()} == {7}
    assert len({of(row, semconv.SEQUENCE) for row in rows.values()}) == 2


def test_steps_below_one_entry_share_ids_attempts_and_sequence(callee):
    context, trace_id = remote()
    with server(callee, context):
        with callee.framework.start_as_current_span("route"):
            with callee.framework.start_as_current_span("validate"), callee.step("s") as first:
                pass
            with callee.step("s") as second:
                pass
        with pytest.raises(ValueError, match="no"), callee.step("t"):
            raise ValueError("no")
        with callee.step("t") as retry:
            pass
    assert [handle.step_id for handle in (first, second, retry)] == ["s", "s#2", "t"]
    assert retry.attempt == 2
    assert {handle.execution_id for handle in (first, second, retry)} == {trace_id}
    rows = callee.all()
    assert [row.name for row in rows] == ["POST /x", "route", "validate", "step s", "step s", "step t", "step t"]
    assert rows[3].parent_span_id == rows[2].span_id
    assert rows[4].parent_span_id == rows[1].span_id
    sequence = [of(row, semconv.SEQUENCE) for row in rows[3:]]
    assert sequence == list(range(sequence[0], sequence[0] + 4))


def test_each_entry_counts_for_itself_and_numbers_apart(callee):
    context, trace_id = remote()
    found = []
    for _ in range(2):
        with server(callee, context), callee.step("s") as step:
            found.append(step)
    assert [(step.execution_id, step.step_id, step.attempt) for step in found] == [(trace_id, "s", 1)] * 2
    first, second = (of(row, semconv.SEQUENCE) for row in callee.all("step s"))
    assert first != second
    assert max(first, second) < 2**63


def test_what_others_start_in_a_borrowed_run_stays_keyed_by_its_trace(callee):
    context, trace_id = remote()
    with server(callee, context), callee.step("s"):
        with callee.framework.start_as_current_span("GET /y"):
            with callee.tool("t"), callee.framework.start_as_current_span("SELECT"):
                pass
    rows = callee.rows()
    for name in ("POST /x", "GET /y", "SELECT"):
        assert semconv.EXECUTION_ID not in rows[name].attributes
        assert semconv.SEQUENCE not in rows[name].attributes
    assert of(rows["execute_tool t"], semconv.EXECUTION_ID) == trace_id
    assert of(rows["execute_tool t"], semconv.STEP_ID) == "s"


def test_an_explicit_workflow_is_an_execution_of_its_own(callee):
    context, trace_id = remote()
    with server(callee, context):
        with callee.execution("outer") as outer, callee.framework.start_as_current_span("GET /y"), callee.step("s"):
            pass
        with callee.step("t"), callee.workflow("inner") as inner:
            pass
    rows = callee.rows()
    assert {outer.execution_id, inner.execution_id}.isdisjoint({trace_id})
    for name in ("invoke_workflow outer", "GET /y", "step s"):
        assert of(rows[name], semconv.EXECUTION_ID) == outer.execution_id
    assert rows["invoke_workflow outer"].parent_span_id == rows["POST /x"].span_id
    assert of(rows["invoke_workflow outer"], semconv.PARENT_EXECUTION_ID) is None
    assert of(rows["step t"], semconv.EXECUTION_ID) == trace_id
    assert of(rows["invoke_workflow inner"], semconv.EXECUTION_ID) == inner.execution_id
    assert of(rows["invoke_workflow inner"], semconv.PARENT_EXECUTION_ID) == trace_id


def test_by_ids():
    with ot.configure(store="memory://", set_global=False, strict=True) as telemetry:
        telemetry.processor.add_sink(sink := ListSink(wants_starts=False))
        framework = telemetry.tracer_provider.get_tracer("framework")
        context, trace_id = remote()
        with framework.start_as_current_span("POST /x", context=context):
            telemetry.store.record_tool_call(tool_name="t", params={"n": 1}, result=2)
            telemetry.recorder.start_step("s").complete()
            telemetry.recorder.start_tool_call("u").complete()
            execution_id = telemetry.store.start_execution(workflow_name="w")
            telemetry.store.complete_execution(execution_id)
        assert telemetry.flush()
        rows = {row.name: of(row, semconv.EXECUTION_ID) for row in sink.rows}
    assert rows == {
        "execute_tool t": trace_id,
        "step s": trace_id,
        "execute_tool u": trace_id,
        "invoke_workflow w": execution_id,
        "POST /x": None,
    }


def test_a_trace_that_began_here_gets_an_execution_as_before(callee):
    with callee.framework.start_as_current_span("job"), callee.framework.start_as_current_span("part"):
        with callee.step("s"):
            pass
    rows = callee.rows()
    assert rows.keys() == {"job", "part", "invoke_workflow s", "step s"}
    assert of(rows["step s"], semconv.EXECUTION_ID) != f"{rows['job'].trace_id:032x}"


def test_a_scope_that_is_lost_on_the_way_is_found_by_the_spans(callee):
    context, trace_id = remote()
    with server(callee, context), callee.step("a"), callee.framework.start_as_current_span("agent") as span:
        with attached(set_span_in_context(span, Context())), callee.step("b") as step:
            pass
        with attached(set_span_in_context(trace.get_current_span(), Context())), callee.step("b") as second:
            pass
    assert (step.execution_id, step.step_id, second.step_id) == (trace_id, "b", "b#2")
    assert sorted(row.name for row in callee.all()) == ["POST /x", "agent", "step a", "step b", "step b"]


def test_threads(callee):
    @callee.step("s")
    def work(n):
        return n

    context, trace_id = remote()
    ready = threading.Barrier(8)

    def in_thread(context, n):
        with attached(context):
            ready.wait()
            return [work(n) for _ in range(20)]

    with server(callee, context), ThreadPoolExecutor(8) as pool:
        here = otel_context.get_current()
        assert sum(map(len, pool.map(lambda n: in_thread(here, n), range(8)))) == 160
        assert pool.submit(wrap(work), 1).result() == 1
    steps = callee.all("step s")
    assert len(steps) == 161
    assert {of(row, semconv.EXECUTION_ID) for row in steps} == {trace_id}
    assert len({of(row, semconv.STEP_ID) for row in steps}) == 161
    assert len({of(row, semconv.SEQUENCE) for row in steps}) == 161


def test_threads_that_meet_at_a_remote_span(callee):
    ready = threading.Barrier(8)

    def in_thread(context):
        with attached(context):
            ready.wait()
            with callee.step("s") as step:
                return step.step_id

    for _ in range(20):
        context, _ = remote()
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(in_thread, [context] * 8))) == 8


def test_coroutines_and_generators(callee):
    @callee.step("fetch")
    async def fetch(n):
        await asyncio.sleep(0)
        return n

    @callee.tool("stream")
    async def stream():
        with callee.framework.start_as_current_span("chunk"):
            yield 1

    async def request():
        context, trace_id = remote()
        with server(callee, context) as span:
            assert await asyncio.gather(*map(fetch, range(3))) == [0, 1, 2]
            assert [item async for item in stream()] == [1]
            return span.get_span_context().trace_id, trace_id

    async def main():
        return await asyncio.gather(*(request() for _ in range(5)))

    requests = asyncio.run(main())
    for number, trace_id in requests:
        rows = [row for row in callee.all() if row.trace_id == number and row.name not in ("POST /x", "chunk")]
        assert {of(row, semconv.EXECUTION_ID) for row in rows} == {trace_id}
        steps = {of(row, semconv.STEP_ID) for row in rows if row.name == "step fetch"}
        assert steps == {"fetch", "fetch#2", "fetch#3"}
        assert len(rows) == 4


# what our own carriers bring


def test_our_own_carriers_bring_the_execution(callee):
    with callee.execution("w") as run, callee.step("s"):
        carrier = inject_carrier()
    assert len(carrier) == 3
    with attached(Context()), attach_carrier(carrier), callee.tool("t"), callee.framework.start_as_current_span("GET"):
        pass
    rows = callee.rows()
    assert of(rows["execute_tool t"], semconv.EXECUTION_ID) == run.execution_id
    assert of(rows["execute_tool t"], semconv.STEP_ID) == "s"
    assert of(rows["GET"], semconv.EXECUTION_ID) == run.execution_id


def test_our_own_carriers_in_a_borrowed_run_bring_the_trace_and_the_step(callee):
    context, trace_id = remote()
    with server(callee, context), callee.step("s") as step:
        carrier = inject_carrier()
    assert carrier.keys() == {"traceparent", "otel-telemetry-step-id"}
    with attached(Context()), attach_carrier(carrier), callee.tool("t"), callee.framework.start_as_current_span("GET"):
        pass
    rows = callee.rows()
    call = rows["execute_tool t"]
    assert (of(call, semconv.EXECUTION_ID), of(call, semconv.STEP_ID)) == (trace_id, "s")
    assert call.parent_span_id == step.span.get_span_context().span_id
    assert semconv.EXECUTION_ID not in rows["GET"].attributes


def test_our_own_carriers_outside_a_step_bring_the_trace(callee):
    context, trace_id = remote()
    with server(callee, context):
        carrier = inject_carrier()
        with callee.tool("outer"):
            assert inject_carrier().keys() == {"traceparent"}
    assert carrier.keys() == {"traceparent"}
    with attached(Context()), attach_carrier(carrier), callee.tool("t"):
        pass
    assert of(callee.rows()["execute_tool t"], semconv.EXECUTION_ID) == trace_id


def test_a_step_id_without_a_trace_says_nothing(callee):
    context, trace_id = remote()
    with attached(context), attach_carrier({"otel-telemetry-step-id": "s"}), callee.tool("t"):
        pass
    call = callee.rows()["execute_tool t"]
    assert (of(call, semconv.EXECUTION_ID), of(call, semconv.STEP_ID)) == (trace_id, None)


# providers and samplers


def test_a_provider_without_our_processor(callee):
    exporter = InMemorySpanExporter()
    other = TracerProvider(shutdown_on_exit=False)
    other.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = other.get_tracer("framework")
    context, trace_id = remote()
    with tracer.start_as_current_span("POST /x", context=context):
        with callee.step("s") as first:
            pass
        with callee.step("s") as second, tracer.start_as_current_span("GET /y"), callee.tool("t") as call:
            pass
        with callee.framework.start_as_current_span("ours"), callee.step("s") as third:
            pass
    assert {handle.execution_id for handle in (first, second, third, call)} == {trace_id}
    assert [handle.step_id for handle in (first, second, third)] == ["s", "s#2", "s#3"]
    assert call.step_id == "s#2"
    assert all(semconv.EXECUTION_ID not in span.attributes for span in exporter.get_finished_spans())


def test_two_recorders_keep_apart(callee):
    other = Callee()
    context, trace_id = remote()
    with server(callee, context):
        with callee.step("s") as one, other.step("s") as two:
            pass
    assert one.execution_id == two.execution_id == trace_id
    assert one.step_id == two.step_id == "s"
    assert one.scope.run is not two.scope.run
    assert of(other.rows()["step s"], semconv.EXECUTION_ID) == trace_id
    other.processor.shutdown()


class CountingRedactor(Redactor):
    payloads = 0

    def payload(self, value, *, direction):
        self.payloads += 1
        return super().payload(value, direction=direction)


@pytest.mark.parametrize("lean", [True, False])
@pytest.mark.parametrize("around", ["server", "remote"])
def test_below_a_parent_that_is_not_sampled_nothing_is_recorded(lean, around):
    redactor = CountingRedactor(RedactionSettings())
    callee = Callee(lean=lean, sampler=ParentBased(ALWAYS_ON), redactor=redactor)
    ran = []

    @callee.tool("t")
    def tool(n):
        ran.append(n)

    @callee.step
    def handler(n):
        if around == "remote":  # an unsampled server span does not say where its trace came from
            assert not callee.recorder.wants(otel_context.get_current())
        assert inject_carrier().keys() == {"traceparent"}
        tool(n)
        with callee.execution("w") as run:
            assert not run.is_recording

    context, _ = remote(flags=0)
    with server(callee, context) if around == "server" else attached(context):
        handler(1)
        tool(2)
        callee.recorder.start_step("planned", step_id="p", params={"n": 1}, status=ot.StepStatus.PENDING)
    assert ran == [1, 2]
    assert callee.rows() == {}
    assert redactor.payloads == 0
    callee.processor.shutdown()


@pytest.mark.parametrize("lean", [True, False])
def test_the_sampler_decides_not_the_flag(lean):
    callee = Callee(lean=lean)
    context, trace_id = remote(flags=0)
    with attached(context), callee.step("s"):
        pass
    assert of(callee.rows()["step s"], semconv.EXECUTION_ID) == trace_id
    callee.processor.shutdown()


def test_a_sampler_that_wants_some_of_the_steps_only():
    class Picky(Sampler):
        def should_sample(self, parent_context, trace_id, name, *rest, **options):
            wanted = name not in ("step unwanted", "execute_tool unwanted")
            attributes = (rest[1] if len(rest) > 1 else options.get("attributes")) if wanted else None
            return SamplingResult(Decision.RECORD_AND_SAMPLE if wanted else Decision.DROP, attributes)

        def get_description(self):
            return "picky"

    callee = Callee(sampler=Picky())
    context, _ = remote()
    with server(callee, context):
        for name in ("unwanted", "wanted"):
            with callee.step(name, params=1), callee.tool(name, params=2):
                pass
            with callee.tool(name, call_id="outside"):
                pass
    assert sorted(row.name for row in callee.all()) == [
        "POST /x",
        "execute_tool wanted",
        "execute_tool wanted",
        "step wanted",
    ]
    callee.processor.shutdown()


def test_a_recorder_that_is_off_does_nothing():
    callee = Callee(sampler=ALWAYS_OFF)
    context, _ = remote()
    with attached(context), callee.step("s") as step, callee.tool("t"):
        assert not step.is_recording
    assert callee.rows() == {}
    callee.processor.shutdown()


# the host


class OddSpan(NonRecordingSpan):
    """A span of the host's own."""

    def __init__(self, context, parent):
        super().__init__(context)
        self._parent = parent

    @property
    def parent(self):
        if isinstance(self._parent, BaseException):
            raise self._parent
        return self._parent


class Slotted(Span):
    """A span that keeps nothing."""

    __slots__ = ("_context",)

    def __init__(self, context):
        self._context = context

    def get_span_context(self):
        return self._context

    def is_recording(self):
        return False

    end = set_attributes = set_attribute = add_event = update_name = set_status = record_exception = lambda *_, **__: (
        None
    )


LOCAL = SpanContext(5, 6, is_remote=False, trace_flags=TraceFlags(1))
REMOTE = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1))


@pytest.mark.parametrize("parent", [RuntimeError("odd"), "text", 3, None, LOCAL])
def test_odd_spans_of_the_host_are_no_entries(callee, parent):
    with attached(set_span_in_context(OddSpan(LOCAL, parent), Context())):
        with callee.step("s"):
            pass
        with callee.framework.start_as_current_span("job"):
            pass
    assert callee.rows().keys() == {"invoke_workflow s", "step s", "job"}


def test_a_span_that_keeps_nothing_borrows_all_the_same(callee):
    span = Slotted(REMOTE)
    with attached(set_span_in_context(span, Context())), callee.step("s") as step:
        pass
    assert step.execution_id == f"{5:032x}"
    assert step.is_recording


def test_an_invalid_remote_span_is_no_entry(callee):
    span = NonRecordingSpan(SpanContext(0, 0, is_remote=True))
    with attached(set_span_in_context(span, Context())), callee.step("s"):
        pass
    assert callee.rows().keys() == {"invoke_workflow s", "step s"}


def test_no_span_is_kept_alive(callee):
    context, _ = remote()
    spans = weakref.WeakSet()
    gc.collect()
    gc.disable()
    try:
        with server(callee, context) as entry:
            spans.add(entry)
            with callee.framework.start_as_current_span("inner") as inner, callee.step("s") as step, callee.tool("t"):
                spans.add(inner)
                spans.add(step.span)
        del entry, inner, step
        assert callee.processor.force_flush()
        assert not [span for span in spans if span.name == "POST /x"]
    finally:
        gc.enable()
    gc.collect()
    assert not spans


def test_a_step_that_nobody_ends_is_ended_when_its_trace_is_let_go(callee):
    context, trace_id = remote()
    with server(callee, context):
        callee.recorder.start_step("forgotten")
    del context
    gc.collect()
    row = callee.rows()["step forgotten"]
    assert of(row, semconv.EXECUTION_ID) == trace_id
    assert of(row, semconv.STATUS) == "failed"
    assert of(row, semconv.OUTCOME) == "abandoned"


def test_what_is_planned_below_an_entry_starts_once(callee):
    context, _ = remote()
    with server(callee, context):
        planned = callee.recorder.start_step("p", step_id="p", status=ot.StepStatus.PENDING)
        started = callee.recorder.start_step("p", step_id="p")
        assert planned is started
        assert not started.is_pending
        started.complete()
    assert of(callee.rows()["step p"], semconv.STATUS) == "completed"


def test_a_failure_of_ours_is_absorbed(callee, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("ours")

    @callee.step
    def handler():
        return 1

    context, _ = remote()
    with server(callee, context):
        monkeypatch.setattr("otel_telemetry.tracing.context.random_64", fail)
        assert handler() == 1
    assert callee.recorder.problems == {"start": 1}


def test_log_records_and_the_current_step(callee):
    context, trace_id = remote()
    with server(callee, context), callee.step("s") as step:
        record = logging.makeLogRecord({})
        ContextFilter().filter(record)
        assert callee.recorder.current_step() is step
        assert callee.recorder.current_execution() is None
    assert (record.execution_id, record.step_id) == (trace_id, "s")


def test_the_time_does_not_run_backwards(callee):
    context, _ = remote()
    with server(callee, context):
        with callee.step("a"):
            pass
        with callee.tool("t"):
            pass
    rows = callee.rows()
    assert rows["step a"].start_ns <= rows["execute_tool t"].start_ns
