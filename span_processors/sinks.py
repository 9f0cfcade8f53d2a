"""Where spans go: the one seam between the processor and whatever stores or forwards them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from span_processors.data import SpanData

RowT = TypeVar("RowT")


class RetryableError(Exception):
    """Raised by `SpanSink.write` where the same batch may succeed later: the backend is away, busy or full.

    Anything else that `write` raises is taken to be the fault of one row: the worker bisects the batch and
    quarantines that row.
    """


class SpanSink(Protocol[RowT]):
    """A destination of redacted spans. The processor runs one worker (queue and thread) per sink.

    `prepare` and `size` run in the thread that ends a span, and must be fast and pure. All other methods run one at a
    time: in the worker's thread, in a new one should that die, or, once the interpreter lets no thread start, in the
    caller's.
    """

    name: str
    """What the ledger calls this destination."""
    wants_starts: bool
    """Whether spans that are still open are written too (a store), or ended ones only (a forwarder)."""

    def prepare(self, span: SpanData) -> RowT:
        """Turn a span into what `write` takes."""

    def size(self, row: RowT) -> int:
        """Roughly the bytes that `row` holds in memory, for the queue's bound."""

    def write(self, rows: Sequence[RowT]) -> None:
        """Write all rows or none, durably, in one transaction. Idempotent: writing a row again changes nothing.

        Of a span that comes as started and as ended, the ended one stays, whatever the order.

        Raises:
            RetryableError: the same rows may be written later.
            Exception: some row cannot be written; the worker finds out which.
        """

    def heartbeat(self) -> None:
        """Say that this process is alive. Called every few seconds while there is anything to be alive for."""

    def after_fork_in_child(self) -> None:
        """Forget, without closing, every connection that was inherited from the parent process."""

    def close(self) -> None:
        """Let go of connections; called once, after the last write. Spans still open are then interrupted."""
