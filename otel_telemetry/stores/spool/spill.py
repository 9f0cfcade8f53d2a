"""The spill: SQLite files in which spans wait for a destination that is away.

It is a folder per destination, in it a file per process that had to spill, with its spans and leases: what follows from
them is worked out where they are going. A process owns the file whose lock it holds (``*.lock`` beside it). The
operating system lets go of the lock when the process ends, however it ends; whoever gets it then sends what the file
holds, and deletes it.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from otel_telemetry.stores.spool.file import SpillFile
from otel_telemetry.stores.spool.file_lock import FileLock
from otel_telemetry.stores.sqlite.file import companions
from span_processors.sinks import RetryableError, Spilled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otel_telemetry.leases import Lease
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.settings import Durability
    from span_processors.ledger import SinkHealth
    from span_processors.sinks import SpanSink

RowT = TypeVar("RowT")

_SECONDS_BETWEEN_LOOKS: Final = 30.0
_ON_DISK: Final = 700
"""Bytes that a row takes besides its document and payload, at most."""


def default_folder() -> Path:
    """Return where spills are unless the settings say otherwise: in the user's folder for the state of programs."""
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_STATE_HOME")
    return Path(home or Path.home() / ".local" / "state") / "otel-telemetry" / "spill"


def folder_for(destination: str, root: Path) -> Path:
    """Return the folder under `root` for what is on its way to `destination`: a URL or any other name of it."""
    kind = "".join(c if c.isalnum() else "-" for c in destination.partition(":")[0])[:40]
    return root / f"{kind}-{blake2b(destination.encode(), digest_size=8).hexdigest()}"


class Home(Protocol):
    """A store that what waits here is on its way to."""

    @property
    def lease(self) -> Lease:
        """The lease of this process, with its account."""

    def adopt(self, lease: Lease) -> None:
        """Write the lease of another process."""


class SqliteSpill(Generic[RowT]):
    """A `span_processors.sinks.Spill` in SQLite files.

    Args:
        folder: of the destination (`folder_for`). It is made, for its owner only, when something has to be kept.
        max_bytes: disk space that all files in it may take together.
        durability: whether what is put here survives a loss of power (``full``).
        to_row: turns what the sink takes into a row.
        from_row: the reverse.
        home: the sink, if it is a store, which knows processes by their leases. These wait here too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        durability: Durability = "normal",
        to_row: Callable[[RowT], SpanRow],
        from_row: Callable[[SpanRow], RowT],
        home: Home | None = None,
    ) -> None:
        self._folder: Final = folder.absolute()
        self._max_bytes: Final = max_bytes
        self._durability: Final[Durability] = durability
        self._to_row = to_row
        self._from_row = from_row
        self._home = home
        self._own: _Owned | None = None
        self._found: _Owned | None = None
        self._leases: list[Lease] = []
        self._next_look = 0.0

    def put(self, rows: Sequence[RowT], account: SinkHealth) -> Spilled[RowT]:
        """Keep all rows, durably, or none; see `Spill.put`."""
        kept = [self._to_row(row) for row in rows]
        if self._own is None:
            self._own = _Owned.make(self._folder, self._durability)
        self._lend(account)
        needed = sum(_ON_DISK + len(row.document or "") + len(row.payload or "") for row in kept)
        if self._used() + 2 * needed > self._max_bytes:
            raise RetryableError(f"the spill {self._folder} is full")
        self._own.file.write(kept)
        return Spilled(rows, _ended(kept), own=True, key=kept)

    def oldest(self, limit: int, skip: int = 0) -> Spilled[RowT] | None:
        """Return the rows that wait longest; see `Spill.oldest`."""
        if self._own is not None:
            rows = self._own.file.oldest(limit, skip)
            if rows or skip:
                return self._spilled(rows, own=True)
        if self._found is None and time.monotonic() >= self._next_look:
            self._found = self._look()
        if self._found is not None:
            rows = self._found.file.oldest(limit, skip)
            if rows or skip:
                return self._spilled(rows, own=False)
            self._found.delete()
            self._found = None
        return None

    def deliver(self, spilled: Spilled[RowT], sink: SpanSink[RowT]) -> None:
        """Write rows to the sink, and the leases of those that recorded them; see `Spill.deliver`."""
        sink.write(spilled.rows)
        if self._home is not None and not spilled.own:
            for lease in self._leases:
                self._home.adopt(lease)

    def remove(self, spilled: Spilled[RowT]) -> None:
        """Let go of rows; see `Spill.remove`. A file that is empty then is deleted."""
        owned = self._own if spilled.own else self._found
        if owned is None:
            return
        owned.file.remove(spilled.key)  # type: ignore[arg-type]  # the rows that `_spilled` and `put` gave
        if owned.file.is_empty():
            owned.delete()
            if spilled.own:
                self._own = None
            else:
                self._found = None

    def is_empty(self) -> bool:
        """Whether nothing waits that this process put there."""
        return self._own is None

    def heartbeat(self, account: SinkHealth) -> None:
        """Say beside the rows that this process is alive; see `Spill.heartbeat`."""
        if self._own is not None:
            self._lend(account)
            self._own.file.heartbeat()

    def next_look_s(self) -> float:
        """Return the seconds until it is worth looking for what other processes have left."""
        return max(0.0, self._next_look - time.monotonic())

    def after_fork_in_child(self) -> None:
        """Forget what was inherited from the parent process, which goes on to own it."""
        for owned in filter(None, (self._own, self._found)):
            owned.forget()
        self._own = self._found = None
        self._next_look = 0.0

    def close(self, account: SinkHealth) -> None:
        """Let go of files; what waits there is the next process's to send."""
        self._lend(account)
        for owned in filter(None, (self._own, self._found)):
            owned.release()
        self._own = self._found = None

    def _lend(self, account: SinkHealth) -> None:
        if self._own is not None and self._home is not None:
            self._own.file.lend(self._home.lease)
            self._own.file.keep_account(account)

    def _spilled(self, rows: list[SpanRow], *, own: bool) -> Spilled[RowT] | None:
        if not rows:
            return None
        return Spilled([self._from_row(row) for row in rows], _ended(rows), own=own, key=rows)

    def _used(self) -> int:
        free = 0 if self._own is None else self._own.file.free_bytes()
        # What is in a log takes as much again while it is moved into its file; so will what is written next.
        return sum(_size(path) * (1 + path.name.endswith("-wal")) for path in self._folder.iterdir()) - free

    def _look(self) -> _Owned | None:
        for lock in _locks(self._folder):
            owned = _Owned.take(lock, self._durability)
            if owned is not None:
                self._leases = owned.file.others()
                return owned
        self._next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        return None


class _Owned:
    """A spill file of which this process holds the lock."""

    def __init__(self, lock: FileLock, durability: Durability) -> None:
        self._lock = lock
        self.file = SpillFile(lock.path.with_suffix(".db"), durability=durability)

    @classmethod
    def make(cls, folder: Path, durability: Durability) -> _Owned:
        """Make a file that nobody else knows; files are named in the order in which they are made."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock.take(folder / f"{time.time_ns():020d}-{os.urandom(4).hex()}.lock")
        if lock is None:
            raise RetryableError(f"no file can be locked in {folder}")
        return cls(lock, durability)

    @classmethod
    def take(cls, path: Path, durability: Durability) -> _Owned | None:
        """Take over the file of a process that is gone; None where its process lives, or there is nothing in it."""
        lock = FileLock.take(path)
        if lock is None:
            return None
        owned = cls(lock, durability)
        if not path.with_suffix(".db").exists():
            owned.delete()
            return None
        return owned

    def release(self) -> None:
        """Leave the file to others."""
        self.file.close()
        self._lock.release()

    def delete(self) -> None:
        """Delete the file, which is empty."""
        self.file.close()
        path = self._lock.path.with_suffix(".db")
        for file in (*companions(path), path, self._lock.path):
            file.unlink(missing_ok=True)
        self._lock.release()

    def forget(self) -> None:
        """Leave the file to the parent process."""
        self.file.after_fork_in_child()
        self._lock.forget()


def _locks(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.glob("*.lock"))
    except OSError:
        return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # deleted meanwhile


def _ended(rows: Sequence[SpanRow]) -> int:
    return sum(row.ended_ns is not None for row in rows)
