"""The two clocks of a span: one says when it started, the other how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

CLOCK_STEP_THRESHOLD_NS: Final = 100_000_000
"""A wall clock that moved less than this against the monotonic one is not worth a word."""


class Clock(NamedTuple):
    """Where times come from, both in nanoseconds.

    A duration is always measured with `monotonic_ns`, so that it is never negative, whatever happens to the wall clock.
    """

    time_ns: Callable[[], int] = time.time_ns
    monotonic_ns: Callable[[], int] = time.perf_counter_ns
