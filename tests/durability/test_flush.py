"""What a flush promises whatever the sink does: it keeps its time, and tells the truth."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from span_processors import QueueSettings, RedactingSpanProcessor, RetryableError
from tests.span_processors.support import Gate, ListSink, account, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_S = 0.2
LATE_S = 0.1


def raises(error: BaseException) -> Callable[[Sequence[Any]], None]:
    def before(rows: Sequence[Any]) -> None:
        raise error

    return before


def timed(processor: RedactingSpanProcessor, timeout_s: float = TIMEOUT_S) -> tuple[bool, float]:
    began = time.monotonic()
    answer = processor.force_flush(int(timeout_s * 1000))
    return answer, time.monotonic() - began


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (lambda rows: time.sleep(1.5), False),
        (raises(RetryableError("away")), False),
        (raises(ValueError("poison")), False),
        (lambda rows: time.sleep(0.01), True),
        (None, True),
    ],
    ids=["hung", "away", "rejecting", "slow", "good"],
)
@pytest.mark.promise("P10")
def test_a_flush_keeps_its_timeout_and_tells_the_truth(
    before: Any, *, answer: bool, observed: Callable[[str], None]
) -> None:
    with pipeline(ListSink(before)) as (processor, tracer):
        tracer.start_span("span").end()
        said, took = timed(processor)
        assert said is answer
        assert took < TIMEOUT_S + LATE_S
        health = account(processor)
        assert (health.stored == 1) is answer
    observed(f"{took * 1000:.0f} of {TIMEOUT_S * 1000:.0f} ms, answered {said}: {'stored' if answer else 'not stored'}")


@pytest.mark.promise("P10")
def test_flushes_at_the_same_time_are_all_answered_in_time() -> None:
    gate = Gate()
    with pipeline(ListSink(gate)) as (processor, tracer):
        tracer.start_span("span").end()
        gate.wait_until_entered()
        answers: list[tuple[bool, float]] = []
        threads = [threading.Thread(target=lambda: answers.append(timed(processor))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer for answer, _ in answers] == [False] * 8
        assert max(took for _, took in answers) < TIMEOUT_S + LATE_S
        gate.open()
        assert timed(processor, 20)[0]


@pytest.mark.promise("P10")
def test_a_flush_from_inside_the_sink_does_not_wait_for_itself() -> None:
    answers: list[tuple[bool, float]] = []
    with pipeline(ListSink(lambda rows: answers.append(timed(processor)))) as (processor, tracer):
        tracer.start_span("span").end()
        assert timed(processor, 20)[0]
    assert answers[0][0] is False
    assert answers[0][1] < LATE_S


@pytest.mark.parametrize(
    "before", [lambda rows: time.sleep(1000), raises(RetryableError("away"))], ids=["hung", "away"]
)
def test_a_shutdown_keeps_its_timeout_and_counts_what_it_left(before: Any) -> None:
    with pipeline(ListSink(before)) as (processor, tracer):
        for _ in range(100):
            tracer.start_span("span").end()
        began = time.monotonic()
        processor.shutdown(TIMEOUT_S)
        assert time.monotonic() - began < TIMEOUT_S + LATE_S
        health = account(processor)
        assert health.accepted == 100
        assert health.stored == 0
        assert health.dropped.get("shutdown", 0) + health.pending == 100


def test_a_producer_at_full_speed_loses_nothing_to_a_slow_exporter() -> None:
    spans = 20_000
    sink = ListSink(lambda rows: time.sleep(0.1), wants_starts=False, row_bytes=1000)
    # room for a fifth of them: the producer is held back, the exporter is not overrun
    queue = QueueSettings(max_bytes=spans // 5 * 1000, block_timeout_s=5)
    with pipeline(sink, queue=queue) as (processor, tracer):
        for _ in range(spans):
            tracer.start_span("span").end()
        assert processor.force_flush(30_000)
        health = account(processor)
        assert (health.stored, health.dropped) == (spans, {})
        assert len(sink.rows) == spans
