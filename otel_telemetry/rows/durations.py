"""How long tools and steps ran, counted in buckets: enough for percentiles, however many runs there were.

The bounds of a bucket are 2 % apart, and its middle stands for what is in it: a percentile is at most 1 % off. Counts
are kept by hour of the execution's start, workflow and version, so that a window of time is some of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from otel_telemetry.rows.row import RowKind

HOUR_NS: Final = 3_600_000_000_000

STEP: Final = int(RowKind.STEP)
TOOL_CALL: Final = int(RowKind.TOOL_CALL)
KINDS_OF_STEPS: Final = {None: STEP, "agent": 20, "chain": 21, "chat": 22, "plan": 23}
"""What is counted of a step of others, by its kind: apart from the steps of a workflow."""

_LOG_BASE: Final = math.log(1.02)
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


Run: TypeAlias = "tuple[int, str, bool, int]"
"""One run that has ended: `TOOL_CALL` or one of `KINDS_OF_STEPS`; its name; whether it failed; nanoseconds."""
Frame: TypeAlias = "tuple[int, str, str]"
"""By what runs are counted besides their own names: the hour of their execution's start, its workflow and version."""


class Durations(NamedTuple):
    """How long the runs of one tool or step took, or of a part of them: parts add up.

    Where runs were taken off again, `longest_ns` and `slowest` may be those of one that is not there any more.
    """

    hour: int
    workflow_name: str
    workflow_version: str
    kind: int
    name: str
    failed: int
    longest_ns: int
    slowest: str
    """The execution in which the longest ran; of several, the last by id."""
    buckets: Mapping[int, int]
    """How many runs there were by the logarithm of their duration, which has the duration's sign."""

    @property
    def n(self) -> int:
        """How many runs there were."""
        return sum(self.buckets.values())

    def at(self, rank: int) -> int:
        """Return the duration, nanoseconds, that `rank` of the runs did not exceed, 1 % more or less."""
        bucket = up_to = 0
        for bucket in sorted(self.buckets):
            up_to += self.buckets[bucket]
            if up_to >= rank:
                break
        return self.longest_ns if rank == self.n else min(_middle(bucket), self.longest_ns)


DURATION_KEY: Final = Durations._fields[: Durations._fields.index("failed")]
"""The fields by which runs are counted."""
_KEY: Final = len(DURATION_KEY)


class Tally:
    """Counts runs, and takes off those that do not count any more."""

    def __init__(self) -> None:
        self._parts: dict[Frame, dict[tuple[int, str], list[Any]]] = {}

    def add(self, execution_id: str, frame: Frame, runs: Iterable[Run]) -> None:
        """Count runs of an execution."""
        parts = self._parts.setdefault(frame, {})
        for kind, name, failed, lasted in runs:
            part = parts.get((kind, name))
            if part is None:
                part = parts[kind, name] = [0, _LEAST, "", {}]
            if failed:
                part[0] += 1
            if lasted >= part[1]:
                part[1:3] = max((part[1], part[2]), (min(lasted, _MOST), execution_id))
            bucket, buckets = bucket_of(lasted), part[3]
            buckets[bucket] = buckets.get(bucket, 0) + 1

    def take_off(self, frame: Frame, runs: Iterable[Run]) -> None:
        """Count runs that are not there any more: a count may come out negative."""
        parts = self._parts.setdefault(frame, {})
        for kind, name, failed, lasted in runs:
            part = parts.setdefault((kind, name), [0, _LEAST, "", {}])
            part[0] -= failed
            bucket, buckets = bucket_of(lasted), part[3]
            buckets[bucket] = buckets.get(bucket, 0) - 1

    def parts(self) -> list[Durations]:
        """Return what has changed, in order of their keys."""
        found = []
        for frame, parts in sorted(self._parts.items()):
            for key, (failed, longest, slowest, buckets) in sorted(parts.items()):
                left = {bucket: n for bucket, n in buckets.items() if n}
                if failed or left:
                    found.append(Durations(*frame, *key, failed, longest, slowest, left))
        return found


def add_up(parts: Iterable[Durations]) -> list[Durations]:
    """Add up the parts of each key, in order of the keys."""
    found: dict[tuple[Any, ...], Durations] = {}
    for part in parts:
        key = part[:_KEY]
        other = found.get(key)
        if other is None:
            found[key] = part._replace(buckets=dict(part.buckets))
            continue
        buckets: dict[int, int] = other.buckets  # type: ignore[assignment]  # made above
        for bucket, n in part.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + n
        longest, slowest = max((part.longest_ns, part.slowest), (other.longest_ns, other.slowest))
        found[key] = other._replace(failed=part.failed + other.failed, longest_ns=longest, slowest=slowest)
    return [found[key] for key in sorted(found)]


def bucket_of(lasted_ns: int) -> int:
    """Return the bucket of a duration."""
    if lasted_ns > 0:
        return 1 + int(math.log(lasted_ns) / _LOG_BASE)
    return -1 - int(math.log(-lasted_ns) / _LOG_BASE) if lasted_ns else 0


def _middle(bucket: int) -> int:
    """Return the duration that stands for all in a bucket."""
    middle = round(math.exp((abs(bucket) - 0.5) * _LOG_BASE)) if bucket else 0
    return middle if bucket >= 0 else -middle
