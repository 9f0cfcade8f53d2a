"""How often each tool or step ran, how often it failed, and how long it took."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from otel_telemetry.rows import Durations, RowKind, RowStatus, SpanRow, add_up, what_ran

if TYPE_CHECKING:
    from collections.abc import Iterable

StatsBy = Literal["tool", "step"]
STATS_BY: Final[tuple[StatsBy, ...]] = ("tool", "step")

FEW: Final = 30
"""Below this many runs a percentage says little, and an interval is given beside it."""

_KINDS: Final[dict[StatsBy, int]] = {"tool": RowKind.TOOL_CALL, "step": RowKind.STEP}
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


def statistics(rows: Iterable[SpanRow], by: StatsBy) -> list[Stats]:
    """Gather rows by tool or step; the name that ran most comes first, equal ones by name."""
    runs: dict[str, _Runs] = {}
    for row in rows:
        ran = what_ran(row.kind, row.status, row.step_id, row.tool_name)
        if ran is not None and ran[0] == _KINDS[by] and row.ended_ns is not None:
            runs.setdefault(ran[1], _Runs()).add(row, row.ended_ns - row.started_ns)
    return _ordered(of.stats(name) for name, of in runs.items())


def from_durations(durations: Iterable[Durations], by: StatsBy) -> list[Stats]:
    """Return the same from counted durations: percentiles are the nearest that these can tell."""
    counted = add_up(part for part in durations if part.kind == _KINDS[by])
    return _ordered(_from_counted(runs, n) for runs in counted if (n := runs.n) > 0)


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

    def add(self, row: SpanRow, duration_ns: int) -> None:
        self.durations_ns.append(duration_ns)
        self.failed += row.status == RowStatus.FAILED
        self.slowest = max(self.slowest, (duration_ns, row.execution_id))

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
