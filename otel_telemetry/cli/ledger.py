"""What became of every span that was ever recorded into a store, for doctor."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from otel_telemetry.query import Lease
from otel_telemetry.stores.account import Account, load
from otel_telemetry.stores.sqlite import file as sqlite_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

_ENDED: Final = "SELECT count(*) FROM spans WHERE ended_ns IS NOT NULL"
_LEASES: Final = f"SELECT {', '.join(Lease._fields)} FROM leases WHERE account IS NOT NULL"


@runtime_checkable
class HasProcesses(Protocol):
    """A store that knows every process that ever recorded into it."""

    def processes(self) -> list[Lease]:
        """Return them."""


class OnDisk(NamedTuple):
    """What waits for a store in its spill."""

    spans: int = 0
    processes: tuple[Lease, ...] = ()
    """Those that left something there, with the account they gave then; the store may have a later one."""


def waiting_on_disk(folder: Path) -> OnDisk:
    """Return what waits in the spill at `folder`."""
    found = [_look_into(path) for path in sorted(folder.glob("*.db"))]
    return OnDisk(sum(file.spans for file in found), tuple(lease for file in found for lease in file.processes))


def latest(processes: Iterable[Lease]) -> list[Lease]:
    """Return each process once, with the last account that it gave."""
    ordered = sorted(processes, key=lambda lease: (lease.account is not None, lease.heartbeat_ns))
    return list({lease.lease_id: lease for lease in ordered}.values())


def lines(processes: Iterable[Lease], alive: Collection[int], on_disk: int) -> Iterator[tuple[str, int]]:
    """Add up the accounts of processes: accepted, stored, pending and dropped, in words, with their numbers.

    A process that was killed took with it what it had in memory at its last transaction; that is counted as lost.

    Args:
        processes: every process that ever recorded, once.
        alive: the leases of those that are alive.
        on_disk: how many of their spans wait in the spill.
    """
    accepted = in_memory = lost = refused = 0
    dropped: Counter[str] = Counter()
    for process in processes:
        account = load(process.account) if process.account else Account()
        waiting = account.pending - account.spilled
        accepted += account.accepted
        dropped.update(account.dropped)
        refused += account.refused
        if process.lease_id in alive:
            in_memory += waiting
        else:
            lost += waiting
    yield "accepted", accepted
    # Not below none: a batch that has just reached the store is on disk for a moment longer.
    yield "stored", max(0, accepted - on_disk - in_memory - lost - dropped.total())
    yield "waiting in memory", in_memory
    yield "waiting on disk", on_disk
    for reason, count in sorted(dropped.items()):
        yield f"dropped ({reason})", count
    if lost:
        yield "lost with their process", lost
    if refused:
        yield "of those stored, refused because their run was deleted", refused


def _look_into(path: Path) -> OnDisk:
    try:
        connection = sqlite_file.connect(path, mode="ro")
        try:
            (count,) = connection.execute(_ENDED).fetchone()
            return OnDisk(count, tuple(Lease(*values) for values in connection.execute(_LEASES)))
        finally:
            connection.close()
    except sqlite3.Error:
        return OnDisk()  # deleted meanwhile, or begun just now
