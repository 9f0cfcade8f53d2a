"""How long to wait before something is tried again."""

from __future__ import annotations

from random import SystemRandom
from typing import Final

_uniform: Final = SystemRandom().uniform
"""Not that of the global `random`: the host may have seeded it, and counts on the sequence."""


def delay_s(attempts: int, *, first_s: float, longest_s: float) -> float:
    """Return how long to wait after so many attempts, in seconds: twice as long after each.

    It is spread, so that processes which lost the same backend do not all come back at once.
    """
    return min(first_s * (1 << min(attempts, 16)), longest_s) * _uniform(0.5, 1.0)
