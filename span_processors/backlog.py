"""The rows of one sink that wait to be written: bounded in bytes, with a policy for when the bound is reached."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from span_processors.guard import own_work
from span_processors.ledger import DropReason, Ledger, SinkHealth

RowT = TypeVar("RowT")

Overflow = Literal["block", "drop_newest", "drop_oldest"]

_CHUNK_ROWS: Final = 2048
_CHUNK_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """The bound of each sink's queue, and what happens there.

    Attributes:
        max_bytes: the memory that waiting rows may take, per sink. A row that is larger still is let in alone.
        overflow: what happens to a span that ends when the queue is full.
            `block`: its thread waits for room, up to `block_timeout_s`; then as `drop_newest`. After one such wait was in
            vain, no thread waits again until the sink has written something: a dead backend costs the host one wait.
            `drop_newest`: it is dropped. `drop_oldest`: the oldest waiting ones are, until it fits.
            In each, spans with an error take the place of spans without before they are dropped themselves.
        block_timeout_s: seconds.
    """

    max_bytes: int = 64 * 1024 * 1024
    overflow: Overflow = "block"
    block_timeout_s: float = 1.0


class Entry(NamedTuple, Generic[RowT]):
    """A row in the queue; `spans` is 1, or 0 where the row announces a span that has not ended."""

    row: RowT
    size: int
    spans: int = 1


class Backlog(Generic[RowT]):
    """A queue, the rows taken from it that are being written, and the account of all that went through.

    Any thread may `put`. One thread at a time takes, writes and settles: a row stays in the account as pending until
    `settle` says what became of it, so nothing is lost when a write fails or the thread dies.

    The lock is re-entrant, held for a few steps only, and no code of a user runs under it: a signal handler or a
    finalizer may interrupt any of them and put a span of its own.
    """

    def __init__(self, settings: QueueSettings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._details: deque[Entry[RowT]] = deque()
        self._errors: deque[Entry[RowT]] = deque()
        self._bytes = 0
        self._chunks: deque[list[Entry[RowT]]] = deque()
        self._waiting_for_room: deque[SimpleQueue[None]] = deque()
        self._stalled = False
        self._closed = False
        self._ledger = Ledger()
        self.casualties = 0
        """Spans that were lost after they had been let in."""

    # the host's threads

    def put(self, entry: Entry[RowT], *, error: bool) -> None:
        """Let a row in, or apply the overflow policy."""
        if self._admit(entry, error=error):
            return
        if self._settings.overflow == "block" and self._wait_for_room(entry, error=error):
            return
        self._overflow(entry, error=error)

    def holds(self, entry: Entry[RowT]) -> bool:
        """Whether this very entry waits or is being written."""
        with self._lock:
            return any(held is entry for held in chain(self._details, self._errors, *self._chunks))

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count spans that never got in."""
        with self._lock:
            self._ledger.drop(reason, count)

    def _admit(self, entry: Entry[RowT], *, error: bool) -> bool:
        with self._lock:
            if self._closed or not self._fits(entry):
                return False
            self._bytes += entry.size
            # last, and one step: whatever interrupts this thread finds the row either in the queue or not
            (self._errors if error else self._details).append(entry)
            return True

    def _fits(self, entry: Entry[RowT]) -> bool:
        return self._bytes + entry.size <= self._settings.max_bytes or self._bytes == 0

    def _wait_for_room(self, entry: Entry[RowT], *, error: bool) -> bool:
        deadline = time.monotonic() + self._settings.block_timeout_s
        while not (self._stalled or self._closed or own_work.in_worker):
            bell: SimpleQueue[None] = SimpleQueue()
            self._waiting_for_room.append(bell)
            if self._admit(entry, error=error):
                return True
            try:
                bell.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self._stalled = True
        return False

    def _overflow(self, entry: Entry[RowT], *, error: bool) -> None:
        with self._lock:
            if self._closed:
                self._ledger.drop("shutdown")
                return
            oldest_first = self._settings.overflow == "drop_oldest"
            victims: list[Entry[RowT]] = []
            while not self._fits(entry):
                if self._details and (oldest_first or error):
                    victim = self._details.popleft() if oldest_first else self._details.pop()
                elif self._errors and oldest_first and error:
                    victim = self._errors.popleft()
                else:
                    break
                victims.append(victim)
                self._bytes -= victim.size
            self._ledger.drop("full", len(victims))
            self.casualties += len(victims)
            if not self._admit(entry, error=error):
                self._ledger.drop("full")

    # the thread that writes

    def __len__(self) -> int:
        return len(self._details) + len(self._errors)

    def take(self) -> None:
        """Move everything that waits into chunks to write, errors first."""
        with self._lock:
            entries = [*self._errors, *self._details]
            self._errors.clear()
            self._details.clear()
            self._chunks.extend(_chunked(entries))

    def add_starts(self, entries: list[Entry[RowT]]) -> None:
        """Add the rows of spans that are still open to the first chunk, to be written in the same transaction."""
        with self._lock:
            self._bytes += sum(entry.size for entry in entries)
            if self._chunks:
                self._chunks[0].extend(entries)
            else:
                self._chunks.append(entries)

    def chunk(self) -> list[Entry[RowT]] | None:
        """Return the rows to write next, which stay here until they are settled."""
        return self._chunks[0] if self._chunks else None

    def split(self) -> None:
        """Replace the first chunk by its two halves."""
        with self._lock:
            chunk = self._chunks.popleft()
            middle = len(chunk) // 2
            self._chunks.extendleft((chunk[middle:], chunk[:middle]))

    def settle(self, lost: DropReason | None = None) -> None:
        """Let go of the first chunk: it is stored, or lost for this reason."""
        with self._lock:
            chunk = self._chunks.popleft()
            spans = sum(entry.spans for entry in chunk)
            starts = len(chunk) - spans
            self._bytes -= sum(entry.size for entry in chunk)
            if lost is None:
                self._ledger.stored += spans
                self._ledger.starts_stored += starts
                self._stalled = False
            else:
                self._ledger.drop(lost, spans)
                self._ledger.starts_rejected += starts
                self.casualties += spans
        while self._waiting_for_room:
            self._waiting_for_room.popleft().put(None)

    def failed(self, error: str, *, retry: bool) -> None:
        """Note what the sink raised."""
        with self._lock:
            self._ledger.last_error = error
            self._ledger.last_error_ns = time.time_ns()
            self._ledger.retries += retry

    def start_rejected(self) -> None:
        """Count an open span that could not be announced."""
        with self._lock:
            self._ledger.starts_rejected += 1

    # the end

    def close(self) -> None:
        """Let nothing more in."""
        self._closed = True

    def discard(self) -> None:
        """Count all that waits as lost. What is being written remains until it is settled."""
        with self._lock:
            lost = [*self._errors, *self._details]
            self._errors.clear()
            self._details.clear()
            self._bytes -= sum(entry.size for entry in lost)
            self._ledger.drop("shutdown", len(lost))
            self.casualties += len(lost)

    def snapshot(self, name: str, *, worker_alive: bool) -> SinkHealth:
        """Return the account at this moment."""
        with self._lock:
            pending = len(self) + sum(entry.spans for chunk in self._chunks for entry in chunk)
            return self._ledger.snapshot(name, pending=pending, pending_bytes=self._bytes, worker_alive=worker_alive)


def _chunked(entries: list[Entry[RowT]]) -> list[list[Entry[RowT]]]:
    chunks: list[list[Entry[RowT]]] = []
    size = _CHUNK_BYTES
    for entry in entries:
        if size >= _CHUNK_BYTES or len(chunks[-1]) >= _CHUNK_ROWS:
            chunks.append([])
            size = 0
        chunks[-1].append(entry)
        size += entry.size
    return chunks
