"""Store and forward: what a backend cannot take now waits on disk, and is sent when it can."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from span_processors.backlog import spans_in
from span_processors.backoff import delay_s
from span_processors.guard import warn
from span_processors.line import Line
from span_processors.sinks import RetryableError, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from span_processors.backlog import Backlog, Entry
    from span_processors.ledger import SinkHealth
    from span_processors.sinks import SpanSink, Spill, Spilled

RowT = TypeVar("RowT")

_PATIENCE_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.02
_FIRST_DELAY_S: Final = 0.1
_LONGEST_DELAY_S: Final = 2.0
_BATCH_ROWS: Final = 1024
_ATTEMPTS_BEFORE_DOUBT: Final = 4
_STRIKES: Final = 3
_LAST_ATTEMPTS: Final = 4
_TO_SAY_GOODBYE_S: Final = 0.5


class Relay(Generic[RowT]):
    """Brings the chunks of a backlog to a sink, or to its spill; and what is in the spill to the sink.

    The sink is called in a thread of its own (`Line`), one call at a time. While a write takes longer than a second, or
    the queue is half full, or the last write failed and the next attempt is not due, chunks go to the spill instead; so
    the queue empties at the speed of a local disk, whatever the backend does. Once the backend takes rows again, new
    ones are sent straight away, and a batch from the spill after each: first this process's own, then what processes
    have left that are gone. A batch leaves the spill after it was written, so that a row may be sent twice and is never
    lost; a store keeps it once.

    A row that cannot be written is found by dividing, as by `Delivery`, and rejected. Where the sink does not say that
    a row is to blame, the rows behind are tried: if they pass and the others do not, again and again, one is.
    """

    def __init__(
        self,
        sink: SpanSink[RowT],
        backlog: Backlog[RowT],
        spill: Spill[RowT],
        *,
        describe: Callable[[BaseException], str],
        pause: Callable[[float], None],
        wake: Callable[[], None],
    ) -> None:
        """Connect a sink, its backlog and its spill.

        Args:
            sink: where rows go.
            backlog: where they come from, and where their account is.
            spill: where they wait.
            describe: tells an exception in words that hold no secret.
            pause: waits for so many seconds, or until there is reason to hurry.
            wake: called, in another thread, when a write has ended.
        """
        self._sink = sink
        self._backlog = backlog
        self._spill = spill
        self._describe = describe
        self._pause = pause
        self._line = Line(f"span_processors {sink.name}", wake)
        self._sending: list[Entry[RowT]] | None = None  # the chunk that the line is writing
        self._on_the_way: Spilled[RowT] | None = None  # the rows in the spill that the line is writing
        self._failures = 0
        self._next_attempt = 0.0
        self._limit = _BATCH_ROWS
        self._skip = 0
        self._refusals = 0
        self._strikes = 0
        self._others_got_through = False
        self._nothing_waits = False
        self._deadline: float | None = None
        self._patience_ends = 0.0
        self.abandoned = False
        """Set when there is no time left: what is not stored or spilled yet is counted as lost, unwritten."""

    def open(self) -> None:
        """Get ready to write, in the host's thread: later, no thread may be had."""
        self._line.open()

    def run(self, deadline: float | None = None) -> bool:
        """Write the chunks that were taken, to the sink or to the spill.

        Args:
            deadline: where there is no room in the spill, no attempt is repeated after it (of `time.monotonic`).

        Returns:
            Whether all are settled.
        """
        self._collect()
        while chunk := self._backlog.chunk():
            if self.abandoned:
                self._backlog.settle("shutdown")
                continue
            if self._is_ready() and self._send(chunk):
                self._forward()
            elif not self._keep(chunk):
                if deadline is not None and time.monotonic() >= deadline:
                    return False
                self._pause(_FIRST_DELAY_S)
                self._collect()
                self._forward()
        self._forward()
        return True

    def is_done(self) -> bool:
        """Whether nothing waits in the spill that this process put there."""
        return self._on_the_way is None and self._spill.is_empty()

    def due_in_s(self) -> float | None:
        """Return the seconds until there is something to do, even if no span ends."""
        if self._line.is_busy:
            if self._line.wait(0):
                return 0.0
            # when it is free, it wakes the worker
            return None if self._deadline is None else max(0.0, self._patience_ends - time.monotonic())
        look = self._spill.next_look_s() if self._nothing_waits else 0.0
        return max(look, self._next_attempt - time.monotonic(), 0.0)

    def hurry(self, deadline: float) -> None:
        """Note that the end is near: what is in the spill is sent until `deadline` (of `time.monotonic`), no longer."""
        self._deadline = deadline - _TO_SAY_GOODBYE_S
        self._patience_ends = time.monotonic() + _PATIENCE_S

    def may_end(self) -> bool:
        """Whether there is nothing more to do before the end, or no time, or nobody to do it with."""
        now = time.monotonic()
        if (self._deadline is not None and now >= self._deadline) or self.is_done():
            return True
        return now >= self._patience_ends if self._line.is_busy else self._failures >= _LAST_ATTEMPTS

    def heartbeat(self) -> None:
        """Have the sink say that this process is alive; if it cannot be reached, the spill."""
        if not self._is_ready():
            self._spill.heartbeat(self._account())
            return
        self._begin(self._sink.heartbeat)
        if self._await():
            self._collect()

    def close(self) -> None:
        """Close the sink, or have that done as soon as it has returned from what it does now, and the spill."""
        self._collect()
        is_free = not self._line.is_busy
        self._begin(self._sink.close)
        if is_free:
            self._await()
        self._line.close()
        self._spill.close(self._account())

    def after_fork_in_child(self) -> None:
        """Forget what was inherited from the parent process."""
        self._sink.after_fork_in_child()
        self._spill.after_fork_in_child()

    def failed(self, error: BaseException, *, retry: bool = False) -> None:
        """Note and log what the sink or the spill raised."""
        self._backlog.failed(self._describe(error), retry=retry)
        problem = "the sink failed and is tried again:" if retry else "the sink failed:"
        warn(self._sink.name, problem, type(error).__name__)

    # to the sink

    def _is_ready(self) -> bool:
        return not self._line.is_busy and time.monotonic() >= self._next_attempt

    def _await(self) -> bool:
        """Wait for the line as long as that does no harm; return whether the call has ended."""
        until = time.monotonic() + _PATIENCE_S
        while not self._line.wait(_LOOK_EVERY_S):
            if time.monotonic() >= until or self._backlog.is_crowded():
                return False
        return True

    def _account(self, *, stored: int = 0, spilled: int = 0) -> SinkHealth:
        return self._backlog.foresee(self._sink.name, stored=stored, spilled=spilled)

    def _begin(self, call: Callable[[], None], *, stored: int = 0, spilled: int = 0) -> None:
        """Have the line make a call, after which so many more spans are stored, and spilled."""
        account = self._account(stored=stored, spilled=spilled)

        def tell_and_call() -> None:
            tell(self._sink, account)
            call()

        self._line.begin(tell_and_call)

    def _send(self, chunk: list[Entry[RowT]]) -> bool:
        """Write the first chunk to the sink, if that does not take long; return whether it is settled, or divided."""
        self._begin(partial(self._sink.write, _rows(chunk)), stored=spans_in(chunk))
        self._sending = chunk
        if not self._await():
            return False
        self._sending = None
        error = self._line.outcome()
        if error is None:
            self._reached()
            self._others_got_through = True
            self._backlog.settle()
        elif isinstance(error, RetryableError):
            self._missed(error)
            return False
        else:
            self.failed(error)
            if len(chunk) > 1:
                self._backlog.split()
            else:
                self._backlog.settle("rejected")
        return True

    def _reached(self) -> None:
        self._failures = 0
        self._next_attempt = 0.0

    def _missed(self, error: BaseException) -> None:
        self.failed(error, retry=True)
        self._failures += 1
        delay = delay_s(self._failures, first_s=_FIRST_DELAY_S, longest_s=_LONGEST_DELAY_S)
        self._next_attempt = time.monotonic() + delay

    # to the spill

    def _keep(self, chunk: list[Entry[RowT]]) -> bool:
        """Put the first chunk into the spill."""
        try:
            spilled = self._spill.put(_rows(chunk), self._account(spilled=spans_in(chunk)))
        except Exception as error:
            self.failed(error, retry=True)
            return False
        if self._sending is chunk:
            self._sending, self._on_the_way = None, spilled
        self._nothing_waits = False
        self._backlog.settle(spilled=True)
        return True

    # from the spill to the sink

    def _forward(self) -> None:
        """Send the oldest batch of the spill."""
        if not self._is_ready() or self.abandoned:
            return
        try:
            spilled = self._spill.oldest(self._limit, self._skip)
            if spilled is None and self._skip:
                self._skip = 0
                spilled = self._spill.oldest(self._limit)
        except Exception as error:
            self._missed(error)
            return
        self._nothing_waits = spilled is None
        if spilled is not None:
            own = spilled.spans if spilled.own else 0
            self._begin(partial(self._spill.deliver, spilled, self._sink), stored=own, spilled=-own)
            self._on_the_way = spilled
            if self._await():
                self._collect()

    def _collect(self) -> None:
        """See what became of what the line was left to do."""
        if not (self._line.is_busy and self._line.wait(0)):
            return
        self._patience_ends = time.monotonic() + _PATIENCE_S
        sent, self._sending = self._sending, None
        spilled, self._on_the_way = self._on_the_way, None
        error = self._line.outcome()
        if error is None:
            self._reached()
            if spilled is not None:
                self._passed()
                self._release(spilled)
            elif sent is not None and sent is self._backlog.chunk():
                self._backlog.settle()
        elif isinstance(error, RetryableError):
            self._missed(error)
            if spilled is not None:
                self._refused(spilled)
        else:
            self.failed(error)
            if spilled is not None and len(spilled.rows) > 1:
                self._limit = len(spilled.rows) // 2
            elif spilled is not None:
                self._release(spilled, rejected=True)

    def _passed(self) -> None:
        if self._skip:
            self._skip = 0
            self._others_got_through = True
        else:
            self._refusals = self._strikes = 0
            self._others_got_through = False
            self._limit = min(_BATCH_ROWS, self._limit * 2)

    def _refused(self, spilled: Spilled[RowT]) -> None:
        """Doubt a batch that is put off while others pass, and in the end reject a row to which that happens."""
        if self._skip:
            self._skip = 0
            return
        others, self._others_got_through = self._others_got_through, False
        self._refusals += 1
        self._skip = len(spilled.rows)
        if len(spilled.rows) > 1:
            if others or self._refusals % _ATTEMPTS_BEFORE_DOUBT == 0:
                self._limit = len(spilled.rows) // 2
                self._strikes = 0
        else:
            self._strikes += others
            if self._strikes >= _STRIKES:
                self._skip = self._strikes = 0
                self._release(spilled, rejected=True)

    def _release(self, spilled: Spilled[RowT], *, rejected: bool = False) -> None:
        self._spill.remove(spilled)
        if spilled.own:
            self._backlog.unspilled(spilled.spans, "rejected" if rejected else None)
        elif not rejected:
            self._backlog.recovered(spilled.spans)


def _rows(chunk: Sequence[Entry[RowT]]) -> list[RowT]:
    return [entry.row for entry in chunk]
