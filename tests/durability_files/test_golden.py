"""Stores of other releases: those of this major version are read and written, an earlier one can be copied."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import otel_telemetry as ot
from otel_telemetry.codec import to_json
from otel_telemetry.stores import SQLiteSpanExporter, copying

GOLDEN = sorted((Path(__file__).parent / "golden").glob("2.*.sql"))
FIRST = Path(__file__).parent / "golden" / "1.0.sql"
"""Of a version that nobody was given: it is refused, and can be copied."""


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def made_of(dump: Path, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


@pytest.fixture
def path(golden: Path, tmp_path: Path) -> Path:
    return made_of(golden, tmp_path / "store.db")


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
        for table in ("executions", "spans", "terms", "resources", "leases", "durations"):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN added TEXT")
        connection.execute("CREATE TABLE another (a, b)")
        connection.execute("CREATE INDEX by_added ON spans (added)")
        connection.execute("UPDATE alembic_version SET version_num = '2.99'")
    assert found(path) == expected(golden)
    record_one(path)
    assert found(path)[1:] == expected(golden)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("2.99",)]
    observed("2.99: read and written, its version left alone")


@pytest.mark.fault("store of a later major release", "refused, and left as it is", backend="sqlite")
@pytest.mark.promise("P28")
def test_a_later_major_version_is_refused(path: Path, observed) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '3.0'")
    before = path.read_bytes()
    with pytest.raises(ot.StoreError, match="upgrade otel-telemetry"):
        ot.configure(store=f"sqlite:///{path}")
    with pytest.raises(ot.StoreError, match="upgrade otel-telemetry"):
        ot.open_reader(f"sqlite:///{path}")
    assert path.read_bytes() == before
    observed("3.0: refused by configure() and open_reader(), not a byte changed")


@pytest.mark.fault("store of an earlier major release", "refused, and left as it is", backend="sqlite")
@pytest.mark.promise("P28")
def test_an_earlier_major_version_is_refused_with_what_to_do(tmp_path: Path, observed) -> None:
    path = made_of(FIRST, tmp_path / "store.db")
    before = path.read_bytes()
    for opened in (lambda url: ot.configure(store=url), ot.open_reader):
        with pytest.raises(ot.StoreError, match="bring it over with otel-telemetry db copy OLD NEW"):
            opened(f"sqlite:///{path}")
    assert path.read_bytes() == before
    observed("1.0: refused by configure() and open_reader(), not a byte changed")


def test_an_earlier_major_version_is_copied(tmp_path: Path) -> None:
    """Every record says what it said, but for a hash that is worked out otherwise today; and more beside it."""
    path = made_of(FIRST, tmp_path / "store.db")
    before = path.read_bytes()
    exporter = SQLiteSpanExporter(tmp_path / "copy.db")
    copied = copying.copy(f"sqlite:///{path}", exporter)
    exporter.close()
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as connection:
        assert (
            copied
            == connection.execute("SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM leases)").fetchone()
        )
    was = [without_path_hash(record) for record in expected(FIRST)]
    assert [told(*pair) for pair in zip(was, found(tmp_path / "copy.db"), strict=True)] == was


def without_path_hash(record: Any) -> Any:
    attributes = (record["span"] or {}).get("attributes", {})
    if attributes.pop("otel_telemetry.path_hash", None) is not None and not attributes:
        del record["span"]["attributes"]
    return record


def told(was: object, now: object) -> object:
    """Of what is said now, as much as was said."""
    if isinstance(was, dict) and isinstance(now, dict):
        return {key: told(was.get(key), value) for key, value in now.items() if key in was}
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [told(*pair) for pair in zip(was, now, strict=True)]
    return now
