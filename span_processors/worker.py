"""The thread that writes to one sink."""

from __future__ import annotations

import contextvars
import random
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar
from weakref import ReferenceType

from opentelemetry import context as otel_context

from span_processors.backlog import Backlog, Entry, QueueSettings
from span_processors.guard import own_work, warn
from span_processors.sinks import RetryableError, SpanSink

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from span_processors.data import SpanData
    from span_processors.ledger import DropReason, SinkHealth

RowT = TypeVar("RowT")

_LINGER_S: Final = 0.01
_LINGER_BELOW_ROWS: Final = 512
_HEARTBEAT_S: Final = 5.0
_FIRST_RETRY_S: Final = 0.05
_LAST_RETRY_S: Final = 30.0
_STARTS_AT_ONCE: Final = 512
_ERROR: Final = 2


class Flush(NamedTuple):
    """A request to write all that waits. The worker answers once: whether all of it was stored."""

    answer: SimpleQueue[bool]
    casualties: int


class Worker(Generic[RowT]):
    """Takes the spans that a processor hands it to one sink, in a thread of its own.

    Group commit: a write begins as soon as there is something, and what arrives meanwhile makes the next one. Rows stay
    in the backlog until the sink's `write` has returned. The thread starts with the first span, and again after a fork
    or should it ever die.
    """

    def __init__(
        self,
        sink: SpanSink[RowT],
        *,
        queue: QueueSettings,
        flatten: Callable[[ReadableSpan], SpanData],
        describe: Callable[[BaseException], str],
        open_spans: dict[int, ReferenceType[Span]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a worker; its thread starts with the first span.

        Args:
            sink: where the rows go.
            queue: bound and overflow policy.
            flatten: turns a span into redacted data.
            describe: tells an exception in words that hold no secret.
            open_spans: the processor's spans that have not ended; the worker takes out those that no longer exist.
            clock: seconds, monotonic; for heartbeats.
        """
        self._sink = sink
        self._queue_settings = queue
        self._flatten = flatten
        self._describe = describe
        self._open_spans = open_spans
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._backlog: Backlog[RowT] = Backlog(self._queue_settings)
        self._unannounced: dict[int, ReferenceType[Span]] = {}
        self._flushes: SimpleQueue[Flush] = SimpleQueue()
        # a SimpleQueue's put, unlike an Event's set, may be interrupted by a signal handler that does the same
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._idle = True
        self._starting = threading.RLock()
        self._draining = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_beat = self._clock()
        self._stopping = False
        self._abandoned = False
        self._finished = False

    # the host's threads

    def announce(self, key: int, span: ReferenceType[Span]) -> None:
        """Note that a span has started, to be announced if it is still open when the thread wakes."""
        if self._sink.wants_starts:
            self._unannounced[key] = span
            if self._idle:
                self._wake()

    def submit(self, key: int, span: SpanData) -> None:
        """Queue a span that has ended."""
        self._unannounced.pop(key, None)
        entry = None
        try:
            row = self._sink.prepare(span)
            entry = Entry(row, self._sink.size(row))
            self._backlog.put(entry, error=span.status_code == _ERROR)
        except (KeyboardInterrupt, SystemExit):
            if entry is None or not self._backlog.holds(entry):
                self._backlog.drop("interrupted")
            raise
        except BaseException as error:
            self._backlog.drop("unreadable")
            warn(self._sink.name, "a span could not be prepared and is lost:", type(error).__name__)
        if self._idle:
            self._wake()

    def drop(self, key: int | None, reason: DropReason) -> None:
        """Count a span that ended and cannot be queued."""
        if key is not None:
            self._unannounced.pop(key, None)
        self._backlog.drop(reason)

    def request_flush(self) -> Flush:
        """Ask for all that waits to be written now."""
        flush = Flush(SimpleQueue(), self._backlog.casualties)
        self._flushes.put(flush)
        self._wake()
        return flush

    def await_flush(self, flush: Flush, deadline: float) -> bool:
        """Wait for the answer until `deadline` (`time.monotonic`)."""
        if self._thread is None:
            self._drain_here(deadline)
        try:
            return flush.answer.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return False

    def begin_shutdown(self) -> None:
        """Let nothing more in, and have the rest written and the sink closed."""
        self._backlog.close()
        self._stopping = True
        if self._thread is not None:
            self._bell.put(None)

    def end_shutdown(self, deadline: float) -> None:
        """Wait until `deadline` (`time.monotonic`), then count what has not been written as lost."""
        thread = self._thread
        if thread is None:
            self._drain_here(deadline)
        elif thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
        if not self._finished:
            self._abandoned = True
            self._backlog.discard()
            self._bell.put(None)

    def health(self) -> SinkHealth:
        """Return the account at this moment."""
        thread = self._thread
        return self._backlog.snapshot(self._sink.name, worker_alive=thread is not None and thread.is_alive())

    def after_fork_in_child(self) -> None:
        """Start over, with nothing of what waits in the parent."""
        self._reset()
        self._sink.after_fork_in_child()

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
            thread = threading.Thread(
                # an empty context: whatever is current where the thread starts has nothing to do with its work
                target=contextvars.Context().run,
                args=(self._run,),
                name=f"span_processors {self._sink.name}",
                daemon=True,
            )
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:  # no new threads: the interpreter shuts down, or the system is at its limit
                self._thread = None
                self._idle = True

    # the thread that writes

    def _run(self) -> None:
        own_work.active = own_work.in_worker = True
        _suppress_instrumentation()
        try:
            while not self._finished:
                try:
                    self._wait()
                    self._cycle()
                except BaseException as error:
                    self._failed(error, retry=False)
                    time.sleep(_FIRST_RETRY_S)
        finally:
            self._thread = None
            self._idle = True

    def _wait(self) -> None:
        self._idle = True
        if not self._has_work():
            self._sleep(self._until_beat())
        self._idle = False
        if self._flushes.empty() and not self._stopping and len(self._backlog) < _LINGER_BELOW_ROWS:
            self._sleep(_LINGER_S)

    def _has_work(self) -> bool:
        return bool(len(self._backlog) or self._unannounced or not self._flushes.empty() or self._stopping)

    def _sleep(self, seconds: float | None) -> None:
        try:
            self._bell.get(timeout=seconds)
            while True:
                self._bell.get_nowait()
        except Empty:
            pass

    def _until_beat(self) -> float | None:
        if not (self._sink.wants_starts and self._open_spans):
            return None
        return max(0.0, self._last_beat + _HEARTBEAT_S - self._clock())

    def _cycle(self) -> None:
        flushes: list[Flush] = []
        while not self._flushes.empty():
            flushes.append(self._flushes.get())
        # the queue first: a span whose end is in it is no longer among the unannounced ones
        self._backlog.take()
        self._announce_open()
        self._write_chunks()
        self._beat()
        for flush in flushes:
            flush.answer.put(self._backlog.casualties == flush.casualties)
        if self._stopping and (self._abandoned or not len(self._backlog)):
            self._close()

    def _announce_open(self) -> None:
        while pending := list(self._unannounced.items())[:_STARTS_AT_ONCE]:
            entries = []
            for key, reference in pending:
                if self._unannounced.pop(key, None) is None or (span := reference()) is None:
                    continue
                try:
                    data = self._flatten(span)
                    if data.end_ns is None:
                        row = self._sink.prepare(data)
                        entries.append(Entry(row, self._sink.size(row), 0))
                except BaseException as error:
                    self._failed(error, retry=False)
                    self._backlog.start_rejected()
            if entries:
                self._backlog.add_starts(entries)
                self._write_chunks()

    def _write_chunks(self) -> None:
        delay = _FIRST_RETRY_S
        while chunk := self._backlog.chunk():
            try:
                self._sink.write([entry.row for entry in chunk])
            except RetryableError as error:
                self._failed(error, retry=True)
                if self._abandoned:
                    self._backlog.settle("shutdown")
                    continue
                self._sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311  (jitter, no secret)
                delay = min(2 * delay, _LAST_RETRY_S)
                self._beat()
            except BaseException as error:
                self._failed(error, retry=False)
                if len(chunk) > 1:
                    self._backlog.split()
                else:
                    self._backlog.settle("rejected")
            else:
                self._backlog.settle()
                delay = _FIRST_RETRY_S

    def _beat(self) -> None:
        if self._clock() - self._last_beat < _HEARTBEAT_S:
            return
        self._last_beat = self._clock()
        for key, reference in list(self._open_spans.items()):
            if reference() is None:  # thrown away by the host without having been ended
                self._open_spans.pop(key, None)
        if self._sink.wants_starts:
            try:
                self._sink.heartbeat()
            except BaseException as error:
                self._failed(error, retry=False)

    def _close(self) -> None:
        self._finished = True
        try:
            self._sink.close()
        except BaseException as error:
            self._failed(error, retry=False)

    def _failed(self, error: BaseException, *, retry: bool) -> None:
        self._backlog.failed(self._describe(error), retry=retry)
        warn(self._sink.name, "the sink failed and is tried again:" if retry else "the sink failed:", type(error).__name__)

    def _drain_here(self, deadline: float) -> None:
        """Do the thread's work in the caller's, because no thread has run or can be started any more."""
        if not self._draining.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
        was_active, own_work.active = own_work.active, True
        token = _suppress_instrumentation()
        try:
            if not self._finished:
                self._cycle()
        finally:
            otel_context.detach(token)
            own_work.active = was_active
            self._draining.release()


def _suppress_instrumentation() -> contextvars.Token[otel_context.Context]:
    # the one way to keep a sink's driver from recording spans about the writing of spans; the SDK's exporters do the same
    key = otel_context._SUPPRESS_INSTRUMENTATION_KEY  # noqa: SLF001  (there is no public name)
    return otel_context.attach(otel_context.set_value(key, True))
