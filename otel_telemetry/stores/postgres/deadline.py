"""A limit to how long a server may take: the client keeps the time, for a server that hangs heeds no timeout."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


class Watch:
    """Ends connections on which work takes too long.

    It has a thread while there is work, and then for as long as the work might have taken: to start one for every
    transaction would take longer than many of these do.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[socket.socket, float] = {}
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextmanager
    def limit(self, connection: int, seconds: float) -> Iterator[None]:
        """Cut a connection, and with it whatever waits on it, where the work inside takes longer.

        Args:
            connection: the file descriptor of its socket.
            seconds: how long it may take.
        """
        with socket.socket(fileno=os.dup(connection)) as line:
            self._add(line, time.monotonic() + seconds)
            try:
                yield
            finally:
                with self._changed:
                    self._ends.pop(line, None)

    def close(self) -> None:
        """Let the thread end. There must be no work."""
        with self._changed:
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _add(self, line: socket.socket, end: float) -> None:
        with self._changed:
            self._ends[line] = end
            if self._thread is not None:
                if end < self._wakes:
                    self._changed.notify()
                return
            thread = threading.Thread(target=self._run, name="otel-telemetry-deadline", daemon=True)
            with suppress(RuntimeError):  # the interpreter is shutting down, and whoever waits for that has a deadline
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        with self._changed:
            while self._ends:
                self._wakes, now = min(self._ends.values()), time.monotonic()
                if now < self._wakes:
                    self._changed.wait(self._wakes - now)
                    continue
                for line in [line for line, end in self._ends.items() if end <= now]:
                    del self._ends[line]
                    with suppress(OSError):  # the server has ended it already
                        line.shutdown(socket.SHUT_RDWR)
            self._thread = None
