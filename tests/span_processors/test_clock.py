"""Durations by the monotonic clock, and steps of the other one."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from span_processors import Moment

INSTANT = st.integers(0, 2**62)


@given(INSTANT, INSTANT, INSTANT, st.integers(-(2**60), 2**60))
def test_a_duration_is_that_of_the_monotonic_clock_whatever_the_wall_clock_does(
    wall_ns: int, monotonic_ns: int, elapsed_ns: int, step_ns: int
) -> None:
    start = Moment(wall_ns, monotonic_ns)
    end = Moment(wall_ns + elapsed_ns + step_ns, monotonic_ns + elapsed_ns)
    assert start.at(end.monotonic_ns) - wall_ns == elapsed_ns
    assert start.step_ns(end) == step_ns


def test_now_reads_both_clocks() -> None:
    before = time.time_ns(), time.monotonic_ns()
    now = Moment.now()
    after = time.time_ns(), time.monotonic_ns()
    assert before[0] <= now.wall_ns <= after[0]
    assert before[1] <= now.monotonic_ns <= after[1]
