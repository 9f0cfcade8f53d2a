"""What became of every span, per sink: stored, waiting, or dropped for a stated reason."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

DropReason = Literal["full", "rejected", "unreadable", "reentrant", "inherited", "interrupted", "shutdown"]
"""Why a span is in no store.

- `full`: the queue was at its bound, and the overflow policy chose this span.
- `rejected`: the sink cannot write this span, though it can write others.
- `unreadable`: it could not be redacted, flattened or prepared; what cannot be redacted is not passed on.
- `reentrant`: it ended inside this package's own work, for instance in a logging handler that handled our warning.
- `inherited`: it was open when the process forked, and ended in the child; the parent records it.
- `interrupted`: Ctrl-C or an exit, delivered by a signal, cut its recording short.
- `shutdown`: it ended after the shutdown, or could not be written before the shutdown's timeout.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkHealth:
    """The account of one sink at one moment. Always ``accepted == stored + pending + sum(dropped.values())``.

    A span is counted once, when it ends. The row that announces a span while it is still open is not part of that sum:
    the end says again whatever it said. It is counted in `starts_stored` or `starts_rejected`.

    Attributes:
        name: the sink's name.
        accepted: spans that ended.
        stored: spans that the sink's `write` has returned for.
        pending: spans that wait, in memory or on disk, or are being written.
        spilled: how many of them wait on disk, and will be written even if this process ends.
        pending_bytes: roughly the memory that the others take.
        dropped: spans that are lost, by reason (`DropReason`).
        starts_stored: open spans that were announced.
        starts_rejected: open spans that the sink could not write.
        recovered: spans that other processes had left on disk when they ended, and this one brought to the sink. They
            are no part of the sum: those processes accepted them.
        retries: how often a write had to be repeated because the backend was away.
        last_error: what the sink raised last: class and redacted message.
        last_error_ns: when, in nanoseconds since the epoch, UTC.
        last_rejection: what it raised for the span that was rejected last; a later error does not replace it.
        worker_alive: whether the thread that writes is running. It starts with the first span.
        as_of_ns: the moment, in nanoseconds since the epoch, UTC; of two accounts of a sink, the later one has more.
    """

    name: str
    accepted: int
    stored: int
    pending: int
    spilled: int
    pending_bytes: int
    dropped: Mapping[str, int]
    starts_stored: int
    starts_rejected: int
    recovered: int
    retries: int
    last_error: str | None
    last_error_ns: int | None
    last_rejection: str | None
    worker_alive: bool
    as_of_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A snapshot of a processor.

    Attributes:
        open_spans: spans that have started and not ended.
        sinks: one account per sink, in the order in which the sinks were added.
    """

    open_spans: int
    sinks: tuple[SinkHealth, ...]


class Ledger:
    """The counters of one sink. Not thread-safe: its owner (`Backlog`) holds a lock around each use."""

    __slots__ = (
        "as_of_ns",
        "dropped",
        "last_error",
        "last_error_ns",
        "last_rejection",
        "recovered",
        "retries",
        "spilled",
        "starts_rejected",
        "starts_stored",
        "stored",
    )

    def __init__(self) -> None:
        self.stored = 0
        self.spilled = 0
        self.dropped: dict[str, int] = {}
        self.starts_stored = 0
        self.starts_rejected = 0
        self.recovered = 0
        self.retries = 0
        self.last_error: str | None = None
        self.last_error_ns: int | None = None
        self.last_rejection: str | None = None
        self.as_of_ns = 0

    def drop(self, reason: DropReason, count: int = 1) -> None:
        """Count spans as lost."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count
            if reason == "rejected":
                self.last_rejection = self.last_error

    def snapshot(self, name: str, *, pending: int, pending_bytes: int, worker_alive: bool) -> SinkHealth:
        """Return the account. What was accepted is whatever is stored, pending or dropped: nothing else exists."""
        self.as_of_ns = max(self.as_of_ns + 1, time.time_ns())  # even if the clock is set back
        return SinkHealth(
            name=name,
            accepted=self.stored + pending + sum(self.dropped.values()),
            stored=self.stored,
            pending=pending,
            spilled=self.spilled,
            pending_bytes=pending_bytes,
            dropped=MappingProxyType(dict(self.dropped)),
            starts_stored=self.starts_stored,
            starts_rejected=self.starts_rejected,
            recovered=self.recovered,
            retries=self.retries,
            last_error=self.last_error,
            last_error_ns=self.last_error_ns,
            last_rejection=self.last_rejection,
            worker_alive=worker_alive,
            as_of_ns=self.as_of_ns,
        )
