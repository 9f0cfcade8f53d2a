"""Counted durations as rows of the table `durations`.

Each transaction adds a row for every tool and step that it has counted runs of, so that processes which write at the
same moment do not wait for each other. Every `LOOK_EVERY`th transaction of a process looks whether there are
`MAX_PARTS` rows or more of what it has counted, and then replaces them by their sum.
"""

from __future__ import annotations

from itertools import chain, count
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


def as_values(part: Durations) -> tuple[Any, ...]:
    """Return what is stored of a part, in the order of the fields of `Durations`."""
    # a list without quotes, which one would have to be escaped on its way into PostgreSQL
    return (*part[:-1], orjson.dumps([*chain.from_iterable(part.buckets.items())]).decode())


def from_values(values: Sequence[Any]) -> Durations:
    """Return the part that was stored as `values`."""
    kind, name, failed, longest_ns, slowest, text = values
    numbers = iter(orjson.loads(text))
    return Durations(kind, name, failed, longest_ns, slowest, dict(zip(numbers, numbers, strict=True)))
