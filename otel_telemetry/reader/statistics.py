"""How often each tool or step ran, how often it failed, and how long it took."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from otel_telemetry.spans import RowKind, RowStatus, SpanRow

if TYPE_CHECKING:
    from collections.abc import Iterable

StatsBy = Literal["tool", "step"]
STATS_BY: Final[tuple[StatsBy, ...]] = ("tool", "step")

FEW: Final = 30
"""Below this many runs a percentage says little, and an interval is given beside it."""

_Z_95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """The runs of one tool or step that have ended; steps that were skipped did not run.

    Durations are milliseconds; percentiles are durations that occurred (nearest rank). `failed_interval` is where the
    share of failures, in percent, lies with 95 % confidence (Wilson); it is given where `n` is below `FEW`.
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
        return Stats(
            name=name,
            n=n,
            failed=self.failed,
            failed_percent=100 * self.failed / n,
            failed_interval=wilson_interval(self.failed, n) if n < FEW else None,
            p50_ms=_nearest_rank(durations, 50) / 1e6,
            p95_ms=_nearest_rank(durations, 95) / 1e6,
            max_ms=durations[-1] / 1e6,
            slowest_execution_id=self.slowest[1],
        )


def statistics(rows: Iterable[SpanRow], by: StatsBy) -> list[Stats]:
    """Gather rows by tool or step; the name that ran most comes first, equal ones by name."""
    runs: dict[str, _Runs] = {}
    for row in rows:
        name = _tool(row) if by == "tool" else _step(row)
        if name is not None and row.ended_ns is not None:
            runs.setdefault(name, _Runs()).add(row, row.ended_ns - row.started_ns)
    return sorted((of.stats(name) for name, of in runs.items()), key=lambda stats: (-stats.n, stats.name))


def wilson_interval(failed: int, n: int) -> tuple[float, float]:
    """Return where, in percent, the true share lies with 95 % confidence when `failed` of `n` failed."""
    share, spread = failed / n, _Z_95 * _Z_95 / n
    center = share + spread / 2
    half = math.sqrt(share * (1 - share) * spread + spread * spread / 4)
    low, high = (center - half) / (1 + spread), (center + half) / (1 + spread)
    return 100 * max(0.0, low), 100 * min(1.0, high)


def _tool(row: SpanRow) -> str | None:
    # A step that calls a tool names it too, and its call has a row of its own.
    return row.tool_name if row.kind != RowKind.STEP else None


def _step(row: SpanRow) -> str | None:
    return row.step_id if row.kind == RowKind.STEP and row.status != RowStatus.SKIPPED else None


def _nearest_rank(ordered: list[int], percent: int) -> int:
    return ordered[-(-percent * len(ordered) // 100) - 1]
