"""Connections that a reader of SQLite keeps: one for all its questions, and never one to what is no longer there."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from otel_telemetry.errors import StoreError, StoreUnavailableError
from otel_telemetry.stores import SQLiteSpanExporter, open_store
from otel_telemetry.stores.sql_store import SQLSpanStore
from otel_telemetry.stores.sqlite.reading import open_sqlite

from .rows import row
from .test_sqlite import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return _store_with(tmp_path / "store.db", 1)


@pytest.fixture
def store(path: Path) -> Iterator[SQLSpanStore]:
    store = open_sqlite(path)
    assert isinstance(store, SQLSpanStore)
    yield store
    store.close()


def _store_with(path: Path, span_id: int) -> Path:
    with closing(SQLiteSpanExporter(path)) as exporter:
        exporter.write([row(span_id)])
    return path


def _ids(store: SQLSpanStore) -> list[int]:
    return [row.span_id for row in store.spans(["execution-1"]).get("execution-1", [])]


def _opened(store: SQLSpanStore) -> list[object]:
    """What is opened from now on."""
    opened: list[object] = []
    event.listen(store._engine, "connect", lambda connection, _: opened.append(connection))
    return opened


def _open_files(path: Path) -> int:
    descriptors = Path("/proc/self/fd")
    return sum(os.path.realpath(place) == str(path.resolve()) for place in descriptors.iterdir())


def test_one_connection_answers_all_questions(store: SQLSpanStore) -> None:
    _ids(store)  # with it, SQLite has made the log that is beside the file
    opened = _opened(store)
    for _ in range(3):
        assert _ids(store) == [1]
        store.leases()
    assert len(opened) <= 1


def test_what_is_written_meanwhile_is_seen(path: Path, store: SQLSpanStore) -> None:
    with closing(SQLiteSpanExporter(path)) as exporter:
        for number in (2, 3):
            exporter.write([row(number)])
            assert _ids(store) == [*range(1, number + 1)]


def test_a_connection_at_rest_leaves_the_log_to_writers(path: Path, store: SQLSpanStore) -> None:
    assert _ids(store) == [1]
    with closing(SQLiteSpanExporter(path)) as exporter:
        exporter.write([row(2)])
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert _ids(store) == [1, 2]


def test_a_writer_that_leaves_a_reader_behind_leaves_the_file_complete(
    path: Path, tmp_path: Path, store: SQLSpanStore
) -> None:
    """Or whoever copies the file without its log would miss what was written last."""
    assert _ids(store) == [1]
    _store_with(path, 2)
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    with closing(open_sqlite(copy)) as copied:
        assert [row.span_id for row in copied.spans(["execution-1"])["execution-1"]] == [1, 2]


def test_a_file_in_the_place_of_another_is_read(path: Path, tmp_path: Path, store: SQLSpanStore) -> None:
    assert _ids(store) == [1]
    for companion in tmp_path.glob("store.db-*"):
        companion.unlink()
    _store_with(tmp_path / "new.db", 2).rename(path)
    assert _ids(store) == [2]


def test_a_file_that_is_written_over_is_read(path: Path, tmp_path: Path, store: SQLSpanStore) -> None:
    assert _ids(store) == [1]
    for companion in tmp_path.glob("store.db-*"):
        companion.unlink()
    path.write_bytes(_store_with(tmp_path / "new.db", 2).read_bytes())
    assert _ids(store) == [2]


def test_a_file_that_is_gone_is_missed(path: Path, tmp_path: Path, store: SQLSpanStore) -> None:
    assert _ids(store) == [1]
    for file in tmp_path.glob("store.db*"):
        file.unlink()
    with pytest.raises(StoreUnavailableError, match="there is no store"):
        _ids(store)


def test_a_connection_that_failed_is_not_kept(store: SQLSpanStore) -> None:
    _ids(store)
    opened = _opened(store)
    _ids(store)
    before = len(opened)
    with store._engine.connect() as connection:
        connection.connection.driver_connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)  # type: ignore[union-attr]
    with pytest.raises(StoreError):
        _ids(store)
    assert _ids(store) == [1]
    assert len(opened) == before + 1


def test_closing_the_store_closes_the_file(path: Path, store: SQLSpanStore) -> None:
    assert _ids(store) == [1]
    assert _open_files(path) == 1
    store.close()
    assert _open_files(path) == 0
    assert _ids(store) == [1]  # which opens it again


def test_a_store_that_nobody_closed_lets_go_of_the_file(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    assert _open_files(path) == 1
    del store
    assert _open_files(path) == 0


def test_threads_read_at_once_and_few_connections_are_kept(store: SQLSpanStore) -> None:
    opened = _opened(store)
    closed: list[object] = []
    event.listen(store._engine, "close", lambda connection, _: closed.append(connection))
    together = threading.Barrier(8)
    found: list[list[int]] = []

    def read() -> None:
        with store._connection() as connection:
            together.wait()
            found.append([*connection.exec_driver_sql("SELECT span_id FROM spans").scalars()])
            together.wait()

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[1]] * 8
    assert 1 <= len(opened) + 1 - len(closed) <= 4


def test_a_child_reads_by_a_connection_of_its_own(path: Path) -> None:
    """And lets go of the parent's at once: SQLite would take the parent's locks for the child's."""
    program = """
        import os, sys
        from pathlib import Path
        from otel_telemetry.stores import SQLiteSpanExporter, open_store
        from tests.otel_telemetry.stores.rows import row
        store = open_store(f"sqlite:///{sys.argv[1]}")
        ids = lambda: [row.span_id for row in store.spans(["execution-1"])["execution-1"]]
        is_open = lambda: any(os.path.realpath(fd) == sys.argv[1] for fd in Path("/proc/self/fd").iterdir())
        assert ids() == [1] and is_open()
        if (child := os.fork()) == 0:
            assert not is_open()
            exporter = SQLiteSpanExporter(sys.argv[1])
            exporter.write([row(2)])
            exporter.close()
            assert ids() == [1, 2]
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ids() == [1, 2]
        store.close()
    """
    assert run(program, path.resolve()) == (0, "", "")


def test_a_child_reads_the_memory_of_its_own(path: Path) -> None:
    program = """
        import os
        from otel_telemetry.stores import MemorySpanExporter
        from tests.otel_telemetry.stores.rows import row
        exporter = MemorySpanExporter()
        store = exporter.store()
        ids = lambda: [row.span_id for row in store.spans(["execution-1"])["execution-1"]]
        exporter.write([row(1)])
        assert ids() == [1]
        if (child := os.fork()) == 0:
            exporter.write([row(2)])
            assert ids() == [2]
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ids() == [1]
    """
    assert run(program, path) == (0, "", "")
