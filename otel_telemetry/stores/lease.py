"""Leases: how a reader tells a running execution from one whose process is gone.

Each process that records holds one lease in the store and refreshes its heartbeat. `is_alive` is a pure function of the
lease, the time, and what is known of this machine.
"""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HEARTBEAT_LIMIT_NS: Final = 60 * 1_000_000_000
"""A process that cannot be looked up is alive while its heartbeat is younger than this."""

_GONE_STATES: Final = frozenset("ZX")


class Machine(NamedTuple):
    """What is known of the machine that asks."""

    host: str
    boot_id: str
    """Names this run of the kernel and the namespace in which process ids have meaning; empty where that is unknown."""
    process_started: Callable[[int], str | None]
    """When the process of this id started, in any unit, as text; None where there is no such process."""


def is_alive(lease: Lease, now_ns: int, machine: Machine) -> bool:
    """Whether the process that holds `lease` still records, at `now_ns` (nanoseconds since the epoch, UTC).

    On the machine where it runs, its process decides: a busy one may be late with its heartbeat, a killed one is gone
    at once, and another process that was given its id is not it. From elsewhere, the age of the heartbeat decides.
    """
    if lease.closed_ns is not None:
        return False
    if lease.boot_id and (lease.host, lease.boot_id) == (machine.host, machine.boot_id):
        return machine.process_started(lease.pid) == lease.process_started
    return now_ns - lease.heartbeat_ns < HEARTBEAT_LIMIT_NS


def live_leases(leases: Iterable[Lease], now_ns: int) -> frozenset[int]:
    """Return the ids of those `leases` that are alive, seen from this machine."""
    machine = this_machine()
    return frozenset(lease.lease_id for lease in leases if is_alive(lease, now_ns, machine))


def new_lease() -> Lease:
    """Make a lease for this process, with an id of its own."""
    machine, pid = this_machine(), os.getpid()
    return Lease(
        lease_id=int.from_bytes(os.urandom(8), "big") >> 1,
        host=machine.host,
        pid=pid,
        boot_id=machine.boot_id,
        process_started=machine.process_started(pid) or "",
        heartbeat_ns=time.time_ns(),
        closed_ns=None,
    )


@cache
def this_machine() -> Machine:
    """Return what is known of the machine that this process runs on."""
    return Machine(socket.gethostname(), _boot_id(), _process_started)


def _boot_id() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Containers share a kernel and may share a host name, but not process ids.
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""  # not Linux: heartbeats decide
    return f"{boot} {namespace}"


def _process_started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the program's name, which may hold spaces and parentheses.
    state, *rest = stat[stat.rindex(b")") + 2 :].decode("ascii").split()
    return None if state in _GONE_STATES else rest[18]
