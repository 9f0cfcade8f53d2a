"""JSON: one document or a line for each execution, written and read line by line."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from otel_telemetry.errors import FormatError
from otel_telemetry.formats import Json, JsonLines, import_from
from otel_telemetry.testing.export_format import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path


def written(export_format: Any) -> bytes:
    out = io.BytesIO()
    export_format.write(SAMPLES, out)
    return out.getvalue()


DOCUMENT = written(Json())
LINES = written(JsonLines())
SPANS = list(JsonLines().read(io.BytesIO(LINES)))


def test_a_document_says_what_it_is_and_has_an_execution_a_line() -> None:
    document = json.loads(DOCUMENT)
    assert list(document) == ["format", "version", "executions"]
    assert (document["format"], document["version"]) == ("otel-telemetry", 1)
    assert DOCUMENT.decode("ascii").splitlines()[1:-1] == [
        line + comma for line, comma in zip(LINES.decode("ascii").splitlines(), (",", ",", ""), strict=True)
    ]
    assert [json.loads(line)["execution_id"] for line in LINES.splitlines()] == [
        record.execution_id for record in SAMPLES
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_laid_out_anew_is_read(indent: int | None) -> None:
    document = json.dumps(json.loads(DOCUMENT), indent=indent, ensure_ascii=False).encode()
    assert list(import_from(io.BytesIO(document))) == SPANS
    assert list(import_from(io.BytesIO(DOCUMENT.replace(b"\n", b"\r\n")))) == SPANS


def test_a_line_more_or_less_makes_no_difference() -> None:
    assert list(import_from(io.BytesIO(b"\n  \n" + LINES.replace(b"\n", b"\n\n") + b"\n"))) == SPANS
    assert list(import_from(io.BytesIO(LINES.rstrip()))) == SPANS
    assert list(import_from(io.BytesIO(b""))) == []


class Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_a_pipe_can_be_imported() -> None:
    assert list(import_from(Unseekable(DOCUMENT))) == SPANS


@pytest.mark.parametrize("source", [io.BytesIO, Unseekable])
def test_a_packed_file_is_unpacked(source: Any, tmp_path: Path) -> None:
    packed = gzip.compress(LINES)
    assert list(import_from(source(packed))) == SPANS
    (tmp_path / "runs.jsonl.gz").write_bytes(packed)
    assert list(import_from(tmp_path / "runs.jsonl.gz")) == SPANS
    for damaged in (packed[:-9], packed[:20] + b"\0\0\0\0" + packed[24:]):
        with pytest.raises(FormatError, match="the gzip file is damaged"):
            list(import_from(source(damaged)))


def test_a_stream_stays_open_and_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"before" + LINES)
    stream.seek(6)
    assert list(import_from(stream)) == SPANS
    assert not stream.closed


STARTED = b'"started_at":1760000000123456789'
FIRST, SECOND, THIRD = LINES.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FIRST + SECOND[:-20], "line 2, column"),
        (FIRST + b"\n\n" + b"nonsense\n", "line 4, column 1"),
        (FIRST + b"[]\n", "line 2: "),
        (FIRST + b'{"execution_id":"x"}\n', "line 2: .*"),
        (FIRST + SECOND.replace(b'"started_at":17', b'"started_at":"17', 1), "line 2, column"),
        (FIRST + SECOND.replace(STARTED, b'"started_at":"yesterday"', 1), "line 2: .*started_at"),
        (FIRST + SECOND.replace(STARTED, b'"started_at":1e300', 1), "line 2: .*started_at"),
        (FIRST + SECOND.replace(STARTED, b'"started_at":' + b"9" * 5000, 1), "line 2"),
        (FIRST + SECOND.replace(b'"status":"completed"', b'"status":"done"', 1), "line 2: .*status"),
        (FIRST + b"[" * 2000, "line 2, column"),
        (FIRST + b"\xff\xfe\x00\n", "line 2, column 1"),
    ],
)
def test_lines_that_are_damaged_are_refused_before_anything_comes_out(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=f"^{said}"):
        next(import_from(io.BytesIO(text), format="jsonl"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DOCUMENT[:-4], "ends after line 4 without"),
        (b"".join(DOCUMENT.splitlines(keepends=True)[:2]), "ends after line 2 without"),
        (DOCUMENT.replace(b",\n", b",\n]}\n", 1), "line 3"),
        (DOCUMENT + b"{}", "line 6: there is something after the end"),
        (DOCUMENT.replace(b'"version":1', b'"version":2'), "newer release"),
        (DOCUMENT.replace(b"otel-telemetry", b"otel-telemetrics"), '"format" is not'),
        (b'{"format":"otel-telemetry","version":1}', '"executions" is not an array'),
        (b'{"format":"otel-telemetry","version":1,"executions":[{}]}', "execution 1: "),
        (b"[]", '"format" is not'),
        (b"", "line 1, column"),
    ],
)
def test_a_document_that_is_damaged_is_refused_before_anything_comes_out(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        next(import_from(io.BytesIO(text), format="json"))


@pytest.mark.parametrize("text", [b"hello\n", b"\x89PNG\r\n", b"[1]", b'{"spans":[]}', b"a,b\n1,2\n"])
def test_a_file_of_another_kind_is_refused_by_naming_those_there_are(text: bytes) -> None:
    with pytest.raises(FormatError, match="json, jsonl, otlp, otlp-proto"):
        list(import_from(io.BytesIO(text)))


def test_a_format_that_is_only_written_cannot_be_imported() -> None:
    with pytest.raises(FormatError, match="'csv' can only be exported"):
        list(import_from(io.BytesIO(b""), format="csv"))


def test_a_line_too_long_for_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_telemetry.formats.json_text.MAX_LINE_BYTES", 1 << 20)
    with pytest.raises(FormatError, match="line 2 is longer than 1 MiB"):
        list(import_from(io.BytesIO(FIRST + b"x" * (1 << 21))))


def test_a_file_that_is_not_there_is_the_system_s_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(import_from(tmp_path / "nowhere.json"))
