"""How often each tool or step ran, how often it failed, and how long it took."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal

from otel_telemetry.rows import Durations
from otel_telemetry.rows.durations import HOUR_NS, KINDS_OF_STEPS, STEP, TOOL_CALL, bucket_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otel_telemetry.query import FinishedRun

StatsBy = Literal["tool", "step", "agent", "chain", "chat", "plan"]
STATS_BY: Final[tuple[StatsBy, ...]] = ("tool", "step", "agent", "chain", "chat", "plan")

FEW: Final = 30
"""Below this many runs a percentage says little, and an interval is given beside it."""

KINDS: Final[dict[str, int]] = {
    "tool": TOOL_CALL,
    "step": STEP,
    **{name: number for name, number in KINDS_OF_STEPS.items() if name is not None},
}
_Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The runs of one tool or step that have ended; steps that were skipped did not run.

    Durations are milliseconds; percentiles are by nearest rank, and `Reader.stats` says when they are exact.
    `failed_interval` is where the share of failures, in percent, lies with 95 % confidence (Wilson); it is given where
    `n` is below `FEW`.
    """

    name: str
    n: int
    failed: int
    failed_percent: float
    failed_interval: tuple[float, float] | None
    p50_ms: float
    p95_ms: float
    max_ms: float
    slowest_execution_id: str


def statistics(runs: Iterable[FinishedRun], by: StatsBy) -> list[Stats]:
    """Gather runs by tool or step; the name that ran most comes first, equal ones by name."""
    found: dict[str, _Runs] = {}
    for run in runs:
        if run.kind == KINDS[by]:
            found.setdefault(run.name, _Runs()).add(run)
    return _ordered(of.stats(name) for name, of in found.items())


def from_durations(parts: Iterable[Durations], runs: Iterable[FinishedRun], by: StatsBy) -> list[Stats]:
    """Return the same from counted durations and some more runs: percentiles are the nearest that these can tell."""
    kind = KINDS[by]
    more: dict[str, list[FinishedRun]] = {}
    for run in runs:
        if run.kind == kind:
            more.setdefault(run.name, []).append(run)
    counted = [_counted(kind, name, of_name) for name, of_name in more.items()]
    found = _by_name(chain((part for part in parts if part.kind == kind), counted), kind)
    return _ordered(_from_counted(of_name, n) for of_name in found if (n := of_name.n) > 0)


def _by_name(parts: Iterable[Durations], kind: int) -> list[Durations]:
    """Add up parts of whatever hours and workflows, by name alone."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        sums = found.get(part.name)
        if sums is None:
            sums = found[part.name] = [0, (part.longest_ns, part.slowest), {}]
        sums[0] += part.failed
        if part.longest_ns >= sums[1][0]:
            sums[1] = max(sums[1], (part.longest_ns, part.slowest))
        buckets = sums[2]
        for bucket, n in part.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + n
    return [
        Durations._make((0, "", "", kind, name, failed, *longest, buckets))
        for name, (failed, longest, buckets) in found.items()
    ]


def in_hours(
    after_ns: int | None, before_ns: int | None
) -> tuple[tuple[int | None, int | None] | None, Sequence[tuple[int | None, int | None]]]:
    """Divide a window of time, ``after <= start < before``, into whole hours and what is left at its edges.

    Returns:
        The hours, from the first up to but without the second, or None where there is no whole one; and the windows,
        in nanoseconds, that are left.
    """
    first = None if after_ns is None else -(-after_ns // HOUR_NS)
    end = None if before_ns is None else before_ns // HOUR_NS
    if first is not None and end is not None and first >= end:
        return None, [(after_ns, before_ns)]
    edges: list[tuple[int | None, int | None]] = []
    if first is not None and after_ns != first * HOUR_NS:
        edges.append((after_ns, first * HOUR_NS))
    if end is not None and before_ns != end * HOUR_NS:
        edges.append((end * HOUR_NS, before_ns))
    return (first, end), edges


def _counted(kind: int, name: str, runs: Sequence[FinishedRun]) -> Durations:
    buckets = Counter(bucket_of(run.lasted_ns) for run in runs)
    longest, slowest = max((run.lasted_ns, run.execution_id) for run in runs)
    return Durations(0, "", "", kind, name, sum(run.failed for run in runs), longest, slowest, buckets)


def wilson_interval(failed: int, n: int) -> tuple[float, float]:
    """Return where, in percent, the true share lies with 95 % confidence when `failed` of `n` failed."""
    share, spread = failed / n, _Z_95 * _Z_95 / n
    center = share + spread / 2
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4)
    low, high = (center - half) / (1 + spread), (center + half) / (1 + spread)
    return 100 * max(0.0, low), 100 * min(1.0, high)


class _Runs:
    """What is kept of the runs of one name: eight bytes each."""

    __slots__ = ("durations_ns", "failed", "slowest")

    def __init__(self) -> None:
        self.durations_ns = array("q")
        self.failed = 0
        self.slowest: tuple[float, str] = (-math.inf, "")

    def add(self, run: FinishedRun) -> None:
        self.durations_ns.append(run.lasted_ns)
        self.failed += run.failed
        self.slowest = max(self.slowest, (run.lasted_ns, run.execution_id))

    def stats(self, name: str) -> Stats:
        durations, n = sorted(self.durations_ns), len(self.durations_ns)
        p50, p95 = (durations[_nearest_rank(n, percent) - 1] for percent in (50, 95))
        return _stats(name, n, self.failed, (p50, p95, durations[-1]), self.slowest[1])


def _from_counted(runs: Durations, n: int) -> Stats:
    p50, p95 = (runs.at(_nearest_rank(n, percent)) for percent in (50, 95))
    return _stats(runs.name, n, runs.failed, (p50, p95, runs.longest_ns), runs.slowest)


def _stats(name: str, n: int, failed: int, durations_ns: tuple[int, int, int], slowest: str) -> Stats:
    p50_ns, p95_ns, max_ns = durations_ns
    return Stats(
        name=name,
        n=n,
        failed=failed,
        failed_percent=100 * failed / n,
        failed_interval=wilson_interval(failed, n) if n < FEW else None,
        p50_ms=p50_ns / 1e6,
        p95_ms=p95_ns / 1e6,
        max_ms=max_ns / 1e6,
        slowest_execution_id=slowest,
    )


def _ordered(stats: Iterable[Stats]) -> list[Stats]:
    return sorted(stats, key=lambda entry: (-entry.n, entry.name))


def _nearest_rank(n: int, percent: int) -> int:
    """Return which of `n` in order is the percentile, from 1."""
    return -(-percent * n // 100)
