"""What an import makes of what it reads: executions to be found, by whatever they are asked for."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import Any

import pytest

from otel_telemetry.formats import JsonLines, rows_from
from otel_telemetry.reader import Reader
from otel_telemetry.rows import RowKind, SpanRow, data_of, row_of
from otel_telemetry.semconv import EXECUTION_ID, KIND, METADATA, OPERATION_NAME, STATUS
from otel_telemetry.testing.export_format import SAMPLES
from otel_telemetry.testing.rows import make_row
from span_processors.data import CleanText, SpanData
from span_processors.redaction import Redactor
from tests.otel_telemetry.formats.stores import exported, filled, imported, records_in, rows_of_import

REMOTE = 0x301


def own_span(number: int, more: dict[str, Any]) -> SpanData:
    """One of several spans of the execution ``e``."""
    attributes = {KIND: "execution", EXECUTION_ID: "e", OPERATION_NAME: "invoke_workflow", **more}
    return data_of(make_row(RowKind.EXECUTION, "e", number))._replace(
        trace_id=7, start_ns=number * 100, end_ns=number * 100 + 50, attributes=attributes
    )


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
    ("spans", "first", "rootless"),
    [
        ([span(2, 1), span(1), span(3, 1)], 1, False),
        ([span(3, 2, flags=REMOTE), span(2, 1, start=5, flags=REMOTE), span(1, start=20)], 1, False),
        ([span(3, 2, flags=REMOTE), span(2, 9, start=5, flags=REMOTE)], 2, False),
        ([span(3, 2), span(2, 9, start=5), span(4, 9, start=5)], 2, True),
    ],
    ids=["one root", "a root and entries of other processes", "entries only", "no root"],
)
def test_a_trace_of_others_is_one_execution(spans: list[dict[str, Any]], first: int, rootless: bool) -> None:  # noqa: FBT001  (a table's column)
    for order in (spans, spans[::-1]):
        with closing(filled("memory://", rows(*order))) as exporter:
            (record,) = records_in(exporter)
        assert (record.workflow_name, record.rootless) == (f"s{first}", rootless)
        assert record.started_at == spans[[one["name"] for one in spans].index(f"s{first}")]["startTimeUnixNano"]
        roots = [] if record.span is None else [record.span.span_id]
        assert roots == ([] if rootless else [f"{first:016x}"])
        assert sorted([*roots, *(step.span.span_id for step in record.steps if step.span)]) == sorted(
            one["spanId"] for one in spans
        )


def test_two_entries_of_one_trace_are_no_problem() -> None:
    """Each was called from somewhere: the earlier is the execution, the other a step of it."""
    found = rows(span(3, 8, flags=REMOTE), span(2, 9, start=5, flags=REMOTE))
    with closing(filled("memory://", found)) as exporter:
        (record,) = records_in(exporter)
    assert (record.problems, [step.problems for step in record.steps]) == ((), [()])


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_trace_in_several_files_is_the_same_in_any_order(cut: int) -> None:
    spans = [span(1, start=1), span(2, 1, start=2), span(3, 2, start=3, flags=REMOTE), span(4, 3, start=4)]
    files = [rows(*spans[:cut]), rows(*spans[cut:])]
    with closing(filled("memory://", rows(*spans))) as exporter:
        expected = records_in(exporter)
    for order in (files, files[::-1], [*files, files[0]]):
        with closing(filled("memory://", [])) as exporter:
            for file in order:
                exporter.write(file)
            assert records_in(exporter) == expected


def test_a_run_that_was_resumed_comes_back_as_it_was() -> None:
    """Export and import keep each of its spans: what they say together is on top, what each says is with it."""
    first = {
        "gen_ai.workflow.name": "invoice",
        "otel_telemetry.inputs": CleanText("[1]"),
        METADATA: CleanText('{"k":1}'),
    }
    later = {STATUS: "failed", "otel_telemetry.outputs": CleanText("[2]")}
    stored = [
        row_of(own_span(number, {STATUS: "completed", **more}), None)
        for number, more in enumerate((first, later, {METADATA: CleanText('{"k":2}')}), 1)
    ]
    with closing(filled("memory://", stored)) as exporter:
        (record,) = records_in(exporter)
        assert (record.workflow_name, record.metadata, record.inputs) == ("invoice", {"k": 2}, [1])
        written = exported(exporter, "jsonl")
        exporter.write(rows_of_import(written))
        (again,) = records_in(exporter)
        assert len(again.spans) == len(record.spans) == 2, "the same spans once more are no other spans"
    for format_name in ("json", "jsonl", "otlp", "otlp-proto"):
        with closing(filled("memory://", stored)) as exporter:
            written = exported(exporter, format_name)
        with closing(imported("memory://", written)) as exporter:
            assert exported(exporter, format_name) == written
            assert records_in(exporter) == [record]


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
