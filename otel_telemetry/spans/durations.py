"""How long tools and steps ran, counted in buckets: enough for percentiles, however many runs there were.

The bounds of a bucket are 2 % apart, and its middle stands for what is in it: a percentile is at most 1 % off.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from otel_telemetry.spans.rows import RowKind, RowStatus, SpanRow

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class Bucket(NamedTuple):
    """Runs of one tool or step that took about equally long."""

    kind: int
    """`RowKind.TOOL_CALL` or `RowKind.STEP`."""
    name: str
    bucket: int
    """The logarithm of the duration, with the duration's sign: buckets are in the order of durations."""
    n: int
    failed: int
    longest_ns: int
    slowest: str
    """The execution in which the longest of them ran; of several, the last by id."""

    @property
    def duration_ns(self) -> int:
        """The duration that stands for all in the bucket; a single one stands for itself."""
        if self.n == 1 or not self.bucket:
            return self.longest_ns
        middle = round(math.exp((abs(self.bucket) - 0.5) * _LOG_BASE))
        return min(middle if self.bucket > 0 else -middle, self.longest_ns)


def what_ran(kind: int, status: int, step_id: str | None, tool_name: str | None) -> tuple[int, str] | None:
    """Return what a row stands for the run of, `RowKind.TOOL_CALL` or `RowKind.STEP`, and its name; None: of neither.

    A step that calls a tool names it too, and its call has a row of its own. What was skipped did not run.
    """
    if kind != _STEP:
        return None if tool_name is None else (_TOOL_CALL, tool_name)
    return None if step_id is None or status == _SKIPPED else (_STEP, step_id)


def runs_of(rows: Iterable[SpanRow]) -> Iterable[tuple[Any, ...]]:
    """Return the `RUN_COLUMNS` of rows."""
    return map(_RUN, rows)


def count_runs(runs: Iterable[tuple[Any, ...]], replaced: Iterable[tuple[Any, ...]] = ()) -> list[Bucket]:
    """Count the runs of tools and steps that have ended.

    Args:
        runs: the `RUN_COLUMNS` of rows.
        replaced: those of the rows in whose place they are, which are taken off: a count may come out negative.
    """
    found: dict[tuple[int, str, int], list[Any]] = {}
    for sign, group in ((1, runs), (-1, replaced)):
        for execution_id, started_ns, ended_ns, kind, status, step_id, tool_name in group:
            run = what_ran(kind, status, step_id, tool_name)
            if run is None or ended_ns is None:
                continue
            lasted = ended_ns - started_ns
            key = (*run, _bucket(lasted))
            entry = found.get(key)
            if entry is None:
                entry = found[key] = [0, 0, _LEAST, ""]
            entry[0] += sign
            if status == _FAILED:
                entry[1] += sign
            if sign > 0 and lasted >= entry[2]:
                entry[2:] = max((entry[2], entry[3]), (min(lasted, _MOST), execution_id))
    return [Bucket(*key, *entry) for key, entry in found.items()]


def add_up(parts: Iterable[Bucket]) -> list[Bucket]:
    """Add up the counts of equal buckets, in order of kind, name and bucket."""
    found: dict[tuple[int, str, int], Bucket] = {}
    for part in parts:
        key = part[:3]
        other = found.get(key)
        if other is not None:
            longest = max(part[5:], other[5:])
            part = Bucket(*key, part.n + other.n, part.failed + other.failed, *longest)  # noqa: PLW2901  (the sum)
        found[key] = part
    return sorted(found.values())


def _bucket(lasted_ns: int) -> int:
    if lasted_ns > 0:
        return 1 + int(math.log(lasted_ns) / _LOG_BASE)
    return -1 - int(math.log(-lasted_ns) / _LOG_BASE) if lasted_ns else 0
