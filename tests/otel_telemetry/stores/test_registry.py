"""Backends by scheme."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.stores import (
    Backend,
    MemorySpanExporter,
    PostgresSpanExporter,
    SQLiteSpanExporter,
    open_exporter,
    open_store,
    register,
    registry,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_scheme_chooses_the_backend(tmp_path: Path) -> None:
    assert isinstance(open_exporter("memory://"), MemorySpanExporter)
    assert isinstance(open_exporter(f"sqlite:///{tmp_path}/store.db"), SQLiteSpanExporter)
    assert isinstance(open_exporter("postgresql://nowhere/db"), PostgresSpanExporter)
    assert isinstance(open_exporter("postgres://nowhere/db"), PostgresSpanExporter)


@pytest.mark.parametrize("opened", [open_exporter, open_store])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgress://host/db", "unknown kind of store 'postgress': did you mean 'postgres'"),
        ("sqlit:///x.db", "did you mean 'sqlite'"),
        ("mysql://host/db", "Valid: memory, postgres, postgresql, sqlite"),
        ("telemetry.db", "a store is named by a URL: sqlite:///telemetry.db"),
        ("", "a store is named by a URL"),
    ],
)
def test_an_unknown_scheme_is_refused_with_the_nearest(opened: object, url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        opened(url)  # type: ignore[operator]


def test_an_error_shows_nothing_of_the_rest_of_the_url() -> None:
    password = "correct-horse"
    with pytest.raises(ConfigurationError) as caught:
        open_exporter(f"posgres://me:{password}@host/db")
    assert password not in str(caught.value)


def test_a_memory_store_has_no_name_and_no_other_reader() -> None:
    with pytest.raises(ConfigurationError, match="write memory://"):
        open_exporter("memory://shared")
    with pytest.raises(StoreUnavailableError, match="in the process that records"):
        open_store("memory://")


def test_memory_needs_a_sqlite_that_can_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 5))
    with pytest.raises(ConfigurationError, match=r"needs SQLite 3\.36"):
        MemorySpanExporter()


def test_a_backend_is_added_with_one_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_backends", dict(registry._backends))
    recorder, reader = MemorySpanExporter(), object()

    def exporter(url: str, *, option: int) -> MemorySpanExporter:
        assert (url, option) == ("scratch://place", 4)
        return recorder

    register("scratch", Backend(exporter, lambda _url: reader))  # type: ignore[arg-type]

    assert open_exporter("scratch://place", option=4) is recorder
    assert open_store("scratch://place") is reader


def test_a_backend_is_added_by_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_backends", dict(registry._backends))
    (tmp_path / "their_backend.py").write_text(
        "from otel_telemetry.stores import Backend\n"
        "BACKEND = Backend(lambda url, **_: 'exporter', lambda url: 'store')\n"
    )
    info = tmp_path / "their_backend-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-backend\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\ntheirs = their_backend:BACKEND\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert open_exporter("theirs://place") == "exporter"
    assert open_store("theirs://place") == "store"
    with pytest.raises(ConfigurationError, match="did you mean 'theirs'"):
        open_exporter("their://place")
