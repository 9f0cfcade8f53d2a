"""Rows of workload W in any number: those of 50 recorded executions, repeated at other times and with other ids.

Durations are drawn from a log-normal distribution; every failure, caller and metadata value of W is there. Executions
are a fixed time apart, so that ten times as many are those of ten times as long.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence

import otel_telemetry as ot
from otel_telemetry.rows import RowKind, SpanRow, index_value, row_of
from otel_telemetry.stores import registry
from span_processors.data import SpanData
from tests.benchmarks import workload as w
from tests.benchmarks.sides import record

WORKFLOWS = 4
APART_NS = 26_000_000_000
"""100,000 executions are those of a month."""
FIRST_NS = 1_700_000_000_000_000_000
_TEMPLATES = 50
_MEDIAN_NS = {"crm.lookup": 40_000_000, "stripe.charge": 300_000_000, "mail.send": 90_000_000}


class _Kept:
    """A backend that keeps the rows that it is given."""

    name = "kept"
    wants_starts = False

    def __init__(self) -> None:
        self.rows: list[SpanRow] = []

    def prepare(self, span: SpanData) -> SpanRow:
        return row_of(span, None)

    def size(self, row: SpanRow) -> int:
        return 1

    def write(self, rows: Sequence[SpanRow]) -> None:
        self.rows += rows

    def heartbeat(self) -> None: ...

    def after_fork_in_child(self) -> None: ...

    def close(self) -> None: ...


def executions(number: int, first: int = 0) -> Iterator[list[SpanRow]]:
    """Yield the rows of executions, an execution at a time, always the same ones for a number."""
    templates = _templates()
    for n in range(first, first + number):
        yield _execution(templates[n % _TEMPLATES], n)


def batches(number: int, first: int = 0, size: int = 50) -> Iterator[list[SpanRow]]:
    """Yield the rows of executions, about a thousand at a time."""
    batch: list[SpanRow] = []
    for rows in executions(number, first):
        batch += rows
        if len(batch) >= size * w.SPANS:
            yield batch
            batch = []
    if batch:
        yield batch


def execution_id(n: int) -> str:
    """Return the id of an execution: a UUID in order of time, as the recorder's are."""
    return str(uuid.UUID(int=((FIRST_NS + n * APART_NS) // 1_000_000 << 80) | 0x7000_8000_0000_0000_0000 | n))


def _templates() -> list[list[SpanRow]]:
    kept = _Kept()
    registry.register("kept", registry.Backend(lambda url, **options: kept, lambda url: None))  # type: ignore[arg-type, return-value]
    telemetry = ot.configure(store="kept://")
    for n in range(_TEMPLATES):
        record(telemetry, n)
    telemetry.shutdown()
    executions: dict[str, list[SpanRow]] = {}
    for row in kept.rows:
        executions.setdefault(row.execution_id, []).append(row)
    return sorted(
        (sorted(rows, key=lambda row: row.sequence or 0) for rows in executions.values()),
        key=lambda rows: rows[0].started_ns,
    )


def _execution(template: list[SpanRow], n: int) -> list[SpanRow]:
    draw = random.Random(n)
    common = {"execution_id": execution_id(n), "trace_id": draw.randbytes(16), "lease_id": None}
    ids = {row.span_id: draw.getrandbits(63) for row in template}
    now = FIRST_NS + n * APART_NS
    rows: list[SpanRow] = []
    for row in template:
        ended = now
        if row.kind == RowKind.TOOL_CALL:
            ended = now = now + int(_MEDIAN_NS[row.tool_name or ""] * draw.lognormvariate(0, 0.5))
        rows.append(
            row._replace(
                **common,
                span_id=ids[row.span_id],
                parent_span_id=ids.get(row.parent_span_id or 0),
                started_ns=rows[-1].ended_ns or now if row.kind == RowKind.TOOL_CALL else now,
                ended_ns=ended,
            )
        )
    return _with_ends(rows, n)


def _with_ends(rows: list[SpanRow], n: int) -> list[SpanRow]:
    """Let steps and the execution end with the last call in them, and the execution be found by what W says of it."""
    end = 0
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        if row.kind == RowKind.TOOL_CALL:
            end = max(end, row.ended_ns or 0)
        elif row.kind == RowKind.STEP:
            rows[place], end = row._replace(ended_ns=end), 0
        else:
            rows[place] = row._replace(
                ended_ns=max(other.ended_ns or 0 for other in rows),
                workflow_name=f"invoice-{n // _TEMPLATES % WORKFLOWS}",
                caller_id=f"user-{n % 100}",
                metadata=tuple((key, index_value(value)) for key, value in w.metadata(n).items()),
            )
    return rows
