"""Durations that stay right when the wall clock is set."""

from __future__ import annotations

import time
from typing import NamedTuple


class Moment(NamedTuple):
    """One instant, read from the wall clock and from the monotonic one.

    Attributes:
        wall_ns: nanoseconds since the epoch, UTC.
        monotonic_ns: nanoseconds of a clock that is never set back; comparable within one process only.
    """

    wall_ns: int
    monotonic_ns: int

    @classmethod
    def now(cls) -> Moment:
        """Read both clocks."""
        return cls(time.time_ns(), time.monotonic_ns())

    def at(self, monotonic_ns: int) -> int:
        """Return the wall time of a later (or earlier) reading of the monotonic clock, as seen from this moment."""
        return self.wall_ns + monotonic_ns - self.monotonic_ns

    def step_ns(self, later: Moment) -> int:
        """Return by how much the wall clock was moved, between this moment and `later`, against the monotonic one."""
        return later.wall_ns - self.at(later.monotonic_ns)
