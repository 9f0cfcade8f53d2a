"""The thread that writes to one sink."""

from __future__ import annotations

import contextvars
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from span_processors.announcements import Announcements
from span_processors.backlog import Backlog, Entry
from span_processors.delivery import Delivery
from span_processors.guard import warn, writing
from span_processors.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import ReferenceType

    from opentelemetry.sdk.trace import ReadableSpan, Span

    from span_processors.backlog import QueueSettings
    from span_processors.data import SpanData
    from span_processors.ledger import DropReason, SinkHealth
    from span_processors.sinks import SpanSink

RowT = TypeVar("RowT")

_LINGER_S: Final = 0.01
_LINGER_BELOW_ROWS: Final = 512
_AFTER_FAILURE_S: Final = 0.05
_STATUS_ERROR: Final = 2


class Flush(NamedTuple):
    """A request to write what waits, answered once: whether all of it is stored."""

    answer: SimpleQueue[bool]
    casualties: int


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
        flatten: Callable[[ReadableSpan], SpanData],
        describe: Callable[[BaseException], str],
        open_spans: dict[int, ReferenceType[Span]],
        before_start: Callable[[], None],
        clock: Callable[[], float],
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
        """
        self._sink = sink
        self._queue = queue
        self._flatten = flatten
        self._describe = describe
        self._open_spans = open_spans
        self._before_start = before_start
        self._clock = clock
        self._wants_starts = sink.wants_starts
        self._in_use = True  # and so in need of being closed, unlike the copy in a child that records nothing
        self._reset()

    def _reset(self) -> None:
        self._backlog: Backlog[RowT] = Backlog(self._queue)
        self._delivery = Delivery(self._sink, self._backlog, describe=self._describe, pause=self._pause)
        self._announcements = Announcements(self._sink, self._flatten, self._start_failed)
        # a SimpleQueue's put, unlike an Event's set, may be interrupted by a signal handler that does the same
        self._flushes: SimpleQueue[Flush] = SimpleQueue()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._idle = True
        self._starting = threading.RLock()
        self._working = threading.Lock()
        self._thread: threading.Thread | None = None
        self._heartbeat = Heartbeat(self._sink, self._open_spans, self._clock)
        self._stopping = False
        self._finished = False

    # the host's threads

    def announce(self, key: int, span: ReferenceType[Span]) -> None:
        """Note that a span has started, to be announced to the sink if it is still open when the thread wakes."""
        if self._wants_starts and not self._stopping:
            self._announcements.add(key, span)
            if self._idle:
                self._wake()

    def submit(self, key: int, span: SpanData) -> BaseException | None:
        """Queue a span that has ended, or count it as lost.

        Returns:
            The host's own KeyboardInterrupt or SystemExit, where one came meanwhile; nothing is raised.
        """
        interrupt: BaseException | None = None
        problem = detail = ""
        entry = None
        try:
            self._announcements.cancel(key)
            row = self._sink.prepare(span)
            entry = Entry(row, self._sink.size(row))
            if not self._backlog.put(entry, error=span.status_code == _STATUS_ERROR):
                problem = "the queue is full or shut down, spans are lost"
        except (KeyboardInterrupt, SystemExit) as error:
            if entry is None or not self._backlog.holds(entry):
                self._backlog.drop("interrupted")
            interrupt = error
        except BaseException as error:
            self._backlog.drop("unreadable")
            problem, detail = "a span could not be prepared and is lost:", type(error).__name__
        try:
            if self._idle:
                self._wake()
            if problem:
                warn(self._sink.name, problem, detail)
        except (KeyboardInterrupt, SystemExit) as error:
            interrupt = error
        return interrupt

    def drop(self, reason: DropReason) -> None:
        """Count a span that ended and cannot be queued."""
        self._backlog.drop(reason)

    def request_flush(self) -> Flush:
        """Ask for everything that waits to be written now."""
        flush = Flush(SimpleQueue(), self._backlog.casualties)
        if self._thread is None and not self._has_work():
            flush.answer.put(True)
        else:
            self._flushes.put(flush)
            self._wake()
        return flush

    def await_flush(self, flush: Flush, deadline: float) -> bool:
        """Wait for the answer, until `deadline` (of `time.monotonic`) at most."""
        if self._thread is None:
            self._work_here(deadline)
        try:
            return flush.answer.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return False

    def begin_shutdown(self) -> None:
        """Let nothing more in; have the rest written and the sink closed."""
        self._backlog.close()
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
            self._sink.after_fork_in_child()
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
            self._answer(self._asked(), stored=self._backlog.is_empty())

    def _wait(self) -> None:
        self._idle = True
        if not self._has_work():
            self._sleep(self._heartbeat.due_in_s())
        self._idle = False
        if self._flushes.empty() and not self._stopping and len(self._backlog) < _LINGER_BELOW_ROWS:
            self._sleep(_LINGER_S)

    def _has_work(self) -> bool:
        at_rest = self._backlog.is_empty() and self._flushes.empty() and not len(self._announcements)
        return self._stopping or not at_rest

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
        asked = self._asked()
        stored = False
        try:
            stored = self._write_what_waits(deadline)
        finally:
            self._answer(asked, stored=stored)
        if self._finished:
            return
        self._beat()
        if self._stopping and stored and not len(self._backlog):
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
        return True

    def _asked(self) -> list[Flush]:
        asked = []
        while not self._flushes.empty():
            asked.append(self._flushes.get())
        return asked

    def _answer(self, asked: list[Flush], *, stored: bool) -> None:
        for flush in asked:
            flush.answer.put(stored and self._backlog.casualties == flush.casualties)

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
                self._sink.close()
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
