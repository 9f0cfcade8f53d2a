"""A backend that hangs for ever holds up no thread of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.blocking import PACES, SIDES, THREADS, median, rounds

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.promise("P2")
def test_no_thread_of_the_host_waits_for_a_backend_that_hangs(observed: Callable[[str], None]) -> None:
    paced, _ = PACES
    found = {name: median(each) for name, each in rounds(5, paced).items()}
    words = ", ".join(f"{name} {found[name]['p99.9']:.0f} (max {found[name]['max']:.0f})" for name in SIDES)
    for ours in ("processor", "store"):
        # whoever waited for the backend would wait for seconds; how short it really is, the figure says
        assert found[ours]["p99.9"] < 100_000  # microseconds
    observed(f"p99.9 in us, {THREADS} threads: {words}")
