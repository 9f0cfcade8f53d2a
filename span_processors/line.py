"""One thread that talks to a backend, so that a backend which hangs holds up nothing but its own writes."""

from __future__ import annotations

import contextvars
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from span_processors.guard import writing

if TYPE_CHECKING:
    from collections.abc import Callable


class Line:
    """Makes one call after the other in a thread of its own. Used by one thread, which asks what became of each."""

    def __init__(self, name: str, ended: Callable[[], None]) -> None:
        """Set up; `ended` is called in the line's thread after each call."""
        self._name = name
        self._ended = ended
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_busy = False
        """From `begin` until `outcome` has been taken."""

    def open(self) -> None:
        """Start the thread, if one can be started: while an interpreter shuts down, none can."""
        thread = threading.Thread(
            target=contextvars.Context().run, args=(self._run,), name=f"{self._name} line", daemon=True
        )
        try:
            thread.start()
        except Exception:
            return
        self._thread = thread

    def begin(self, call: Callable[[], None]) -> None:
        """Make a call, after those that were begun before. Without a thread it is made here and now."""
        self.is_busy = True
        if self._thread is None:
            self.open()
        if self._thread is None:
            self._make(call)
        else:
            self._calls.put(call)

    def wait(self, seconds: float) -> bool:
        """Wait for the call to end, so many seconds at most; return whether it has."""
        try:
            outcome = self._outcomes.get(timeout=seconds)
        except Empty:
            return False
        self._outcomes.put(outcome)
        return True

    def outcome(self) -> BaseException | None:
        """Return what the call that has ended raised."""
        self.is_busy = False
        return self._outcomes.get()

    def close(self) -> None:
        """Let the thread end, once it has made its last call."""
        self._calls.put(None)

    def _run(self) -> None:
        with writing():
            while (call := self._calls.get()) is not None:
                self._make(call)
                self._ended()

    def _make(self, call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            self._outcomes.put(error)
        else:
            self._outcomes.put(None)
