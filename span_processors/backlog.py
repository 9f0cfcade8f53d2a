"""The rows of one sink that wait to be written: bounded in bytes, with a policy for when the bound is reached."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

from span_processors.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from span_processors.data import SpanData
    from span_processors.lean_span import LeanSpan
    from span_processors.ledger import DropReason, SinkHealth

RowT = TypeVar("RowT")

Overflow = Literal["block", "drop_newest", "drop_oldest", "spill"]

_CHUNK_ROWS: Final = 1024
_CHUNK_BYTES: Final = 4 * 1024 * 1024
_STRIKES: Final = 3
_LONG_BYTES: Final = 2 * 1024 * 1024
_BETWEEN_TURNS: Final = 64
_PATIENT: Final = ("block", "spill")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """The bound of each sink's queue, and what happens there.

    Attributes:
        max_bytes: the memory that waiting rows may take, per sink. A row larger than that is let in alone.
        overflow: what happens to a span that ends while the queue is full.
            `block`: its thread waits for room, up to `block_timeout_s`; after that as `drop_newest`. Once a wait was in
            vain, none follows until the sink has written something: a dead backend costs a thread one wait.
            `drop_newest`: it is dropped.
            `drop_oldest`: those that have waited longest are dropped until it fits.
            `spill`: where the sink has a spill, the queue moves to disk before it is full; should that not be quick
            enough, and for a sink without one, as `block`.
            Under each, spans without an error go before spans with one.
        block_timeout_s: seconds.
    """

    max_bytes: int = 64 * 1024 * 1024
    overflow: Overflow = "block"
    block_timeout_s: float = 1.0


class Entry(Generic[RowT]):
    """A span that waits, or the row that it became when its turn came.

    Attributes:
        row: what the sink writes; of no meaning as long as there is a `span`.
        size: roughly the bytes in memory.
        spans: 1, or 0 for a row that announces a span which has not ended.
        span: what the row is still to be made of.
    """

    __slots__ = ("row", "size", "span", "spans")

    def __init__(self, row: RowT, size: int, spans: int = 1, span: SpanData | LeanSpan | None = None) -> None:
        self.row = row
        self.size = size
        self.spans = spans
        self.span = span


def spans_in(chunk: Sequence[Entry[RowT]]) -> int:
    """Return how many of its entries are spans that have ended."""
    return sum(entry.spans for entry in chunk)


Prepare: TypeAlias = "Callable[[list[Entry[RowT]]], list[Entry[RowT]]]"
"""Makes the rows of entries, and returns those of which none can be made."""


class Backlog(Generic[RowT]):
    """A queue, the chunks taken from it that are being written, and the account of all that went through.

    Any thread may `put`. One thread at a time marks, takes and settles: a row stays pending until `settle` says what
    became of it, so nothing is lost where a write fails or the thread dies.

    The lock is re-entrant, held for a few steps only, and no code of a user runs under it: a signal handler or a
    finalizer may interrupt any of them and put a span of its own.
    """

    def __init__(self, settings: QueueSettings, prepare: Prepare[RowT] | None = None) -> None:
        """Make an empty one.

        Args:
            settings: bound and overflow policy.
            prepare: makes rows of the spans that are put in; without it, rows are.
        """
        self._settings = settings
        self._prepare = prepare
        self._lock = threading.RLock()
        self._errors: deque[Entry[RowT]] = deque()
        self._details: deque[Entry[RowT]] = deque()
        self._due_errors = 0
        self._due_details = 0
        self._chunks: deque[list[Entry[RowT]]] = deque()
        self._doubted: dict[int, tuple[int, int]] = {}
        self._bytes = 0
        self._waiting: deque[SimpleQueue[None]] = deque()
        self._stalled = False
        self._closed = False
        self._ledger = Ledger()
        self.casualties = 0
        """How many spans were lost after they had been let in."""

    # the host's threads

    def put(self, entry: Entry[RowT], *, error: bool) -> bool:
        """Let a row in, or apply the overflow policy.

        Returns:
            Whether there was room; if not, some span is lost and counted.
        """
        if self._admit(entry, error=error) or self._wait_and_admit(entry, error=error):
            return True
        self._evict(entry, error=error)
        return False

    def gives_a_turn(self) -> bool:
        """Whether the thread that has put a row is to let go of the interpreter: once in many rows, if many wait.

        A thread that never does keeps the one that writes waiting for each of its turns: the queue would grow to its
        bound, though there is time enough to write everything.
        """
        return self._bytes > _LONG_BYTES and not len(self._details) % _BETWEEN_TURNS

    def holds(self, entry: Entry[RowT]) -> bool:
        """Whether this very entry waits or is being written."""
        with self._lock:
            return any(held is entry for held in chain(self._errors, self._details, *self._chunks))

    def drop(self, reason: DropReason) -> None:
        """Count a span that never got in."""
        with self._lock:
            self._ledger.drop(reason)

    def _admit(self, entry: Entry[RowT], *, error: bool) -> bool:
        with self._lock:
            if self._closed or not self._fits(entry):
                return False
            self._bytes += entry.size
            # last, and one step: whatever interrupts this thread finds the row in the queue or not there
            (self._errors if error else self._details).append(entry)
            return True

    def _fits(self, entry: Entry[RowT]) -> bool:
        return self._bytes + entry.size <= self._settings.max_bytes or self._bytes == 0

    def _wait_and_admit(self, entry: Entry[RowT], *, error: bool) -> bool:
        if self._settings.overflow not in _PATIENT:
            return False
        deadline = time.monotonic() + self._settings.block_timeout_s
        while not (self._stalled or self._closed):
            room: SimpleQueue[None] = SimpleQueue()
            self._waiting.append(room)
            if self._admit(entry, error=error):
                return True
            try:
                room.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self._stalled = True
        return False

    def _evict(self, entry: Entry[RowT], *, error: bool) -> None:
        with self._lock:
            if self._closed:
                self._ledger.drop("shutdown")
                return
            oldest_first = self._settings.overflow == "drop_oldest"
            victims = 0
            while not self._fits(entry) and entry.size <= self._settings.max_bytes:
                if self._details and oldest_first:
                    victim = self._details.popleft()
                    self._due_details = max(0, self._due_details - 1)
                elif self._details and error:
                    victim = self._details.pop()
                elif self._errors and oldest_first and error:
                    victim = self._errors.popleft()
                    self._due_errors = max(0, self._due_errors - 1)
                else:
                    break
                victims += 1
                self._bytes -= victim.size
            self.casualties += victims
            admitted = self._admit(entry, error=error)
            self._ledger.drop("full", victims if admitted else victims + 1)

    # the thread that writes

    def __len__(self) -> int:
        """How many rows wait; those that are being written do not count."""
        return len(self._errors) + len(self._details)

    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is being written."""
        return not (self._chunks or self._errors or self._details)

    def mark(self) -> None:
        """Let `take` go as far as what waits now."""
        with self._lock:
            self._due_errors = len(self._errors)
            self._due_details = len(self._details)

    def take(self, starts: Sequence[Entry[RowT]] = ()) -> bool:
        """Make a chunk of `starts` and of rows that waited at the mark, errors first.

        Returns:
            Whether there were any.
        """
        chunk = list(starts)
        size = started = sum(entry.size for entry in starts)
        with self._lock:
            self._bytes += started
            while self._due_errors and self._errors and len(chunk) < _CHUNK_ROWS and size < _CHUNK_BYTES:
                size += self._errors[0].size
                chunk.append(self._errors.popleft())
                self._due_errors -= 1
            while self._due_details and self._details and len(chunk) < _CHUNK_ROWS and size < _CHUNK_BYTES:
                size += self._details[0].size
                chunk.append(self._details.popleft())
                self._due_details -= 1
            if chunk:
                self._chunks.append(chunk)
        return bool(chunk)

    def chunk(self) -> list[Entry[RowT]] | None:
        """Return the rows to write next; they remain here until they are settled."""
        while self._chunks:
            chunk = self._chunks[0]
            # spans come after the starts, and become rows in order
            if self._prepare is None or chunk[-1].span is None:
                return chunk
            self._leave_out(chunk, self._prepare(chunk))
        return None

    def _leave_out(self, chunk: list[Entry[RowT]], lost: list[Entry[RowT]]) -> None:
        if lost:
            with self._lock:
                chunk[:] = [entry for entry in chunk if entry.span is None]
                if not chunk:
                    self._chunks.popleft()
                self._bytes -= sum(entry.size for entry in lost)
                self._ledger.drop("unreadable", len(lost))
                self.casualties += len(lost)
            self._ring()

    def split(self) -> None:
        """Replace the first chunk by its two halves."""
        with self._lock:
            chunk = self._chunks.popleft()
            middle = len(chunk) // 2
            self._chunks.extendleft((chunk[middle:], chunk[:middle]))

    def doubt(self) -> None:
        """Let nothing wait behind the first chunk, which the sink has put off again and again.

        A chunk may be too large for the backend, so it is halved. A single row goes to the end; one that is put off
        three times, while other rows were written in between, is rejected.
        """
        with self._lock:
            chunk = self._chunks[0]
            if len(chunk) > 1:
                self.split()
                return
            written = self._ledger.stored + self._ledger.starts_stored
            written_before, strikes = self._doubted.get(id(chunk[0]), (-1, 0))
            if written > written_before:
                strikes += 1
            if strikes >= _STRIKES:
                self.settle("rejected")
                return
            self._doubted[id(chunk[0])] = (written, strikes)
            self._chunks.rotate(-1)
            if len(self._chunks) == len(self._doubted):
                self.mark()
                self.take()
                self._chunks.rotate(1)

    def is_crowded(self) -> bool:
        """Whether more than half of the room is taken."""
        return self._bytes * 2 > self._settings.max_bytes

    def settle(self, lost: DropReason | None = None, *, spilled: bool = False) -> None:
        """Let go of the first chunk: it is stored, still pending but on disk (`spilled`), or lost for this reason."""
        chunk = self._chunks[0]
        spans = spans_in(chunk)
        starts = len(chunk) - spans
        size = sum(entry.size for entry in chunk)
        with self._lock:
            self._chunks.popleft()
            self._bytes -= size
            self._doubted.pop(id(chunk[0]), None)
            if spilled:
                self._ledger.spilled += spans
                self._ledger.starts_stored += starts
                self._stalled = False
            elif lost is None:
                self._ledger.stored += spans
                self._ledger.starts_stored += starts
                self._stalled = False
            else:
                self._ledger.drop(lost, spans)
                self._ledger.starts_rejected += starts
                self.casualties += spans
        self._ring()

    def unspilled(self, spans: int, lost: DropReason | None = None) -> None:
        """Count spans that have left the spill: for the sink, or lost for this reason."""
        with self._lock:
            spans = min(spans, self._ledger.spilled)
            self._ledger.spilled -= spans
            if lost is None:
                self._ledger.stored += spans
            else:
                self._ledger.drop(lost, spans)
                self.casualties += spans

    def recovered(self, spans: int) -> None:
        """Count spans of processes that are gone, which this one has brought to the sink."""
        with self._lock:
            self._ledger.recovered += spans

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

    def _ring(self) -> None:
        while self._waiting:
            self._waiting.popleft().put(None)

    # the end

    def close(self) -> None:
        """Let nothing more in."""
        with self._lock:
            self._closed = True
        self._ring()

    def discard(self) -> None:
        """Count all that waits as lost. What is being written is pending until it is settled."""
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
            pending = self._ledger.spilled + len(self) + sum(map(spans_in, self._chunks))
            return self._ledger.snapshot(name, pending=pending, pending_bytes=self._bytes, worker_alive=worker_alive)

    def foresee(self, name: str, *, stored: int = 0, spilled: int = 0) -> SinkHealth:
        """Return the account as it will stand once a write has succeeded.

        Args:
            name: the sink's name.
            stored: how many spans that are pending now will be in the sink.
            spilled: how many more of those that are pending will be on disk.
        """
        now = self.snapshot(name, worker_alive=True)
        return replace(
            now, stored=now.stored + stored, pending=now.pending - stored, spilled=max(0, now.spilled + spilled)
        )
