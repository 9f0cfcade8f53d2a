"""Numbers as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_telemetry.cli.picture import DIM
from otel_telemetry.cli.text import Segment, View, columns, duration, line, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from otel_telemetry.reader import Stats

_HEADS = ("n", "failed", "95 %", "p50", "p95", "max", "slowest run")
_NUMBERS = frozenset(range(1, len(_HEADS)))
_INTERVAL = 1 + _HEADS.index("95 %")


def statistics(found: Mapping[str, Sequence[Stats]], view: View) -> Iterator[str]:
    """Draw the statistics of each kind ("tool", "step") as a table of their own."""
    for kind, entries in found.items():
        if entries:
            rows = [_row(entry) for entry in entries]
            head: list[Segment] = [(text, DIM) for text in (kind, *_HEADS)]
            if not any(row[_INTERVAL][0] for row in rows):
                head[_INTERVAL] = ("", None)
            rows.insert(0, head)
            yield from (line(row, view.width) for row in columns(rows, right=_NUMBERS))


def _row(entry: Stats) -> list[Segment]:
    interval = entry.failed_interval
    return [
        (safe(entry.name), None),
        (str(entry.n), None),
        (f"{entry.failed_percent:.1f} %", "red" if entry.failed else None),
        ("" if interval is None else f"{interval[0]:.0f}-{interval[1]:.0f} %", DIM),
        (duration(entry.p50_ms), None),
        (duration(entry.p95_ms), None),
        (duration(entry.max_ms), None),
        (safe(entry.slowest_execution_id), DIM),
    ]
