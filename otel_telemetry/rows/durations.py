"""How long tools and steps ran, counted in buckets: enough for percentiles, however many runs there were.

The bounds of a bucket are 2 % apart, and its middle stands for what is in it: a percentile is at most 1 % off.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

from otel_telemetry.rows.row import RowKind, RowStatus, SpanRow

RUN_COLUMNS: Final = ("execution_id", "started_ns", "ended_ns", "kind", "status", "step_id", "tool_name")
"""The columns that say what ran, for how long, and whether it failed."""

_RUN: Final = itemgetter(*map(SpanRow._fields.index, RUN_COLUMNS))
_LOG_BASE: Final = math.log(1.02)
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1

# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_STEP: Final = int(RowKind.STEP)
_TOOL_CALL: Final = int(RowKind.TOOL_CALL)
_FAILED: Final = int(RowStatus.FAILED)
_SKIPPED: Final = int(RowStatus.SKIPPED)


class Durations(NamedTuple):
    """How long the runs of one tool or step took, or of a part of them: parts add up.

    Where rows were written again with another end, `longest_ns` and `slowest` may be those of a run as it was before.
    """

    kind: int
    """`RowKind.TOOL_CALL` or `RowKind.STEP`."""
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


def what_ran(kind: int, status: int, step_id: str | None, tool_name: str | None) -> tuple[int, str] | None:
    """Return what a row stands for the run of, `RowKind.TOOL_CALL` or `RowKind.STEP`, and its name; None: of neither.

    A step that calls a tool names it too, and its call has a row of its own. What was skipped did not run.
    """
    if kind != _STEP:
        return None if tool_name is None else (_TOOL_CALL, tool_name)
    return None if step_id is None or status == _SKIPPED else (_STEP, step_id)


def runs_of(rows: Iterable[SpanRow]) -> Iterator[tuple[Any, ...]]:
    """Return the `RUN_COLUMNS` of rows."""
    return map(_RUN, rows)


def count_runs(runs: Iterable[tuple[Any, ...]], replaced: Iterable[tuple[Any, ...]] = ()) -> list[Durations]:
    """Count the runs of tools and steps that have ended.

    Args:
        runs: the `RUN_COLUMNS` of rows.
        replaced: those of the rows in whose place they are, which are taken off: a count may come out negative.
    """
    found: dict[tuple[int, str], list[Any]] = {}
    if taken_off := Counter(replaced):
        # of rows that were written and replaced at once, none is the slowest
        added = Counter(runs)
        runs, replaced = (added - taken_off).elements(), (taken_off - added).elements()
    for sign, group in ((1, runs), (-1, replaced)):
        for execution_id, started_ns, ended_ns, kind, status, step_id, tool_name in group:
            run = what_ran(kind, status, step_id, tool_name)
            if run is None or ended_ns is None:
                continue
            counted = found.get(run)
            if counted is None:
                counted = found[run] = [0, _LEAST, "", {}]
            if status == _FAILED:
                counted[0] += sign
            lasted = ended_ns - started_ns
            if sign > 0 and lasted >= counted[1]:
                counted[1:3] = max((counted[1], counted[2]), (min(lasted, _MOST), execution_id))
            bucket, buckets = _bucket(lasted), counted[3]
            buckets[bucket] = buckets.get(bucket, 0) + sign
    return [Durations(*run, *counted) for run, counted in found.items()]


def add_up(parts: Iterable[Durations]) -> list[Durations]:
    """Add up the parts of each tool and step, in order of kind and name."""
    found: dict[tuple[int, str], Durations] = {}
    for part in parts:
        run = part[:2]
        other = found.get(run)
        if other is None:
            found[run] = part._replace(buckets=dict(part.buckets))
            continue
        buckets: dict[int, int] = other.buckets  # type: ignore[assignment]  # made above
        for bucket, n in part.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + n
        longest = max(part[3:5], other[3:5])
        found[run] = Durations(*run, part.failed + other.failed, *longest, buckets)
    return [found[run] for run in sorted(found)]


def _bucket(lasted_ns: int) -> int:
    if lasted_ns > 0:
        return 1 + int(math.log(lasted_ns) / _LOG_BASE)
    return -1 - int(math.log(-lasted_ns) / _LOG_BASE) if lasted_ns else 0


def _middle(bucket: int) -> int:
    """Return the duration that stands for all in a bucket."""
    middle = round(math.exp((abs(bucket) - 0.5) * _LOG_BASE)) if bucket else 0
    return middle if bucket >= 0 else -middle
