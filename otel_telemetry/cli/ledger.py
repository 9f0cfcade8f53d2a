"""What became of every span that was ever recorded into a store, for doctor."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from otel_telemetry.exporters import sqlite_file
from otel_telemetry.exporters.account import Account, load

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from otel_telemetry.query import Lease

_ENDED = "SELECT count(*) FROM spans WHERE ended_ns IS NOT NULL"


@runtime_checkable
class HasProcesses(Protocol):
    """A store that knows every process that ever recorded into it."""

    def processes(self) -> list[Lease]:
        """Return them."""


def waiting_on_disk(folder: Path) -> int:
    """Return how many spans wait in the spill at `folder`."""
    return sum(map(_ended, sorted(folder.glob("*.db"))))


def lines(processes: Iterable[Lease], alive: Collection[int], on_disk: int) -> Iterator[tuple[str, int]]:
    """Add up the accounts of processes: accepted, stored, pending and dropped, in words, with their numbers.

    A process that was killed took with it what it had in memory at its last heartbeat; that is counted as lost.

    Args:
        processes: every process that ever recorded.
        alive: the leases of those that are alive.
        on_disk: how many of their spans wait in the spill.
    """
    accepted = in_memory = lost = 0
    dropped: Counter[str] = Counter()
    for process in processes:
        account = load(process.account) if process.account else Account()
        waiting = account.pending - account.spilled
        accepted += account.accepted
        dropped.update(account.dropped)
        if process.lease_id in alive:
            in_memory += waiting
        else:
            lost += waiting
    yield "accepted", accepted
    # Not below none: what a process was killed with may be on disk and in no account yet.
    yield "stored", max(0, accepted - on_disk - in_memory - lost - dropped.total())
    yield "waiting in memory", in_memory
    yield "waiting on disk", on_disk
    for reason, count in sorted(dropped.items()):
        yield f"dropped ({reason})", count
    if lost:
        yield "lost with their process", lost


def _ended(path: Path) -> int:
    try:
        connection = sqlite_file.connect(path, mode="ro")
        try:
            (count,) = connection.execute(_ENDED).fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return 0  # deleted meanwhile, or begun just now
    return int(count)
