"""The processor and its workers, on real threads: nothing lost uncounted, nothing raised into the host."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Status, StatusCode

from span_processors import (
    IdGenerator,
    QueueSettings,
    RedactingSpanProcessor,
    RedactionSettings,
    Redactor,
    RetryableError,
    SpanData,
    guard,
)
from tests.span_processors.support import Gate, ListSink, account, pipeline

FOR_EVER_MS = 60_000


@pytest.fixture(autouse=True)
def no_log_line_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_last_said", {})


# starts and ends


def test_an_open_span_is_announced_and_its_end_follows() -> None:
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        span = tracer.start_span("run")
        assert processor.force_flush(FOR_EVER_MS)
        assert (sink.started, sink.ended) == (["run"], [])
        assert processor.health().open_spans == 1
        span.end()
        assert processor.force_flush(FOR_EVER_MS)
        assert (sink.started, sink.ended) == (["run"], ["run"])
        health = account(processor)
        assert (health.accepted, health.stored, health.starts_stored) == (1, 1, 1)
        assert processor.health().open_spans == 0


def test_an_open_span_is_announced_without_being_asked_for() -> None:
    announced = threading.Event()
    with pipeline(ListSink(lambda rows: announced.set())) as (_, tracer):
        span = tracer.start_span("run")
        assert announced.wait(60)
        span.end()


def test_the_start_row_has_what_the_span_had_when_it_was_written() -> None:
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        span = tracer.start_span("run", attributes={"password": "x", "plain": "y"})
        assert processor.force_flush(FOR_EVER_MS)
        span.end()
    assert sink.rows[0].attributes["plain"] == "y"
    assert sink.rows[0].attributes["password"] != "x"


def test_no_write_holds_both_rows_of_a_span_and_the_start_comes_first() -> None:
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        for _ in range(30):
            spans = [tracer.start_span("run") for _ in range(20)]
            flush = threading.Thread(target=processor.force_flush)
            flush.start()
            for span in spans:
                span.end()
            flush.join()
    for batch in sink.batches:
        assert len({row.span_id for row in batch}) == len(batch)
    seen: set[int] = set()
    for row in sink.rows:
        assert row.end_ns is not None or row.span_id not in seen
        seen.add(row.span_id)
    assert len(sink.ended) == 600


def test_a_sink_that_wants_no_starts_gets_none() -> None:
    sink = ListSink(wants_starts=False)
    with pipeline(sink) as (processor, tracer):
        span = tracer.start_span("run")
        assert processor.force_flush(FOR_EVER_MS)
        assert sink.rows == []
        span.end()
    assert (sink.started, sink.ended) == ([], ["run"])


def test_a_sink_added_later_hears_of_the_spans_that_are_open() -> None:
    first, second = ListSink(), ListSink()
    with pipeline(first) as (processor, tracer):
        span = tracer.start_span("run")
        processor.add_sink(second)
        assert processor.force_flush(FOR_EVER_MS)
        assert second.started == ["run"]
        span.end()
    assert first.ended == second.ended == ["run"]


def test_a_span_that_the_host_throws_away_is_forgotten() -> None:
    now = [0.0]
    with pipeline(ListSink(), clock=lambda: now[0]) as (processor, tracer):
        reference = weakref.ref(tracer.start_span("never ended"))
        assert reference() is None
        now[0] += 10
        assert processor.force_flush(FOR_EVER_MS)
        tracer.start_span("next").end()
        assert processor.force_flush(FOR_EVER_MS)
        assert processor.health().open_spans == 0


def test_any_number_of_open_spans_is_announced() -> None:
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        spans = [tracer.start_span("run") for _ in range(2000)]
        assert processor.force_flush(FOR_EVER_MS)
        assert len(sink.started) == 2000
        for span in spans:
            span.end()
    assert len(sink.ended) == 2000


def test_inherited_attributes_are_set_where_the_first_of_them_is_missing() -> None:
    sink = ListSink()
    contexts = []

    def inherit(context: otel_context.Context | None) -> dict[str, str]:
        contexts.append(context)
        return {"workflow.execution.id": "outer", "sequence": "1"}

    with pipeline(sink, inherit=inherit) as (_, tracer):
        tracer.start_span("foreign").end()
        tracer.start_span("own", attributes={"workflow.execution.id": "mine"}).end()
    foreign, own = sink.rows
    assert foreign.attributes == {"workflow.execution.id": "outer", "sequence": "1"}
    assert own.attributes == {"workflow.execution.id": "mine"}
    assert len(contexts) == 2


class RecordOnly(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "records, samples nothing"


def test_a_span_that_is_not_sampled_goes_nowhere() -> None:
    sink = ListSink()
    processor = RedactingSpanProcessor([sink])
    provider = TracerProvider(sampler=RecordOnly(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("unsampled").end()
    processor.shutdown()
    assert sink.rows == []
    assert account(processor).accepted == 0


def test_another_processor_on_the_provider_sees_the_spans_as_they_are() -> None:
    theirs = InMemorySpanExporter()
    ours = ListSink()
    processor = RedactingSpanProcessor([ours])
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    provider.get_tracer("tests").start_span("span", attributes={"password": "x"}).end()
    processor.shutdown()
    (span,) = theirs.get_finished_spans()
    assert span.attributes == {"password": "x"}
    assert ours.rows[0].attributes != {"password": "x"}
    provider.shutdown()


# failing sinks


def test_a_batch_is_tried_again_until_the_backend_is_back() -> None:
    failures = [RetryableError("away")] * 3

    def flaky(rows: Sequence[SpanData]) -> None:
        if failures:
            raise failures.pop()

    sink = ListSink(flaky)
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("span").end()
        assert processor.force_flush(FOR_EVER_MS)
        health = account(processor)
    assert sink.ended == ["span"]
    assert (health.stored, health.retries, health.last_error) == (1, 3, "RetryableError: away")
    assert health.last_error_ns is not None


@pytest.mark.parametrize(
    "kind",
    [ValueError, MemoryError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, BaseException],
)
@pytest.mark.promise("P1")
def test_one_poison_row_costs_no_other(kind: type[BaseException]) -> None:
    gate = Gate()

    def poisoned(rows: Sequence[SpanData]) -> None:
        gate(rows)
        if any(row.name == "span 300" for row in rows):
            raise kind("poison")

    sink = ListSink(poisoned)
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("first").end()
        gate.wait_until_entered()
        for number in range(512):
            tracer.start_span(f"span {number}").end()
        gate.open()
        assert not processor.force_flush(FOR_EVER_MS)
        health = account(processor)
        assert health.dropped == {"rejected": 1}
        assert health.stored == 512
        tracer.start_span("after").end()
        assert processor.force_flush(FOR_EVER_MS)
    assert sorted(sink.ended) == sorted({f"span {n}" for n in range(512)} - {"span 300"} | {"first", "after"})


def test_a_start_row_that_cannot_be_written_is_counted_apart() -> None:
    def refuse_starts(rows: Sequence[SpanData]) -> None:
        if any(row.end_ns is None for row in rows):
            raise ValueError

    with pipeline(ListSink(refuse_starts)) as (processor, tracer):
        span = tracer.start_span("run")
        assert processor.force_flush(FOR_EVER_MS)
        span.end()
        assert processor.force_flush(FOR_EVER_MS)
        health = account(processor)
    assert (health.stored, health.starts_stored, health.starts_rejected, health.dropped) == (1, 0, 1, {})


def test_a_failing_heartbeat_and_close_are_noted() -> None:
    now = [0.0]

    class Failing(ListSink):
        def heartbeat(self) -> None:
            super().heartbeat()
            raise OSError("pulse")

        def close(self) -> None:
            super().close()
            raise OSError("lid")

    sink = Failing()
    with pipeline(sink, clock=lambda: now[0]) as (processor, tracer):
        now[0] += 6
        tracer.start_span("span").end()
        assert processor.force_flush(FOR_EVER_MS)
        tracer.start_span("span").end()
        assert processor.force_flush(FOR_EVER_MS)
        assert processor.health().sinks[0].last_error == "OSError: pulse"
    assert processor.health().sinks[0].last_error == "OSError: lid"
    assert (sink.heartbeats, sink.closed) == (1, 1)


def test_a_heart_beats_every_five_seconds_while_a_span_is_open() -> None:
    now = [0.0]
    beats: list[float] = []
    beaten = threading.Semaphore(0)

    class Alive(ListSink):
        def heartbeat(self) -> None:
            beats.append(now[0])
            beaten.release()

    with pipeline(Alive(), clock=lambda: now[0]) as (processor, tracer):
        span = tracer.start_span("ten minutes")
        for _ in range(120):
            now[0] += 4.9
            assert processor.force_flush(FOR_EVER_MS)
        while now[0] - (beats[-1] if beats else 0) >= 5:
            assert beaten.acquire(timeout=60)
        span.end()
    assert len(beats) >= 50
    assert all(5 <= later - earlier < 10 for earlier, later in pairwise(beats))


@pytest.mark.promise("P2")
def test_a_hung_sink_holds_up_neither_the_host_nor_another_sink() -> None:
    gate = Gate()
    hung, well = ListSink(gate, name="hung"), ListSink(name="well")
    settings = QueueSettings(max_bytes=5_000, block_timeout_s=0.2)
    with pipeline(hung, well, queue=settings) as (processor, tracer):
        for _ in range(1000):
            tracer.start_span("span").end()
        account(processor, 0)
        assert not processor.force_flush(50)
        gate.open()
        assert processor.force_flush(FOR_EVER_MS)
        of_hung, of_well = account(processor, 0), account(processor, 1)
    assert of_hung.accepted == of_well.accepted == 1000
    assert of_hung.stored == len(hung.ended) < 1000
    assert of_hung.dropped == {"full": 1000 - of_hung.stored}
    assert of_well.stored + of_well.dropped.get("full", 0) == 1000


@pytest.mark.promise("P4")
def test_errors_are_kept_where_details_are_dropped() -> None:
    gate = Gate()
    sink = ListSink(gate, wants_starts=False)
    with pipeline(sink, queue=QueueSettings(max_bytes=1_000, overflow="drop_newest")) as (processor, tracer):
        tracer.start_span("first").end()
        gate.wait_until_entered()
        for _ in range(20):
            tracer.start_span("detail").end()
        for _ in range(5):
            span = tracer.start_span("error")
            span.set_status(Status(StatusCode.ERROR))
            span.end()
        gate.open()
        processor.force_flush(FOR_EVER_MS)
        assert account(processor).dropped == {"full": 16}
    assert sorted(sink.ended) == ["detail"] * 4 + ["error"] * 5 + ["first"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_died_starts_again_and_has_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    def fail_once(rows: Sequence[SpanData]) -> None:
        if not sink.batches:
            sink.batches.append([])
            raise RetryableError

    sink = ListSink(fail_once, wants_starts=False, name="mortal")
    with pipeline(sink) as (processor, tracer):
        worker = processor._workers[0]
        with monkeypatch.context() as patch:
            patch.setattr(worker._delivery, "failed", die)
            tracer.start_span("one").end()
            assert not processor.force_flush(FOR_EVER_MS)
            assert not processor.health().sinks[0].worker_alive
            for thread in threading.enumerate():
                if thread.name == "span_processors mortal":
                    thread.join()  # or what it died of were told in the middle of another test
        assert account(processor).pending == 1
        tracer.start_span("two").end()
        assert processor.force_flush(FOR_EVER_MS)
        assert account(processor).stored == 2
    assert sink.ended == ["one", "two"]


def test_an_exception_that_cannot_be_told_is_named() -> None:
    class UntellableError(Exception):
        def __str__(self) -> str:
            raise SystemExit

    def fail(rows: Sequence[SpanData]) -> None:
        raise UntellableError

    with pipeline(ListSink(fail)) as (processor, tracer):
        tracer.start_span("span").end()
        assert not processor.force_flush(FOR_EVER_MS)
        assert account(processor).last_error == "UntellableError"


# flush and shutdown


def test_a_flush_of_nothing_is_true_and_starts_no_thread() -> None:
    with pipeline(ListSink()) as (processor, _):
        assert processor.force_flush(0)
        assert not processor.health().sinks[0].worker_alive


def test_a_flush_that_runs_out_of_time_is_false() -> None:
    gate = Gate()
    with pipeline(ListSink(gate)) as (processor, tracer):
        tracer.start_span("span").end()
        assert not processor.force_flush(10)
        gate.open()
        assert processor.force_flush(FOR_EVER_MS)


def test_concurrent_flushes_are_all_answered() -> None:
    answers: list[bool] = []
    with pipeline(ListSink()) as (processor, tracer):

        def record_and_flush() -> None:
            for _ in range(20):
                tracer.start_span("span").end()
                answers.append(processor.force_flush(FOR_EVER_MS))

        threads = [threading.Thread(target=record_and_flush) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert account(processor).stored == 160
    assert answers == [True] * 160


def test_a_flush_from_within_a_sink_does_not_wait_for_itself() -> None:
    answers = []
    sink = ListSink(lambda rows: answers.append(processor.force_flush(FOR_EVER_MS)))
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("span").end()
        assert processor.force_flush(FOR_EVER_MS)
    assert answers == [False]


def test_a_shutdown_writes_what_waits_and_closes_once() -> None:
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        open_span = tracer.start_span("open")
        tracer.start_span("span").end()
        processor.shutdown()
        processor.shutdown()
        assert (sink.started, sink.ended, sink.closed) == (["open"], ["span"], 1)
        open_span.end()
        tracer.start_span("too late").end()
        assert account(processor).dropped == {"shutdown": 2}
        assert processor.force_flush(FOR_EVER_MS)
        assert not processor.health().sinks[0].worker_alive


def test_a_shutdown_does_not_wait_for_a_hung_sink_and_counts_what_it_leaves() -> None:
    gate = Gate()
    sink = ListSink(gate, wants_starts=False, name="hung")
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("in hand").end()
        gate.wait_until_entered()
        for _ in range(10):
            tracer.start_span("waiting").end()
        processor.shutdown(timeout_s=0.01)
        health = account(processor)
        assert (health.stored, health.pending, health.dropped) == (0, 1, {"shutdown": 10})
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "span_processors hung"]
        gate.open()
        thread.join()
        health = account(processor)
        assert (health.stored, health.pending, health.dropped) == (1, 0, {"shutdown": 10})
        assert sink.closed == 1


def test_a_shutdown_gives_up_on_a_backend_that_is_away() -> None:
    def away(rows: Sequence[SpanData]) -> None:
        raise RetryableError

    sink = ListSink(away, name="away")
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("span").end()
        assert not processor.force_flush(10)
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "span_processors away"]
        processor.shutdown(timeout_s=0.01)
        thread.join()
        assert account(processor).dropped == {"shutdown": 1}
        assert sink.closed == 1


def test_where_no_thread_can_start_the_caller_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    sink = ListSink()
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("one").end()
        assert sink.rows == []
        assert processor.force_flush(FOR_EVER_MS)
        assert sink.ended == ["one"]
        tracer.start_span("two").end()
        processor.shutdown()
    assert sink.ended == ["one", "two"]
    assert sink.closed == 1


def test_where_no_thread_can_start_a_backend_that_is_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def away(rows: Sequence[SpanData]) -> None:
        raise RetryableError

    monkeypatch.setattr(threading.Thread, "start", refuse)
    sink = ListSink(away)
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("span").end()
        assert not processor.force_flush(10)
        processor.shutdown(timeout_s=0.01)
        assert account(processor).dropped == {"shutdown": 1}
        assert sink.closed == 1


def test_a_processor_nobody_refers_to_writes_what_it_has() -> None:
    gate = Gate()
    sink = ListSink(gate)
    processor = RedactingSpanProcessor([sink])
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("span").end()
    gate.open()
    reference = weakref.ref(processor)
    del processor, provider
    assert reference() is None
    assert sink.ended == ["span"]
    assert sink.closed == 1


# the host


@pytest.mark.parametrize("kind", [ValueError, MemoryError, GeneratorExit, asyncio.CancelledError, BaseException])
@pytest.mark.parametrize("method", ["prepare", "size"])
@pytest.mark.promise("P1")
def test_what_a_sink_raises_in_the_hosts_thread_does_not_reach_it(
    method: str, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise kind("secret value")

    failing, well = ListSink(name="failing"), ListSink(name="well")
    monkeypatch.setattr(failing, method, fail)
    with pipeline(failing, well) as (processor, tracer):
        with tracer.start_as_current_span("span"):
            pass
        processor.force_flush(FOR_EVER_MS)
        assert account(processor, 0).dropped == {"unreadable": 1}
        assert account(processor, 1).stored == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.promise("P1")
def test_the_hosts_own_interrupt_is_passed_on_and_the_span_counted(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise kind

    interrupted, well = ListSink(name="interrupted"), ListSink(name="well")
    monkeypatch.setattr(interrupted, "size", interrupt)
    with pipeline(interrupted, well) as (processor, tracer):
        with pytest.raises(kind):
            tracer.start_span("span").end()
        processor.force_flush(FOR_EVER_MS)
        assert account(processor, 0).dropped == {"interrupted": 1}
        assert account(processor, 1).stored == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_span_that_can_never_be_prepared_holds_nothing_up(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(span: SpanData) -> SpanData:
        if span.name == "bad":
            raise kind
        return span

    sink = ListSink()
    monkeypatch.setattr(sink, "prepare", prepare)
    with pipeline(sink) as (processor, tracer):
        for name in ("good", "bad", "good", "bad"):
            tracer.start_span(name).end()
        assert not processor.force_flush(FOR_EVER_MS), "two were lost"
        assert account(processor).dropped == {"unreadable": 2}
        assert sink.ended == ["good", "good"]
        assert account(processor).pending_bytes == 0


def test_what_inherit_raises_does_not_reach_the_host() -> None:
    def inherit(context: object) -> None:
        raise BaseException("own")

    sink = ListSink()
    with pipeline(sink, inherit=inherit) as (_, tracer):
        tracer.start_span("span").end()
    assert sink.ended == ["span"]


def test_a_span_that_cannot_be_redacted_is_not_passed_on() -> None:
    class Broken(Redactor):
        def text(self, text: str) -> str:
            raise RecursionError

    sink = ListSink()
    with pipeline(sink, redactor=Broken(RedactionSettings())) as (processor, tracer):
        tracer.start_span("span").end()
        assert account(processor).dropped == {"unreadable": 1}
    assert sink.rows == []


@pytest.mark.promise("P13")
def test_a_logging_handler_that_records_spans_starts_no_loop() -> None:
    recorded = []

    class Recording(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            recorded.append(record.getMessage())
            tracer.start_span("from a log record").end()

    def fail(rows: Sequence[SpanData]) -> None:
        raise ValueError("the value")

    handler = Recording()
    logger = logging.getLogger("span_processors")
    logger.addHandler(handler)
    try:
        with pipeline(ListSink(fail)) as (processor, tracer):
            tracer.start_span("span").end()
            assert not processor.force_flush(FOR_EVER_MS)
            assert account(processor).dropped == {"rejected": 1, "reentrant": 1}
    finally:
        logger.removeHandler(handler)
    assert len(recorded) == 1
    assert "ValueError" in recorded[0]
    assert "the value" not in recorded[0]


def test_a_redaction_callback_that_records_spans_starts_no_loop() -> None:
    def callback(path: str, value: Any) -> Any:
        tracer.start_span("from the callback", attributes={"a": "b"}).end()
        return value

    sink = ListSink()
    with pipeline(sink, redactor=Redactor(RedactionSettings(callback=callback))) as (processor, tracer):
        tracer.start_span("span", attributes={"a": "b"}).end()
        assert processor.force_flush(FOR_EVER_MS)
        health = account(processor)
    assert sink.ended == ["span"]
    assert health.stored == 1
    assert health.dropped["reentrant"] >= 1


@pytest.mark.promise("P21")
def test_the_writing_of_spans_is_not_recorded() -> None:
    suppressed = []
    sink = ListSink(lambda rows: suppressed.append(otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY)))
    with pipeline(sink) as (_, tracer), tracer.start_as_current_span("span"):
        pass
    assert set(suppressed) == {True}


def test_the_message_of_a_failure_is_redacted() -> None:
    canary = f"c4n{4}ry"

    def fail(rows: Sequence[SpanData]) -> None:
        raise ValueError(f"password={canary}")

    with pipeline(ListSink(fail)) as (processor, tracer):
        tracer.start_span("span").end()
        processor.force_flush(FOR_EVER_MS)
        last_error = account(processor).last_error
    assert last_error is not None
    assert last_error.startswith("ValueError: ")
    assert canary not in last_error


@pytest.mark.promise("P3")
def test_eight_threads_and_an_observer_agree_on_the_account() -> None:
    def sometimes_away(rows: Sequence[SpanData]) -> None:
        if len(sink.batches) % 3 == 1:
            sink.batches.append([])
            raise RetryableError

    sink = ListSink(sometimes_away)
    settings = QueueSettings(max_bytes=20_000, overflow="drop_oldest")
    with pipeline(sink, queue=settings) as (processor, tracer):

        def record() -> None:
            for number in range(400):
                with tracer.start_as_current_span("outer") as span:
                    span.set_attribute("number", number)
                    tracer.start_span("inner").end()

        threads = [threading.Thread(target=record) for _ in range(8)]
        for thread in threads:
            thread.start()
        accepted = 0
        while any(thread.is_alive() for thread in threads):
            health = account(processor)
            assert health.accepted >= accepted
            accepted = health.accepted
        for thread in threads:
            thread.join()
        processor.shutdown(timeout_s=60)
        health = account(processor)
        assert (health.accepted, health.pending, health.pending_bytes) == (6400, 0, 0)
        assert health.stored == len(sink.ended)
        assert processor.health().open_spans == 0


# signals


def _wherever_a_signal_may_come(act: Callable[[int], None]) -> Callable[..., None]:
    """A profile function that acts where the interpreter looks for signals, in this package's code.

    That is when a function is entered and after a call into C.
    """
    count = iter(range(sys.maxsize))

    def profile(frame: Any, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event in ("call", "c_return") and "/span_processors/" in file and "/tests/" not in file:
            act(next(count))

    return profile


@pytest.mark.promise("P13")
def test_a_signal_handler_that_records_a_span_may_run_anywhere() -> None:
    handled = []

    def handler(*_: object) -> None:
        sys.setprofile(None)
        tracer.start_span("from the handler").end()
        handled.append(None)
        sys.setprofile(profile)

    sink = ListSink()
    profile = _wherever_a_signal_may_come(lambda _: signal.raise_signal(signal.SIGUSR1))
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pipeline(sink, queue=QueueSettings(max_bytes=1_000_000)) as (processor, tracer):
            tracer.start_span("the thread is there").end()
            sys.setprofile(profile)
            try:
                tracer.start_span("span").end()
                processor.health()
            finally:
                sys.setprofile(None)
            assert processor.force_flush(FOR_EVER_MS)
            health = account(processor)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(handled) > 50
    assert health.accepted == len(handled) + 2
    assert health.stored + health.dropped["reentrant"] == health.accepted
    assert sink.ended.count("span") == 1


@pytest.mark.promise("P3")
@pytest.mark.promise("P13")
def test_an_interrupt_anywhere_leaves_the_account_exact() -> None:
    class Interrupt(KeyboardInterrupt):
        pass

    sink = ListSink(wants_starts=False)
    with pipeline(sink) as (processor, tracer):
        tracer.start_span("the thread is there").end()
        ended, place, interrupted = 1, 0, True
        while interrupted:
            interrupted = False
            span = tracer.start_span("span")

            def interrupt(count: int, at: int = place) -> None:
                if count == at:
                    raise Interrupt

            sys.setprofile(_wherever_a_signal_may_come(interrupt))
            try:
                span.end()
            except Interrupt:
                interrupted = True
            finally:
                sys.setprofile(None)
            ended += 1
            place += 1
        assert processor.force_flush(FOR_EVER_MS)
        health = account(processor)
        # all but the one that was interrupted before the processor had it
        assert (health.accepted, health.pending, health.pending_bytes) == (ended - 1, 0, 0)
        assert place > 20
        tracer.start_span("and all goes on").end()
        assert processor.force_flush(FOR_EVER_MS)
    assert "and all goes on" in sink.ended


@pytest.mark.promise("P13")
def test_a_finalizer_may_end_a_span_in_the_workers_thread() -> None:
    class Owner:
        def __init__(self) -> None:
            self.span = tracer.start_span("owned")

        def __del__(self) -> None:
            self.span.end()

    owners: list[Owner] = []

    def drop_the_owner(rows: Sequence[SpanData]) -> None:
        owners.clear()

    with pipeline(ListSink(drop_the_owner, wants_starts=False)) as (processor, tracer):
        owners.append(Owner())
        tracer.start_span("span").end()
        processor.force_flush(FOR_EVER_MS)
        health = account(processor)
    assert (health.stored, health.dropped) == (1, {"reentrant": 1})


def test_ended_spans_of_others_are_taken_too() -> None:
    """A `ReadableSpan` need not come from the SDK's tracer, nor have been started here."""
    sink = ListSink()
    processor: SpanProcessor = RedactingSpanProcessor([sink])
    provider = TracerProvider(shutdown_on_exit=False, id_generator=IdGenerator())
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("span").end()
    (span,) = exporter.get_finished_spans()
    assert isinstance(span, ReadableSpan)
    processor.on_end(span)
    processor.on_end(ReadableSpan("without a context"))
    processor.shutdown()
    assert sink.ended == ["span"]
