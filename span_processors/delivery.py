"""Writing chunks to a sink: what is repeated, what is divided, what is given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from span_processors.backlog import spans_in
from span_processors.backoff import delay_s
from span_processors.guard import warn
from span_processors.sinks import RetryableError, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.backlog import Backlog
    from span_processors.sinks import SpanSink

RowT = TypeVar("RowT")

_FIRST_DELAY_S: Final = 0.05
_LONGEST_DELAY_S: Final = 30.0
_ATTEMPTS_BEFORE_DOUBT: Final = 4


class Delivery(Generic[RowT]):
    """Brings the chunks of a backlog to a sink; whatever happens, each row is settled once.

    Where `write` raises `RetryableError`, the chunk is tried again, with growing delays and for as long as it takes.
    Where it raises anything else, some row is to blame: the chunk is halved until that row stands alone, and rejected.
    """

    def __init__(
        self,
        sink: SpanSink[RowT],
        backlog: Backlog[RowT],
        *,
        describe: Callable[[BaseException], str],
        pause: Callable[[float], None],
    ) -> None:
        """Connect a sink and its backlog.

        Args:
            sink: where rows go.
            backlog: where they come from, and where their account is.
            describe: tells an exception in words that hold no secret.
            pause: waits for so many seconds, or until there is reason to hurry.
        """
        self._sink = sink
        self._backlog = backlog
        self._describe = describe
        self._pause = pause
        self.abandoned = False
        """Set when there is no time left: what is not stored yet is counted as lost, unwritten."""

    def run(self, deadline: float | None = None) -> bool:
        """Write the chunks that were taken, one transaction each.

        Args:
            deadline: no attempt is repeated after it (of `time.monotonic`).

        Returns:
            Whether all are settled.
        """
        attempts = 0
        while chunk := self._backlog.chunk():
            if self.abandoned:
                self._backlog.settle("shutdown")
                continue
            try:
                self._say(stored=spans_in(chunk))
                self._sink.write([entry.row for entry in chunk])
            except RetryableError as error:
                self.failed(error, retry=True)
                if deadline is not None and time.monotonic() >= deadline:
                    return False
                attempts += 1
                if attempts % _ATTEMPTS_BEFORE_DOUBT == 0:
                    self._backlog.doubt()
                self._pause(delay_s(attempts, first_s=_FIRST_DELAY_S, longest_s=_LONGEST_DELAY_S))
            except BaseException as error:
                self.failed(error)
                if len(chunk) > 1:
                    self._backlog.split()
                else:
                    self._backlog.settle("rejected")
            else:
                self._backlog.settle()
                attempts = 0
        return True

    def open(self) -> None:
        """Get ready to write, in the host's thread: there is nothing to do."""

    def is_done(self) -> bool:
        """Whether all that was settled has reached the sink."""
        return True

    def due_in_s(self) -> float | None:
        """Return the seconds until there is something to do, even if no span ends: None, there never is."""
        return None

    def hurry(self, deadline: float) -> None:
        """Note that the end is near: it changes nothing here."""

    def may_end(self) -> bool:
        """Whether there is nothing more to do before the end."""
        return True

    def heartbeat(self) -> None:
        """Have the sink say that this process is alive."""
        self._say()
        self._sink.heartbeat()

    def close(self) -> None:
        """Close the sink."""
        self._say()
        self._sink.close()

    def after_fork_in_child(self) -> None:
        """Forget what was inherited from the parent process."""
        self._sink.after_fork_in_child()

    def failed(self, error: BaseException, *, retry: bool = False) -> None:
        """Note and log what the sink raised."""
        self._backlog.failed(self._describe(error), retry=retry)
        problem = "the sink failed and is tried again:" if retry else "the sink failed:"
        warn(self._sink.name, problem, type(error).__name__)

    def _say(self, *, stored: int = 0) -> None:
        tell(self._sink, self._backlog.foresee(self._sink.name, stored=stored))
