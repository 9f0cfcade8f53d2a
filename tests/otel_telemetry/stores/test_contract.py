"""The three backends of this package, each held to the public contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.stores import sql_store
from otel_telemetry.stores.registry import open_exporter
from otel_telemetry.testing import SpanStoreContract

if TYPE_CHECKING:
    from otel_telemetry.stores.registry import Exporter


class TestMemory(SpanStoreContract):
    @pytest.fixture
    def exporter(self) -> Iterator[Exporter]:
        exporter = open_exporter("memory://")
        yield exporter
        exporter.close()


class TestManyRows(TestMemory):
    """The other way to find executions: as where many rows fulfil what is asked."""

    @pytest.fixture(autouse=True)
    def _nothing_is_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sql_store, "FEW", -1)


class TestSQLite(SpanStoreContract):
    @pytest.fixture
    def exporter(self, tmp_path: Path) -> Iterator[Exporter]:
        exporter = open_exporter(f"sqlite:///{tmp_path / 'telemetry.db'}")
        yield exporter
        exporter.close()


class TestPostgreSQL(SpanStoreContract):
    @pytest.fixture
    def exporter(self, postgres_url: str) -> Iterator[Exporter]:
        exporter = open_exporter(postgres_url)
        yield exporter
        exporter.close()
