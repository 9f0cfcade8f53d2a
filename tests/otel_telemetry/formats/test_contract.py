"""Every format there is fulfils the contract of a format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_telemetry.formats import Csv, Json, JsonLines, OtlpJson, OtlpProtobuf
from otel_telemetry.testing import FormatContract

if TYPE_CHECKING:
    from otel_telemetry.formats import Format


class TestJson(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return Json()


class TestJsonLines(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return JsonLines()


class TestCsv(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return Csv()


class TestOtlpJson(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return OtlpJson()


class TestOtlpProtobuf(FormatContract):
    @pytest.fixture
    def export_format(self) -> Format:
        return OtlpProtobuf()
