"""Where an export goes: files that appear whole or not at all, streams, and what is refused."""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.errors import ExportError, FormatError
from otel_telemetry.formats import export_to
from otel_telemetry.testing.export_format import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_telemetry.records import ExecutionRecord


def test_the_suffix_tells_the_format(tmp_path: Path) -> None:
    firsts = {}
    for name in ("a.json", "a.jsonl", "a.ndjson", "a.csv", "a.otlp.jsonl", "A.OTLP.JSON", "a.pb"):
        export_to(None, tmp_path / name, SAMPLES)
        firsts[name] = (tmp_path / name).read_bytes()[:20]
    assert firsts["a.json"].startswith(b'{"format":')
    assert firsts["a.jsonl"] == firsts["a.ndjson"] != firsts["a.csv"]
    assert firsts["a.jsonl"].startswith(b'{"execution_id":')
    assert firsts["a.csv"].startswith(b"execution_id,")
    assert firsts["a.otlp.jsonl"] == firsts["A.OTLP.JSON"] == b'{"resourceSpans":[{"'
    assert firsts["a.pb"][:1] == b"\0"


@pytest.mark.parametrize("name", ["runs", "runs.txt", "json"])
def test_an_unknown_suffix_names_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"\.csv.*\.jsonl.*otlp-proto"):
        export_to(None, tmp_path / name, SAMPLES)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="did you mean 'jsonl'"):
        export_to("jsonlines", tmp_path / "runs", SAMPLES)


def test_a_stream_needs_a_format() -> None:
    with pytest.raises(FormatError, match="a stream has no suffix"):
        export_to(None, io.BytesIO(), SAMPLES)


def test_only_otlp_is_sent_to_a_server() -> None:
    with pytest.raises(FormatError, match="'csv' cannot be sent"):
        export_to("csv", "http://127.0.0.1:9", SAMPLES)


def test_progress_is_told_after_each_record() -> None:
    told: list[int] = []
    assert export_to("jsonl", io.BytesIO(), SAMPLES, progress=told.append) == 3
    assert told == [1, 2, 3]


def test_the_tables_of_one_export_stand_side_by_side(tmp_path: Path) -> None:
    export_to(None, tmp_path / "last.week.csv", SAMPLES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "last.week.csv",
        "last.week.errors.csv",
        "last.week.steps.csv",
        "last.week.tool_calls.csv",
    ]


def test_one_table_that_exists_stops_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "runs.errors.csv").write_bytes(b"precious")
    with pytest.raises(ExportError, match=r"runs\.errors\.csv exists"):
        export_to(None, tmp_path / "runs.csv", SAMPLES)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.errors.csv"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "runs.jsonl"

    def racing() -> Iterator[ExecutionRecord]:
        yield SAMPLES[0]
        target.write_bytes(b"somebody else's")

    with pytest.raises(ExportError, match="exists"):
        export_to(None, target, racing())
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"somebody else's"]


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"untouched")
    link = tmp_path / "runs.jsonl"
    link.symlink_to(outside)
    with pytest.raises(ExportError, match="exists"):
        export_to(None, link, SAMPLES)
    export_to(None, link, SAMPLES, overwrite=True)
    assert outside.read_bytes() == b"untouched"
    assert not link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o600


def test_a_link_to_nowhere_counts_as_a_file_that_exists(tmp_path: Path) -> None:
    link = tmp_path / "runs.jsonl"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ExportError, match="exists"):
        export_to(None, link, SAMPLES)
    assert not (tmp_path / "nowhere").exists()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("pipe.jsonl", "folder.jsonl"):
        with pytest.raises(ExportError, match="is not a file"):
            export_to(None, tmp_path / name, SAMPLES, overwrite=True)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="No such file or directory"):
        export_to(None, tmp_path / "nowhere" / "runs.jsonl", SAMPLES)


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[ExecutionRecord]:
        yield SAMPLES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_to(None, tmp_path / "runs.csv", interrupted())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    full = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115  (closed below)
    with full, pytest.raises(OSError, match="No space left"):
        export_to("jsonl", full, SAMPLES)


@pytest.mark.parametrize("format_name", ["json", "jsonl", "csv", "otlp", "otlp-proto"])
def test_an_export_of_many_takes_the_memory_of_few(format_name: str, tmp_path: Path) -> None:
    def many(number: int) -> Iterator[ExecutionRecord]:
        return (replace(SAMPLES[0], execution_id=f"run-{position}") for position in range(number))

    export_to(format_name, tmp_path / "warm", many(500))
    peaks = []
    for number in (500, 1500):
        tracemalloc.start()
        export_to(format_name, tmp_path / f"runs-{number}", many(number))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Against what is written, and not against the first: what other threads of the test run allocate counts as well.
    written = sum(file.stat().st_size for file in tmp_path.glob("runs-1500*"))
    assert peaks[1] - peaks[0] < written / 4
