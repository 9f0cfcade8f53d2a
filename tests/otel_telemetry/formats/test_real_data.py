"""Files that others recorded: imported whole, and exported as they can be imported again."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from otel_telemetry import codec
from otel_telemetry.errors import FormatError
from otel_telemetry.formats import import_from, rows_from
from span_processors.redaction import Redactor
from tests.otel_telemetry.formats.stores import exported, filled, imported, records_in

VARIABLE = "OTEL_TELEMETRY_TEST_DATA"


@pytest.fixture(scope="session")
def data() -> Path:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no folder with recordings of others")
    return Path(os.environ[VARIABLE])


class Recording(NamedTuple):
    """What is known of a file: it was counted by other means."""

    path: str
    spans: int
    traces: int
    errors: int
    events: int
    links: int


DEMO = Recording("otel-demo-otlp/otel-demo-traces.otlp.jsonl.gz", 547, 141, 107, 139, 53)
RECORDINGS = [
    DEMO,
    DEMO._replace(path="otel-demo-otlp/otel-demo-mixed-signals.otlp.jsonl.gz"),
    Recording("otlp-proto-examples/trace.json", 1, 1, 0, 0, 0),
    Recording("jaeger/otel_traces_01.json", 4, 2, 4, 8, 8),
    Recording("jaeger/otlp2jaeger-multi-in-combined.otlp.json", 4, 1, 0, 0, 0),
]
recordings = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: Path(recording.path).name)


@recordings
def test_everything_in_it_is_read(recording: Recording, data: Path) -> None:
    spans = list(import_from(data / recording.path))
    assert (
        Recording(
            recording.path,
            spans=len(spans),
            traces=len({span.trace_id for span in spans}),
            errors=sum(span.status_code == 2 for span in spans),
            events=sum(len(span.events) for span in spans),
            links=sum(len(span.links) for span in spans),
        )
        == recording
    )


@recordings
@pytest.mark.parametrize("format_name", ["json", "jsonl", "otlp", "otlp-proto"])
def test_each_trace_is_an_execution_that_survives_export_and_import(
    recording: Recording, format_name: str, data: Path, tmp_path: Path
) -> None:
    rows = list(rows_from(data / recording.path, Redactor()))
    with closing(filled("memory://", rows)) as first:
        records = records_in(first)
        assert len({record.execution_id for record in records}) == len(records) == recording.traces
        assert sum(len(codec.encode(record)) for record in records) == recording.spans
        written = exported(first, format_name)
    with closing(imported(f"sqlite:///{tmp_path / 'again.db'}", written, format_name)) as second:
        assert exported(second, format_name) == written
    (tmp_path / "written").write_bytes(written)
    assert len(list(import_from(tmp_path / "written"))) == recording.spans


@pytest.mark.parametrize(
    "path",
    [
        "openinference/vercel-v6-all-spans.json",
        "jaeger/genaiTestTrace.jaeger.json",
        "clustertrace/demo-traces.jsonl",
        "temporal-histories/histories.tar.gz",
    ],
)
def test_what_is_in_no_format_of_ours_is_refused(path: str, data: Path) -> None:
    with pytest.raises(FormatError, match="none of the formats that can be imported"):
        list(import_from(data / path))
