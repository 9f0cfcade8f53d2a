from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_telemetry.stores import open_exporter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_telemetry.stores.registry import Exporter

BACKENDS = ("memory", "sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that is not there yet, of each backend."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'store.db'}"}[request.param]


@pytest.fixture
def exporter(url: str) -> Iterator[Exporter]:
    """The write side of an empty store of each backend."""
    exporter = open_exporter(url)
    yield exporter
    exporter.close()
