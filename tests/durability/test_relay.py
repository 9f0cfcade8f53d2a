"""Store and forward, with a sink that does what it is told and a real spill."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from otel_telemetry.rows import data_of, row_of
from otel_telemetry.stores.spool.spill import SqliteSpill
from span_processors import IdGenerator, QueueSettings, RedactingSpanProcessor, RetryableError
from span_processors.backlog import Backlog
from tests.durability.support import ended, wait_until
from tests.span_processors.support import Gate, ListSink, account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from opentelemetry.trace import Tracer

    from span_processors import SpanData


NOTHING_YET = Backlog(QueueSettings()).snapshot("list", worker_alive=True)


def spill(folder: Path, **options: Any) -> SqliteSpill[SpanData]:
    options = {"max_bytes": 2**30} | options
    return SqliteSpill(folder, to_row=lambda span: row_of(span, None), from_row=data_of, **options)


@contextmanager
def relay(sink: ListSink, folder: Path, **options: Any) -> Iterator[tuple[RedactingSpanProcessor, Tracer]]:
    provider = TracerProvider(id_generator=IdGenerator(), resource=Resource({}), shutdown_on_exit=False)
    processor = RedactingSpanProcessor(queue=QueueSettings(overflow="spill", **options))
    processor.add_sink(sink, spill=spill(folder))
    provider.add_span_processor(processor)
    try:
        yield processor, provider.get_tracer("tests")
    finally:
        processor.shutdown()


class Switch:
    """Makes a sink fail while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.refused: Callable[[Sequence[SpanData]], bool] = lambda rows: True
        self.error: BaseException = RetryableError("away")
        self.calls = 0

    def __call__(self, rows: Sequence[SpanData]) -> None:
        self.calls += 1
        if self.on and self.refused(rows):
            raise self.error


def names(folder: Path) -> int:
    return sum(len(ended(path)) for path in folder.glob("*.db"))


def test_a_healthy_sink_never_sees_the_disk(tmp_path: Path) -> None:
    sink = ListSink()
    with relay(sink, tmp_path) as (processor, tracer):
        for n in range(100):
            tracer.start_span(f"{n}").end()
        assert processor.force_flush()
        assert list(tmp_path.iterdir()) == []
    assert sink.ended == [f"{n}" for n in range(100)]
    assert sink.closed == 1


def test_a_write_that_hangs_holds_up_nothing_but_itself(tmp_path: Path) -> None:
    gate = Gate()
    sink = ListSink(gate)
    with relay(sink, tmp_path) as (processor, tracer):
        tracer.start_span("first").end()
        gate.wait_until_entered()
        for n in range(100):
            tracer.start_span(f"{n}").end()
        wait_until(lambda: account(processor).spilled == 101)
        gate.open()
        assert processor.force_flush()
        assert account(processor).stored == 101
    assert sorted(sink.ended) == sorted(["first", *(f"{n}" for n in range(100))])  # the first one once: it did arrive


def test_what_a_hung_write_has_not_done_is_sent_again(tmp_path: Path) -> None:
    gate, switch = Gate(), Switch()
    switch.on = True

    def before(rows: Sequence[SpanData]) -> None:
        gate(rows)
        switch(rows)

    sink = ListSink(before)
    with relay(sink, tmp_path) as (processor, tracer):
        tracer.start_span("first").end()
        wait_until(lambda: account(processor).spilled == 1)
        gate.open()
        wait_until(lambda: switch.calls)
        switch.on = False
        assert processor.force_flush()
    assert sink.ended == ["first"]


def test_the_queue_moves_to_disk_before_it_is_full(tmp_path: Path) -> None:
    gate = Gate()
    sink = ListSink(gate, row_bytes=1000)
    with relay(sink, tmp_path, max_bytes=100_000) as (processor, tracer):
        for n in range(5_000):
            tracer.start_span(f"{n}").end()
            assert account(processor).pending_bytes <= 100_000
        wait_until(lambda: account(processor).spilled == 5_000)
        assert account(processor).dropped == {}
        gate.open()
        assert processor.force_flush()
    assert len(set(sink.ended)) == 5_000


@pytest.mark.parametrize("error", [ValueError("poison"), RetryableError("no reason given")], ids=["said", "unsaid"])
def test_one_row_that_cannot_be_written_costs_no_other(tmp_path: Path, error: BaseException) -> None:
    switch = Switch()
    switch.on = True
    sink = ListSink(switch)
    with relay(sink, tmp_path) as (processor, tracer):
        for n in range(64):
            tracer.start_span("poison" if n == 20 else f"{n}").end()
        wait_until(lambda: account(processor).spilled == 64)
        switch.error = error
        switch.refused = lambda rows: any(row.name == "poison" for row in rows)
        while not account(processor).dropped:
            tracer.start_span("others get through").end()
            processor.force_flush(50)
        assert processor.force_flush()
        assert account(processor).dropped == {"rejected": 1}
        assert names(tmp_path) == 0
    assert {f"{n}" for n in range(64) if n != 20} <= set(sink.ended)


def test_the_end_of_a_span_is_not_removed_with_its_start(tmp_path: Path) -> None:
    gate = Gate()
    switch = Switch()
    switch.on = True
    sink = ListSink(switch)
    with relay(sink, tmp_path) as (processor, tracer):
        span = tracer.start_span("span")
        processor.force_flush(100)  # its start is in the spill
        sink._before = gate
        gate.wait_until_entered()  # and on its way from there
        span.end()
        wait_until(lambda: account(processor).spilled == 1)
        gate.open()
        assert processor.force_flush()
    assert sink.started == ["span"]
    assert sink.ended == ["span"]


def test_files_of_processes_that_are_gone_are_sent_oldest_first(tmp_path: Path) -> None:
    switch = Switch()
    switch.on = True
    for n in range(3):
        with relay(ListSink(switch), tmp_path) as (processor, tracer):
            tracer.start_span(f"{n}").end()
            wait_until(lambda: account(processor).spilled == 1)
    assert len(list(tmp_path.glob("*.db"))) == 3
    sink = ListSink()
    with relay(sink, tmp_path) as (processor, tracer):
        tracer.start_span("now").end()
        wait_until(lambda: account(processor).recovered == 3)
        assert account(processor).accepted == 1
    assert [name for name in sink.ended if name != "now"] == ["0", "1", "2"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_leaves_its_parents_file_alone(tmp_path: Path) -> None:
    mine = spill(tmp_path)
    first = [data_of(row_of(span("one"), None))]
    mine.put(first, NOTHING_YET)
    child = os.fork()
    if child == 0:
        mine.after_fork_in_child()
        empty = mine.is_empty() and mine.oldest(10) is None
        mine.put([span("two")], NOTHING_YET)
        kept = mine.oldest(10)
        os._exit(0 if empty and kept is not None and kept.rows[0].name == "two" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    found = mine.oldest(10)
    assert found is not None
    assert [row.name for row in found.rows] == ["one"]
    mine.remove(found)
    left = mine.oldest(10)  # now the child's, which is gone
    assert left is not None
    assert ([row.name for row in left.rows], left.own) == (["two"], False)
    mine.remove(left)
    mine.close(NOTHING_YET)
    assert list(tmp_path.iterdir()) == []


def span(name: str) -> SpanData:
    sink = ListSink()
    provider = TracerProvider(id_generator=IdGenerator(), resource=Resource({}), shutdown_on_exit=False)
    processor = RedactingSpanProcessor([sink])
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span(name).end()
    processor.shutdown()
    return sink.rows[-1]


class Accounts(RuleBasedStateMachine):
    """Accepted is stored, pending and dropped: after every step, and across restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.switch = Switch()
        self.sink = ListSink(self.switch, row_bytes=100)
        self.recorded = 0
        self.past_stored = self.past_recovered = self.past_dropped = 0
        self._open: Any = None

    @initialize()
    def begin(self) -> None:
        import tempfile
        from pathlib import Path

        self.folder = Path(tempfile.mkdtemp())
        self.start()

    def start(self) -> None:
        self._open = relay(self.sink, self.folder, max_bytes=3_000, block_timeout_s=0)
        self.processor, self.tracer = self._open.__enter__()
        self.recorded_here = 0

    @rule(count=st.integers(1, 60))
    def record(self, count: int) -> None:
        for n in range(count):
            self.tracer.start_span(f"{n}").end()
        self.recorded += count
        self.recorded_here += count

    @rule(on=st.booleans())
    def switch_backend(self, *, on: bool) -> None:
        self.switch.on = on

    @rule(timeout_ms=st.sampled_from([0, 20]))
    def flush(self, timeout_ms: int) -> None:
        casualties = account(self.processor).dropped
        if self.processor.force_flush(timeout_ms):
            health = account(self.processor)
            assert health.stored == self.recorded_here - sum(casualties.values())

    @rule()
    def restart(self) -> None:
        self._open.__exit__(None, None, None)
        health = account(self.processor)
        assert health.pending == health.spilled
        self.past_stored += health.stored
        self.past_recovered += health.recovered
        self.past_dropped += sum(health.dropped.values())
        assert self.recorded == self.past_stored + self.past_recovered + self.past_dropped + names(self.folder)
        self.start()

    @invariant()
    def adds_up(self) -> None:
        if self._open is not None:
            health = account(self.processor)
            assert health.accepted == self.recorded_here
            assert health.pending_bytes <= 3_000

    def teardown(self) -> None:
        import shutil

        if self._open is None:
            return
        self.switch.on = False
        self.restart()
        self._open.__exit__(None, None, None)
        arrived = {(row.trace_id, row.span_id) for row in self.sink.rows if row.end_ns is not None}
        assert len(arrived) + names(self.folder) == self.recorded - self.past_dropped
        shutil.rmtree(self.folder)


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestAccounts.pytestmark = [pytest.mark.promise("P3")]
