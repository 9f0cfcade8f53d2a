"""What a store knows of a process that records. Apart from `query`: who only writes needs nothing else of it."""

from __future__ import annotations

from typing import NamedTuple


class Lease(NamedTuple):
    """A process that records, or did. Alive while its heartbeat is young or, on this host, its process exists."""

    lease_id: int
    host: str
    pid: int
    boot_id: str
    process_started: str
    heartbeat_ns: int
    closed_ns: int | None
    account: str | None = None
    """JSON text: what became of the spans that the process accepted, as of the heartbeat."""
