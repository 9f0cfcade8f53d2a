"""Counted durations as rows of the table `durations`.

Each transaction adds a row for every key (hour, workflow, version, tool or step) that it has counted runs of, so that
processes which write at the same moment do not wait for each other. Every `LOOK_EVERY`th transaction of a process looks
whether there are `MAX_PARTS` rows or more of what it has counted, and then replaces them by their sum.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

import orjson

from otel_telemetry.rows import Durations

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PARTS: Final = 8
LOOK_EVERY: Final = 8

# Which is the first to look is left to chance: many processes may write a few transactions each.
_transactions: Final = count(SystemRandom().randrange(LOOK_EVERY))


def is_time_to_look() -> bool:
    """Whether the transaction that asks is to look how many parts there are."""
    return next(_transactions) % LOOK_EVERY == 0


def from_values(values: Sequence[Any]) -> Durations:
    """Return the part that was stored as `values`, in the order of the fields of `Durations`."""
    numbers = iter(orjson.loads(values[-1]))
    return Durations._make((*values[:-1], dict(zip(numbers, numbers, strict=True))))


def from_sums(values: Sequence[Any]) -> Durations:
    """Return parts that were added up, but for their buckets, which are a list of each part's, without brackets."""
    buckets: defaultdict[int, int] = defaultdict(int)
    for part in orjson.loads(f"[{values[-1]}]"):
        numbers = iter(part)
        for bucket, n in zip(numbers, numbers, strict=True):
            buckets[bucket] += n
    return Durations._make((*values[:-1], buckets))
