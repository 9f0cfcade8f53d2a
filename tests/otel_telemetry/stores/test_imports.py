"""What is imported when: recording needs no SQLAlchemy, reading no SDK."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from otel_telemetry import stores

if TYPE_CHECKING:
    from pathlib import Path


def imported(program: str, *arguments: str) -> set[str]:
    command = [sys.executable, "-c", textwrap.dedent(program) + "\nimport sys; print(*sys.modules)", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_making_and_writing_a_store_needs_only_the_driver(tmp_path: Path) -> None:
    program = """
        import sys
        from otel_telemetry.stores import MemorySpanExporter, open_exporter
        from otel_telemetry.rows import SpanRow
        for url in ("memory://", "sqlite:///" + sys.argv[1]):
            exporter = open_exporter(url)
            exporter.heartbeat()
            exporter.close()
    """
    heavy = {"sqlalchemy", "alembic", "psycopg", "importlib.metadata.entry_points"}
    assert not heavy & imported(program, str(tmp_path / "store.db"))
    assert (tmp_path / "store.db").exists()


def test_reading_needs_no_sdk(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    exporter = stores.SQLiteSpanExporter(path)
    exporter.heartbeat()
    exporter.close()
    program = """
        import sys
        from otel_telemetry.stores import open_store
        from otel_telemetry.query import Filter
        store = open_store("sqlite:///" + sys.argv[1])
        assert store.count(Filter(), live_leases=frozenset()) == 0
        store.close()
    """
    modules = imported(program, path)
    assert "sqlalchemy" in modules
    assert not {"opentelemetry.sdk.trace", "alembic", "psycopg"} & modules


def test_the_public_names_are_there_and_no_others() -> None:
    assert sorted(stores.__all__) == stores.__all__
    for name in stores.__all__:
        assert getattr(stores, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stores.nothing  # noqa: B018  (the access is what is tested)
