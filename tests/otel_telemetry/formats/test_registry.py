"""A format from a stranger: one class, one registration, and the public contract to pass."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import orjson
import pytest

from otel_telemetry.codec import encode, from_json, to_json
from otel_telemetry.errors import FormatError
from otel_telemetry.formats import ReadableFormat, export_to, get, names, register, registry
from otel_telemetry.testing import FormatContract
from otel_telemetry.testing.export_format import SAMPLES
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from otel_telemetry.formats import Format
    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData


class Framed:
    """Each execution after its length in decimal."""

    name = "framed"
    suffixes = (".framed",)

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        for record in records:
            text = canonical(to_json(record)).encode()
            out.write(b"%d:%s" % (len(text), text))

    def recognises(self, head: bytes) -> bool:
        return head[:1].isdigit()

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        while digits := b"".join(iter(lambda: source.read(1).strip(b":"), b"")):
            if not digits.isdigit():
                raise FormatError("this is no length")
            text = source.read(min(int(digits[:9]), 1 << 24))
            if len(text) != int(digits[:9]):
                raise FormatError("it was cut off")
            try:
                yield from encode(from_json(orjson.loads(text)))
            except orjson.JSONDecodeError:
                raise FormatError("this is no JSON") from None


@pytest.fixture(autouse=True)
def formats_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_formats", registry._formats.copy())


class TestFramed(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return Framed()


def test_registering_is_all_it_takes(tmp_path: Path) -> None:
    register(Framed())
    assert isinstance(get("framed"), ReadableFormat)
    assert export_to(None, tmp_path / "runs.framed", SAMPLES) == 3


def test_an_installed_package_brings_its_format_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brought.py").write_text(
        "class Brought:\n"
        "    name = 'brought'\n"
        "    suffixes = ('.brought',)\n"
        "    def write(self, records, out):\n"
        "        out.writelines(record.execution_id.encode() for record in records)\n"
    )
    metadata = tmp_path / "brought-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: brought\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[otel_telemetry.formats]\nbrought = brought:Brought\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "brought" in names()
    out = io.BytesIO()
    export_to("brought", out, SAMPLES[:2])
    assert out.getvalue() == b"run-1run-2"
    export_to(None, tmp_path / "runs.brought", SAMPLES[:2])
    assert (tmp_path / "runs.brought").read_bytes() == b"run-1run-2"


def test_the_formats_there_are() -> None:
    assert names() == ["csv", "json", "jsonl", "otlp", "otlp-proto"]
    with pytest.raises(FormatError, match="unknown format 'jsnol': did you mean 'json"):
        get("jsnol")
