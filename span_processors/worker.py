"""The thread that writes to one sink."""

from __future__ import annotations

import contextvars
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from span_processors.announcements import Announcements
from span_processors.backlog import Backlog, Entry
from span_processors.delivery import Delivery
from span_processors.guard import warn, writing
from span_processors.heartbeat import Heartbeat
from span_processors.lean_span import LeanSpan
from span_processors.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import ReferenceType

    from opentelemetry.sdk.trace import ReadableSpan, Span

    from span_processors.backlog import QueueSettings
    from span_processors.data import SpanData
    from span_processors.ledger import DropReason, SinkHealth
    from span_processors.sinks import SpanSink, Spill

RowT = TypeVar("RowT")

_LINGER_S: Final = 0.01
_LINGER_BELOW_ROWS: Final = 512
_AFTER_FAILURE_S: Final = 0.05
_TURN_S: Final = 0.00005


class Flush(NamedTuple):
    """A request to write what waits, answered once: whether all of it is stored, or at least `safe`, on a disk."""

    answer: SimpleQueue[bool]
    casualties: int
    deadline: float
    """Of `time.monotonic`: nobody waits for the answer after it."""
    safe: bool


class Worker(Generic[RowT]):
    """Takes the spans that a processor hands it to one sink, in a thread of its own.

    A write begins soon after there is something, and what arrives meanwhile makes the next one (group commit). Rows
    stay in the backlog until `write` has returned. The thread starts with the first span; again after a fork, or should
    it die.
    """

    def __init__(
        self,
        sink: SpanSink[RowT],
        *,
        queue: QueueSettings,
        flatten: Callable[[ReadableSpan | LeanSpan], SpanData],
        describe: Callable[[BaseException], str],
        open_spans: dict[int, ReferenceType[Span]],
        before_start: Callable[[], None],
        clock: Callable[[], float],
        spill: Spill[RowT] | None = None,
    ) -> None:
        """Set up; nothing runs until there is a span.

        Args:
            sink: where the rows go.
            queue: bound and overflow policy.
            flatten: turns a span into redacted data.
            describe: tells an exception in words that hold no secret.
            open_spans: the spans that have not ended, by id; the worker takes out those that the host has thrown away.
            before_start: called before the thread starts.
            clock: seconds, monotonic; the heartbeats go by it.
            spill: where rows wait while the sink cannot take them; without one, they wait in memory.
        """
        self._sink = sink
        self._spill = spill
        self._queue = queue
        self._flatten = flatten
        self._describe = describe
        self._open_spans = open_spans
        self._before_start = before_start
        self._clock = clock
        self.is_store: Final = sink.wants_starts
        self._in_use = True  # and so in need of being closed, unlike the copy in a child that records nothing
        self._reset()

    def _reset(self) -> None:
        self._backlog: Backlog[RowT] = Backlog(self._queue, self._prepare)
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._delivery: Delivery[RowT] | Relay[RowT] = (
            Delivery(self._sink, self._backlog, describe=self._describe, pause=self._pause)
            if self._spill is None
            else Relay(
                self._sink,
                self._backlog,
                self._spill,
                describe=self._describe,
                pause=self._pause,
                wake=partial(self._bell.put, None),
            )
        )
        self._announcements = Announcements(self._sink, self._flatten, self._start_failed)
        # a SimpleQueue's put, unlike an Event's set, may be interrupted by a signal handler that does the same
        self._flushes: SimpleQueue[Flush] = SimpleQueue()
        self._asked: list[Flush] = []
        self._idle = True
        self._starting = threading.RLock()
        self._working = threading.Lock()
        self._thread: threading.Thread | None = None
        self._heartbeat = Heartbeat(self._sink, self._delivery.heartbeat, self._open_spans, self._clock)
        self._stopping = False
        self._finished = False

    # the host's threads

    def announce(self, key: int, span: ReferenceType[Span]) -> None:
        """Note that a span has started, to be announced to the sink if it is still open when the thread wakes."""
        if self.is_store and not self._stopping:
            self._announcements.add(key, span)
            if self._idle:
                self._wake()

    def submit(self, key: int, span: SpanData | LeanSpan, *, failed: bool) -> BaseException | None:
        """Queue a span that has ended, or count it as lost.

        Args:
            key: its id.
            span: the span, flattened, or one that is clean.
            failed: whether its status is an error.

        Returns:
            The host's own KeyboardInterrupt or SystemExit, where one came meanwhile; nothing is raised.
        """
        interrupt: BaseException | None = None
        problem = detail = ""
        entry: Entry[Any] | None = None
        try:
            self._announcements.cancel(key)
            entry = Entry(None, self._sink.size(span), 1, span)
            if not self._backlog.put(entry, error=failed):
                problem = "the queue is full, spans are lost"
                if self._stopping:
                    problem = "spans that end after the shutdown are lost"
        except (KeyboardInterrupt, SystemExit) as error:
            if entry is None or not self._backlog.holds(entry):
                self._backlog.drop("interrupted")
            interrupt = error
        except BaseException as error:
            self._backlog.drop("unreadable")
            problem, detail = "a span could not be queued and is lost:", type(error).__name__
        try:
            if self._idle:
                self._wake()
            if not problem and self._backlog.gives_a_turn():
                time.sleep(_TURN_S)
            if problem:
                warn(self._sink.name, problem, detail)
        except (KeyboardInterrupt, SystemExit) as error:
            interrupt = error
        return interrupt

    def drop(self, reason: DropReason) -> None:
        """Count a span that ended and cannot be queued."""
        self._backlog.drop(reason)

    def request_flush(self, deadline: float, *, safe: bool = False) -> Flush:
        """Ask for everything that waits to be written now.

        Args:
            deadline: the answer is of no use after it (of `time.monotonic`).
            safe: whether it is enough that a span is in the spill.
        """
        flush = Flush(SimpleQueue(), self._backlog.casualties, deadline, safe)
        if self._thread is None and not self._has_work():
            flush.answer.put(True)
        else:
            self._flushes.put(flush)
            self._wake()
        return flush

    def await_flush(self, flush: Flush) -> bool:
        """Wait for the answer, until the flush's deadline at most."""
        if self._thread is None:
            self._work_here(flush.deadline)
        try:
            return flush.answer.get(timeout=max(0.0, flush.deadline - time.monotonic()))
        except Empty:
            return False

    def begin_shutdown(self, deadline: float) -> None:
        """Let nothing more in; have the rest written by `deadline` (of `time.monotonic`), and the sink closed."""
        self._backlog.close()
        self._delivery.hurry(deadline)
        self._stopping = True
        self._bell.put(None)

    def end_shutdown(self, deadline: float) -> None:
        """Wait until `deadline` (of `time.monotonic`) at most, then count what has not been written as lost."""
        thread = self._thread
        if thread is threading.current_thread():
            return  # the processor was garbage, and found here; this thread goes on to write what waits
        if thread is None:
            self._work_here(deadline)
        else:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not self._finished:
            self._delivery.abandoned = True
            self._backlog.discard()
            self._bell.put(None)
            if thread is None:
                self._work_here(deadline)

    def health(self) -> SinkHealth:
        """Return the account at this moment."""
        thread = self._thread
        return self._backlog.snapshot(self._sink.name, worker_alive=thread is not None and thread.is_alive())

    def after_fork_in_child(self) -> None:
        """Start over with nothing: what waits is the parent's to write. After a shutdown, remain shut down."""
        was_down = self._stopping
        self._in_use = False
        self._reset()
        if was_down:
            self._backlog.close()
            self._stopping = self._finished = True
        try:
            self._delivery.after_fork_in_child()
        except BaseException as error:
            self._delivery.failed(error)

    def _wake(self) -> None:
        self._idle = False
        if self._thread is None:
            self._start()
        else:
            self._bell.put(None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._finished:
                return
            self._in_use = True
            self._before_start()
            self._thread = threading.Thread(
                # an empty context: what is current where the thread starts has nothing to do with its work
                target=contextvars.Context().run,
                args=(self._run,),
                name=f"span_processors {self._sink.name}",
                daemon=True,
            )
            try:
                self._delivery.open()
                self._thread.start()
            except Exception:  # the interpreter is shutting down, or the system has no thread to give
                self._thread = None
                self._idle = True

    # the thread that writes

    def _run(self) -> None:
        try:
            while not self._finished:
                try:
                    with writing():
                        self._wait()
                        with self._working:
                            self._cycle()
                except BaseException as error:
                    self._delivery.failed(error)
                    time.sleep(_AFTER_FAILURE_S)
        finally:
            self._thread = None
            self._idle = True
            self._take_flushes()
            self._answer(settled=self._backlog.is_empty())

    def _wait(self) -> None:
        self._idle = True
        if not self._has_work():
            dues = (self._heartbeat.due_in_s(), self._delivery.due_in_s())
            self._sleep(min((due for due in dues if due is not None), default=None))
        self._idle = False
        if self._flushes.empty() and not self._stopping and len(self._backlog) < _LINGER_BELOW_ROWS:
            self._sleep(_LINGER_S)

    def _has_work(self) -> bool:
        if self._stopping:
            return self._delivery.may_end()
        return not (self._backlog.is_empty() and self._flushes.empty() and not len(self._announcements))

    def _sleep(self, seconds: float | None) -> None:
        try:
            self._bell.get(timeout=seconds)
            while True:
                self._bell.get_nowait()
        except Empty:
            pass

    def _pause(self, seconds: float) -> None:
        self._sleep(seconds)
        self._beat()

    def _cycle(self, deadline: float | None = None) -> None:
        self._take_flushes()
        settled = False
        try:
            settled = self._write_what_waits(deadline)
        finally:
            self._answer(settled=settled)
        if self._finished:
            return
        self._beat()
        if self._stopping and settled and not len(self._backlog) and self._delivery.may_end():
            self._close()

    def _write_what_waits(self, deadline: float | None) -> bool:
        self._backlog.mark()
        # Listed after the mark: the end of a span that is open now waits beyond it. So no chunk holds both rows of a
        # span, and its start is written first.
        starts = self._announcements.batches()
        more = True
        while more:
            if not self._delivery.run(deadline):
                return False
            more = self._backlog.take(next(starts, ()))
            self._heartbeat.has_news |= more
        return True

    def _prepare(self, entries: list[Entry[RowT]]) -> list[Entry[RowT]]:
        """Make rows of spans; return the entries of those of which none can be made."""
        prepare, flatten = self._sink.prepare, self._flatten
        lost = []
        for entry in entries:
            span = entry.span
            if span is not None:
                try:
                    entry.row = prepare(flatten(span) if isinstance(span, LeanSpan) else span)
                    entry.span = None
                except BaseException as error:
                    if isinstance(error, (KeyboardInterrupt, SystemExit)) and self._thread is None:
                        raise  # the host's thread does this work, and the interrupt is the host's own
                    lost.append(entry)
                    warn(self._sink.name, "a span could not be prepared and is lost:", type(error).__name__)
        return lost

    def _take_flushes(self) -> None:
        while not self._flushes.empty():
            self._asked.append(self._flushes.get())

    def _answer(self, *, settled: bool) -> None:
        """Answer the flushes that were taken, but for those that wait for the spill to become empty."""
        asked, self._asked = self._asked, []
        now = time.monotonic()
        done = settled and self._delivery.is_done()
        for flush in asked:
            if settled and not (done or flush.safe) and now < flush.deadline:
                self._asked.append(flush)
            else:
                answer = settled and (done or flush.safe)
                flush.answer.put(answer and self._backlog.casualties == flush.casualties)

    def _start_failed(self, error: BaseException) -> None:
        self._delivery.failed(error)
        self._backlog.start_rejected()

    def _beat(self) -> None:
        try:
            self._heartbeat.beat()
        except BaseException as error:
            self._delivery.failed(error)

    def _close(self) -> None:
        self._finished = True
        if self._in_use:
            try:
                self._delivery.close()
            except BaseException as error:
                self._delivery.failed(error)

    def _work_here(self, deadline: float) -> None:
        """Do the thread's work in the caller's, because there is no thread and perhaps none can start."""
        if not self._working.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
        try:
            with writing():
                self._cycle(deadline)
        finally:
            self._working.release()
