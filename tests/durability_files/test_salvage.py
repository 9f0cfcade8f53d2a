"""What can be got out of a damaged file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

import otel_telemetry as ot
from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.stores import SQLiteSpanExporter
from otel_telemetry.stores.sqlite.exporter import PAGE_BYTES
from otel_telemetry.stores.sqlite.salvage import salvage
from tests.otel_telemetry.stores.rows import row

RUNS = 200


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with payloads of all lengths, among them some of many pages, and rows that were deleted."""
    path = tmp_path_factory.mktemp("recorded") / "store.db"
    with ot.configure(store=f"sqlite:///{path}", service_name="engine") as telemetry:
        for number in range(RUNS):
            size = 60_000 if number % 20 == 0 else number * 13
            with telemetry.execution(
                "w", execution_id=f"e{number}", inputs={"text": "ä" * size}, metadata={"number": number}
            ) as run:
                with run.step("s"):
                    pass
    return path


def whole(path: Path) -> dict[str, object]:
    with ot.open_reader(f"sqlite:///{path}") as reader:
        return {record.execution_id: record for record in reader.iterate()}


def copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target


def resources_of(path: Path) -> set[int]:
    """The one page, counted from 0, without which no record is what it was."""
    with closing(sqlite3.connect(path)) as connection:
        return {n - 1 for (n,) in connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'resources'")}


def test_a_sound_file_is_got_out_whole(recorded: Path, tmp_path: Path) -> None:
    saved = salvage(recorded, tmp_path / "saved.db")
    assert saved == (2 * RUNS, 0)
    assert whole(tmp_path / "saved.db") == whole(recorded)
    with ot.open_reader(f"sqlite:///{tmp_path}/saved.db") as reader:
        assert reader.count(metadata={"number": 7}) == 1
    assert (tmp_path / "saved.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["header", "first page", "every tenth page", "cut", "flipped bytes", "zeros"])
def test_what_is_not_damaged_is_got_out(recorded: Path, tmp_path: Path, damage: str) -> None:
    random = Random(damage)
    content = bytearray(recorded.read_bytes())
    pages = len(content) // PAGE_BYTES
    expected = 0.0
    match damage:
        case "header":
            content[:100] = random.randbytes(100)
            expected = 0.999
        case "first page":
            content[:PAGE_BYTES] = random.randbytes(PAGE_BYTES)
            expected = 0.999
        case "every tenth page":
            for page in set(range(5, pages, 10)) - resources_of(recorded):
                content[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = random.randbytes(PAGE_BYTES)
            expected = 0.5
        case "cut":
            del content[len(content) // 2 + 1000 :]
            expected = 0.3
        case "flipped bytes":
            for _ in range(40):
                content[random.randrange(len(content))] ^= 0xFF
            expected = 0.8
        case "zeros":
            content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
            expected = 0.4
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(content)
    saved = salvage(damaged, tmp_path / "saved.db")
    assert saved.spans >= expected * 2 * RUNS
    before, after = whole(recorded), whole(tmp_path / "saved.db")
    assert set(after) <= set(before)
    if damage != "flipped bytes":  # a flipped byte within a text is nothing that a file without checksums can tell
        same = [key for key in after if after[key] == before[key]]
        assert len(same) >= expected * RUNS * 0.5
    with closing(sqlite3.connect(tmp_path / "saved.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_stands_only_in_the_log_is_got_out_and_what_was_not_committed_is_not(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1, ended=False), row(2)])
    exporter.write([row(1, payload='{"text":"' + "x" * 20_000 + '"}')])
    log = path.with_name("store.db-wal").read_bytes()
    damaged = copy(path, tmp_path / "damaged.db")
    damaged.with_name("damaged.db-wal").write_bytes(log + log[32:5000])
    exporter.close()
    assert salvage(damaged, tmp_path / "saved.db") == (2, 0)
    with closing(sqlite3.connect(tmp_path / "saved.db")) as connection:
        found = connection.execute("SELECT span_id, ended_ns IS NULL, length(payload) FROM spans ORDER BY 1").fetchall()
    assert found == [(1, 0, 20_011), (2, 0, None)]


def test_what_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(n, payload='"' + "x" * 3000 + '"') for n in range(100)])
    exporter.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM spans WHERE span_id < 90")
    assert salvage(path, tmp_path / "saved.db").spans == 10


def test_spans_of_another_minor_version_are_got_out(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    exporter.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ALTER TABLE spans ADD COLUMN added TEXT DEFAULT 'x'")
        connection.execute("INSERT INTO spans SELECT * FROM spans WHERE false")
        connection.execute("UPDATE spans SET added = 'y'")
    assert salvage(path, tmp_path / "saved.db") == (1, 0)


def test_nothing_is_overwritten(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("")
    with pytest.raises(ConfigurationError, match="exists already"):
        salvage(recorded, tmp_path / "there.db")


@pytest.mark.parametrize("content", [b"", b"no database", bytes(100_000), Random(1).randbytes(100_000)])
def test_where_there_is_nothing_it_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "damaged.db").write_bytes(content)
    with pytest.raises(StoreUnavailableError, match="no span can be read"):
        salvage(tmp_path / "damaged.db", tmp_path / "saved.db")
    with pytest.raises(StoreUnavailableError, match="there is no file"):
        salvage(tmp_path / "missing.db", tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()
