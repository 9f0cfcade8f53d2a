"""What a store should answer, by plain Python: the side that backends are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_telemetry.query import Filter, OrderBy, Position
from otel_telemetry.rows import RowKind, SpanRow


def standing(written: Iterable[SpanRow]) -> list[SpanRow]:
    """Return the rows that a store holds after these were written one after the other."""
    rows: dict[tuple[str, int, int], SpanRow] = {}
    for row in written:
        key = (row.execution_id, row.span_id, row.started_ns)
        if row.ended_ns is not None or key not in rows or rows[key].ended_ns is None:
            rows[key] = row
    return list(rows.values())


def matching(
    rows: Sequence[SpanRow],
    where: Filter,
    *,
    live_leases: frozenset[int] = frozenset(),
    order_by: OrderBy = "-started_at",
) -> list[SpanRow]:
    """Return the execution rows among `rows` that match, in order."""
    spans: dict[str, list[SpanRow]] = {}
    for row in rows:
        spans.setdefault(row.execution_id, []).append(row)
    placed = [
        (position, row)
        for row in rows
        if row.kind == RowKind.EXECUTION
        and (position := Position.of(row, order_by)) is not None
        and where.matches(row, spans[row.execution_id], live_leases)
    ]
    placed.sort(key=lambda pair: pair[0], reverse=order_by.startswith("-"))
    return [row for _, row in placed]


def as_read(row: SpanRow) -> SpanRow:
    """Return `row` as a store gives it back: its metadata was for the index only."""
    return row._replace(metadata=())


def in_time_order(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """Return rows in the order of `SpanStore.spans`."""
    return sorted(rows, key=lambda row: (row.started_ns, row.sequence or 0, row.execution_id, row.span_id))
