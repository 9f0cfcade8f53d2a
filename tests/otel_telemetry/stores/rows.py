"""Rows made by hand, for what writes and reads them."""

from __future__ import annotations

from otel_telemetry.rows import RowKind, RowStatus, SpanRow
from span_processors.data import ResourceData

RESOURCE = ResourceData(7, {"service.name": "engine"}, "https://example.org/schema")
T0 = 1_763_800_000_000_000_000


def row(span_id: int = 1, *, ended: bool = True, **columns: object) -> SpanRow:
    """An execution's row, ended or only started, with any columns changed."""
    values: dict[str, object] = dict.fromkeys(SpanRow._fields)
    values |= {
        "execution_id": "execution-1",
        "span_id": span_id,
        "started_ns": T0,
        "trace_id": bytes(range(16)),
        "kind": int(RowKind.EXECUTION),
        "status": int(RowStatus.COMPLETED if ended else RowStatus.RUNNING),
        "ended_ns": T0 + 1_000 if ended else None,
        "resource_id": RESOURCE.key,
        "resource": RESOURCE,
        "metadata": (),
    }
    return SpanRow(**(values | columns))  # type: ignore[arg-type]  # the values are given by name
