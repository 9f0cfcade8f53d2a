"""What every store's exporter shares: one connection used by one thread at a time, a lease, and the SDK's interface."""

from __future__ import annotations

import logging
import threading
import time
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_telemetry.errors import StoreUnavailableError
from otel_telemetry.rows import SpanRow, row_of
from otel_telemetry.stores import upkeep
from otel_telemetry.stores.account import dump
from otel_telemetry.stores.changes import Written
from otel_telemetry.stores.lease import new_lease
from span_processors.flatten import flatten
from span_processors.redaction import RedactionSettings, Redactor
from span_processors.sinks import RetryableError
from span_processors.size import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from otel_telemetry.leases import Lease
    from otel_telemetry.query import SpanStore
    from otel_telemetry.rows import Durations
    from span_processors.data import SpanData
    from span_processors.lean_span import LeanSpan
    from span_processors.ledger import SinkHealth

ConnectionT = TypeVar("ConnectionT")

_logger = logging.getLogger(__name__)
_inherited: Final[list[object]] = []
"""Connections of the parent process. Closing one, as garbage collection would, could end the parent's session."""


class StoreExporter(SpanExporter, Generic[ConnectionT]):
    """A `SpanSink` of `SpanRow` that is an OpenTelemetry `SpanExporter` as well.

    The connection is opened on first use, in the thread that uses it, and anew after an error that was
    not a row's fault.
    """

    name: str
    wants_starts = True

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor: Final = redactor or Redactor(RedactionSettings())
        self._start_anew()

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._lease = new_lease()
        self._stored_lease: Lease | None = None
        self._connection: ConnectionT | None = None
        self._known_resources: set[int] = set()
        self.written = Written()
        """What became of the rows that were written through this exporter."""

    # the write side: SpanSink

    def prepare(self, span: SpanData) -> SpanRow:
        """Return the row that stands for `span`, recorded by this process."""
        return row_of(span, self._lease.lease_id)

    def size(self, span: SpanData | LeanSpan) -> int:
        """Return roughly the bytes that `span` holds in memory."""
        return size_of(span)

    def write(self, rows: Sequence[SpanRow]) -> None:
        """Write all rows or none, durably; see `SpanSink.write`."""
        lease = self._lease
        with self._session() as connection:
            written = self._write(connection, rows, None if lease is self._stored_lease else lease)
            self._stored_lease = lease
            self._known_resources.update(row.resource_id for row in rows)
        with self._lock:  # only now: what went into a file that is gone is written again
            self.written.add(written)

    def heartbeat(self) -> None:
        """Refresh this process's lease."""
        self._renew_lease()
        with self._session() as connection:
            self._put_lease(connection, self._lease)

    def keep_account(self, account: SinkHealth) -> None:
        """Have the account of this process's spans written by what is called next; see `KeepsAccount`."""
        self._lease = self._lease._replace(account=dump(account, self.written), heartbeat_ns=account.as_of_ns)

    @property
    def lease(self) -> Lease:
        """The lease of this process."""
        return self._lease

    def adopt(self, lease: Lease) -> None:
        """Write the lease of another process, which could not do so itself, as far as that is news."""
        with self._session() as connection:
            self._put_lease(connection, lease)

    # looking after it, by a connection of its own: whatever is written meanwhile goes on

    def delete(self, execution_ids: Collection[str]) -> int:
        """Remove executions for good, and return how many there were; see `upkeep.delete`."""
        with self._looking_after() as database:
            return upkeep.delete(database, execution_ids)

    def prune(
        self, before_ns: int, live_leases: Collection[int], progress: Callable[[int], None] | None = None
    ) -> upkeep.Pruned:
        """Remove the executions that started before a time and do not run any more; see `upkeep.prune`."""
        with self._looking_after() as database:
            return upkeep.prune(database, before_ns, live_leases, progress)

    def reindex(self, progress: Callable[[int], None] | None = None) -> int:
        """Make everything anew from the spans, and return how many there are; see `upkeep.reindex`."""
        with self._looking_after() as database:
            return upkeep.reindex(database, progress)

    def keep_counts(self, parts: Sequence[Durations]) -> None:
        """Add to what is counted of executions that are not there any more."""
        with self._looking_after() as database, database.transaction():
            database.add_kept(parts)

    @contextmanager
    def _looking_after(self) -> Iterator[upkeep.Database]:
        try:
            connection = self._connect_anew()
            try:
                yield self._database(connection)
            finally:
                self._disconnect_anew(connection)
        except Exception as error:
            if not self._is_retryable(error):
                raise
            raise StoreUnavailableError(f"{_explained(self.name, error)}: try again") from error

    def after_fork_in_child(self) -> None:
        """Forget what was inherited from the parent process, and take a lease of this process's own."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._start_anew()

    def close(self) -> None:
        """Close the lease, so that spans still open are seen as interrupted, and let go of the connection."""
        if self._connection is None:
            return
        self._renew_lease()
        self._lease = self._lease._replace(closed_ns=time.time_ns())
        with self._session() as connection:
            self._put_lease(connection, self._lease)
            self._before_leaving(connection)
            self._drop()

    # the OpenTelemetry side: SpanExporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Redact and write ended spans, as a part of any OpenTelemetry pipeline. Never raises."""
        try:
            self.write([self.prepare(flatten(span, self._redactor)) for span in spans])
        except Exception as error:
            _logger.warning("could not write %d spans to %s: %s", len(spans), self.name, type(error).__name__)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close, as a part of any OpenTelemetry pipeline. Never raises."""
        try:
            self.close()
        except Exception as error:
            _logger.warning("could not close %s: %s", self.name, type(error).__name__)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  (the SDK's signature)
        """Return True: `export` has committed before it returns."""
        return True

    # the read side

    @abstractmethod
    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""

    # what a backend adds

    @abstractmethod
    def _connect(self) -> ConnectionT:
        """Open a connection to the store, which is made or migrated where that is needed."""

    def _connect_anew(self) -> ConnectionT:
        """Open one more connection."""
        return self._connect()

    def _disconnect_anew(self, connection: ConnectionT) -> None:
        """Close it."""
        self._disconnect(connection)

    @abstractmethod
    def _disconnect(self, connection: ConnectionT) -> None:
        """Close `connection`, which may be broken."""

    @abstractmethod
    def _write(self, connection: ConnectionT, rows: Sequence[SpanRow], lease: Lease | None) -> Written:
        """Write all rows or none, and with them the state of this process's lease, if given, in one transaction."""

    @abstractmethod
    def _put_lease(self, connection: ConnectionT, lease: Lease) -> None:
        """Write the state of the lease, unless a later one is there, in one transaction."""

    @abstractmethod
    def _add_lease(self, connection: ConnectionT, lease: Lease) -> None:
        """Write the lease if it is not there, in one transaction."""

    @abstractmethod
    def _database(self, connection: ConnectionT) -> upkeep.Database:
        """Return what looking after the store needs."""

    @abstractmethod
    def _is_retryable(self, error: Exception) -> bool:
        """Whether `error` came from the state of the store and not from a row."""

    def _after_use(self, connection: ConnectionT) -> None:
        """Make sure of what was written, and tidy up. Raises what `_is_retryable` knows where it must be repeated."""

    def _before_leaving(self, connection: ConnectionT) -> None:
        """Tidy up, now that nothing more is written."""

    def _note_failure(self, error: Exception) -> None:
        """Learn from an error that was no row's fault, before the store is opened again."""

    def _is_stale(self, connection: ConnectionT) -> bool:  # noqa: ARG002  (for backends that can tell)
        """Whether `connection` no longer leads to the store."""
        return False

    def _renew_lease(self) -> None:
        self._lease = self._lease._replace(heartbeat_ns=max(self._lease.heartbeat_ns, time.time_ns()))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._stored_lease = None
        self._known_resources.clear()
        if connection is not None:
            self._disconnect(connection)

    @contextmanager
    def _session(self) -> Iterator[ConnectionT]:
        with self._lock:
            connection = self._connected()
            try:
                yield connection
                if self._connection is not None:
                    self._after_use(connection)
            except Exception as error:
                if not self._is_retryable(error):
                    raise
                self._note_failure(error)
                self._drop()
                raise RetryableError(_explained(self.name, error)) from error

    def _connected(self) -> ConnectionT:
        try:
            if self._connection is not None and self._is_stale(self._connection):
                self._drop()
            if self._connection is None:
                self._connection = self._connect()
                # Before any row that names it, or a reader would take a running execution for an interrupted one; and
                # without the account, which counts rows that are still to be written.
                self._add_lease(self._connection, self._lease._replace(account=None))
        except Exception as error:
            self._note_failure(error)
            self._drop()
            raise RetryableError(_explained(self.name, error)) from error  # no row was looked at: it is no row's fault
        return self._connection


def _explained(name: str, error: Exception) -> str:
    # A driver's further lines quote values.
    return f"{name}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
