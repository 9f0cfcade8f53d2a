"""Stores of other releases: earlier ones are read and written, later ones as far as that is possible."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import otel_telemetry as ot
from otel_telemetry.codec import to_json

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.sql"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def path(golden: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(golden.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def expected(golden: Path) -> list[object]:
    return list(json.loads(golden.with_suffix(".json").read_text()))


def found(path: Path) -> list[object]:
    with ot.open_reader(f"sqlite:///{path}") as reader:
        return [json.loads(json.dumps(to_json(record))) for record in reader.iterate()]


def record_one(path: Path) -> None:
    with ot.configure(store=f"sqlite:///{path}") as telemetry:
        with telemetry.execution("today", execution_id="today"):
            pass
        assert telemetry.flush(30)


def test_there_is_one_of_the_present_version() -> None:
    from otel_telemetry.stores.version import HEAD

    assert HEAD in {path.stem for path in GOLDEN}


@pytest.mark.fault("store of an earlier release", "read, and written after its migration", backend="sqlite")
@pytest.mark.promise("P28")
def test_it_is_read_as_it_was_written_and_goes_on(golden: Path, path: Path, observed) -> None:
    assert found(path) == expected(golden)
    record_one(path)
    today, *before = found(path)
    assert today["execution_id"] == "today"
    assert before == expected(golden)
    observed(f"{golden.stem}: {len(before)} of {len(before)} executions the same, 1 of 1 added")


@pytest.mark.fault("store of a later minor release", "read and written", backend="sqlite")
@pytest.mark.promise("P28")
def test_a_later_minor_version_is_read_and_written(golden: Path, path: Path, observed) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("spans", "resources", "leases", "execution_metadata"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN added TEXT")
        connection.execute("CREATE TABLE another (a, b)")
        connection.execute("CREATE INDEX by_added ON spans (added)")
        connection.execute("UPDATE alembic_version SET version_num = '1.99'")
    assert found(path) == expected(golden)
    record_one(path)
    assert found(path)[1:] == expected(golden)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("1.99",)]
    observed("1.99: read and written, its version left alone")


@pytest.mark.fault("store of a later major release", "refused, and left as it is", backend="sqlite")
@pytest.mark.promise("P28")
def test_a_later_major_version_is_refused(path: Path, observed) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '2.0'")
    before = path.read_bytes()
    with pytest.raises(ot.StoreError, match="upgrade otel-telemetry"):
        ot.configure(store=f"sqlite:///{path}")
    with pytest.raises(ot.StoreError, match="upgrade otel-telemetry"):
        ot.open_reader(f"sqlite:///{path}")
    assert path.read_bytes() == before
    observed("2.0: refused by configure() and open_reader(), not a byte changed")
