from __future__ import annotations

import random

import pytest

from span_processors.backoff import delay_s


@pytest.mark.parametrize(("attempts", "most"), [(0, 0.1), (1, 0.2), (4, 1.6), (5, 2.0), (10**9, 2.0)])
def test_each_wait_is_twice_as_long_up_to_a_bound(attempts: int, most: float) -> None:
    waits = [delay_s(attempts, first_s=0.1, longest_s=2.0) for _ in range(100)]
    assert most / 2 <= min(waits) < max(waits) <= most


def test_random_numbers_of_the_host_are_left_to_it() -> None:
    before = random.getstate()
    delay_s(1, first_s=0.1, longest_s=2.0)
    assert random.getstate() == before
