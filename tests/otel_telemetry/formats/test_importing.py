"""What an import makes of what it reads: executions to be found, by whatever they are asked for."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import Any

import pytest

from otel_telemetry.formats import JsonLines, rows_from
from otel_telemetry.reader import Reader
from otel_telemetry.rows import RowKind, SpanRow
from otel_telemetry.testing.export_format import SAMPLES
from span_processors.redaction import Redactor
from tests.otel_telemetry.formats.stores import filled, imported, records_in

REMOTE = 0x301


def span(number: int, parent: int | None = None, *, start: int = 10, **more: Any) -> dict[str, Any]:
    written = {
        "traceId": "1" * 32,
        "spanId": f"{number:016x}",
        "name": f"s{number}",
        "startTimeUnixNano": start,
        **more,
    }
    return written | {"endTimeUnixNano": start + 5} | ({"parentSpanId": f"{parent:016x}"} if parent else {})


def rows(*spans: dict[str, Any]) -> list[SpanRow]:
    """Import a file that has each span in a line of its own, as a collector may well have written it."""
    lines = (json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}) for one in spans)
    return list(rows_from(io.BytesIO("\n".join(lines).encode()), Redactor()))


@pytest.mark.parametrize(
    ("spans", "root"),
    [
        ([span(2, 1), span(1), span(3, 1)], 1),
        ([span(3, 2, flags=REMOTE), span(2, 1, start=5, flags=REMOTE), span(1, start=20)], 1),
        ([span(3, 2, flags=REMOTE), span(2, 9, start=5, flags=REMOTE)], 2),
        ([span(3, 2), span(2, 9, start=5), span(4, 9, start=5)], 2),
    ],
    ids=["one root", "a root and entries of other processes", "entries only", "no root"],
)
def test_a_trace_of_others_is_one_execution(spans: list[dict[str, Any]], root: int) -> None:
    for order in (spans, spans[::-1]):
        found = rows(*order)
        assert [row.span_id for row in found if row.kind == RowKind.EXECUTION] == [root]
        with closing(filled("memory://", found)) as exporter:
            (record,) = records_in(exporter)
        assert len(record.steps) + (not record.rootless) == len(spans)
        assert record.workflow_name == (None if record.rootless else f"s{root}")


def test_what_was_interrupted_is_found_as_such() -> None:
    out = io.BytesIO()
    JsonLines().write(SAMPLES, out)
    with closing(imported("memory://", out.getvalue())) as exporter, closing(exporter.store()) as store:
        reader = Reader(store, alive=lambda leases, now: frozenset())
        assert [record.execution_id for record in reader.query(interrupted=True)] == ["run-1"]
        assert reader.count(interrupted=False) == 2
        assert {record.execution_id: record.interrupted for record in reader.query(payloads=False)} == {
            record.execution_id: record.interrupted for record in SAMPLES
        }
