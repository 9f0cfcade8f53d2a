"""Where spans go: the one seam between the processor and whatever stores or forwards them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from span_processors.data import SpanData
    from span_processors.lean_span import LeanSpan
    from span_processors.ledger import SinkHealth

RowT = TypeVar("RowT")


class RetryableError(Exception):
    """Raised by `SpanSink.write` where the same batch may succeed later: the backend is away, busy or full.

    Anything else that `write` raises is taken to be the fault of one row: the worker bisects the batch and
    quarantines that row.
    """


class SpanSink(Protocol[RowT]):
    """A destination of redacted spans. The processor runs one worker (queue and thread) per sink.

    `size` runs in the thread that ends a span, and must be fast and pure. `prepare` may be called in any thread. All
    other methods run one at a time: in the worker's thread, in a new one should that die, or, once the interpreter lets
    no thread start, in the caller's.
    """

    name: str
    """What the ledger calls this destination."""
    wants_starts: bool
    """Whether spans that are still open are written too (a store), or ended ones only (a forwarder)."""

    def size(self, span: SpanData | LeanSpan) -> int:
        """Roughly the bytes that `span` holds in memory while it waits, for the queue's bound."""

    def prepare(self, span: SpanData) -> RowT:
        """Turn a span, when its turn has come, into what `write` takes."""

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


@runtime_checkable
class KeepsAccount(Protocol):
    """A sink that stores what became of the spans of this process, for others to read."""

    def keep_account(self, account: SinkHealth) -> None:
        """Take note of the account, to be stored by what is called next: `write`, `heartbeat` or `close`. Never raises.

        It is the account as it will be once that has succeeded, and belongs into the same transaction. So what is
        stored agrees with it whenever the process is killed.
        """


def tell(sink: SpanSink[Any], account: SinkHealth) -> None:
    """Give a sink that keeps an account the one to be stored by what is called next."""
    if isinstance(sink, KeepsAccount):
        sink.keep_account(account)


class Spilled(NamedTuple, Generic[RowT]):
    """Rows that are in a spill.

    Attributes:
        rows: what `SpanSink.write` takes, in the order in which they were put there.
        spans: how many of them are spans that have ended.
        own: whether this process put them there, and not one that is gone.
        key: what the spill knows them by.
    """

    rows: Sequence[RowT]
    spans: int
    own: bool
    key: object


class Spill(Protocol[RowT]):
    """Where the rows for one sink wait on disk while its backend is away; they outlive the process.

    All methods but `deliver` run in the worker's thread. Any of them may raise: nothing is lost by it, and it is tried
    again. An `account` is kept beside the rows, in the same transaction, and says how things stand after it.
    """

    def put(self, rows: Sequence[RowT], account: SinkHealth) -> Spilled[RowT]:
        """Keep all rows, durably, or none. Of a span that comes as started and as ended, the ended one stays.

        Raises:
            RetryableError: there is no room.
        """

    def oldest(self, limit: int, skip: int = 0) -> Spilled[RowT] | None:
        """Return at most `limit` of the rows that wait longest, this process's own before those of others.

        The first `skip` of them are left out.

        They stay until they are removed. None where nothing waits.
        """

    def deliver(self, spilled: Spilled[RowT], sink: SpanSink[RowT]) -> None:
        """Write rows to the sink, and tell it what it should know of the process that recorded them."""

    def remove(self, spilled: Spilled[RowT]) -> None:
        """Let go of rows, but not of the end of a span of which only the start is meant."""

    def is_empty(self) -> bool:
        """Whether nothing waits that this process put there."""

    def heartbeat(self, account: SinkHealth) -> None:
        """Say beside the rows that this process is alive, as the sink cannot be told."""

    def next_look_s(self) -> float:
        """Return the seconds until it is worth looking for what processes have left that are gone."""

    def after_fork_in_child(self) -> None:
        """Forget, without closing, what was inherited from the parent process."""

    def close(self, account: SinkHealth) -> None:
        """Let go of files; what waits there is the next process's to send."""
