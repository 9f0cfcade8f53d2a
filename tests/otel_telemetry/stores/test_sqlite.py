"""What is particular to SQLite files: where they are, who may read them, and what happens to them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.query import Filter
from otel_telemetry.stores import SQLiteSpanExporter, open_store
from otel_telemetry.stores.sqlite import file as sqlite_file
from span_processors.sinks import RetryableError

from .rows import row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def span_ids(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [n for (n,) in connection.execute("SELECT span_id FROM spans ORDER BY span_id")]


def run(program: str, path: Path) -> tuple[int, str, str]:
    """Run a program in a process of its own, which may fork: it has one thread."""
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    root = Path(__file__).parents[3]  # where the package `tests` is
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    return done.returncode, done.stdout, done.stderr


def test_nothing_is_made_before_the_first_row(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.close()
    assert not path.exists()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "store.db"
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    exporter.close()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///store.db", "store.db"),
        ("sqlite:///a b/%41.db", "a b/%41.db"),
        ("sqlite:////var/store.db", "/var/store.db"),
    ],
)
def test_a_url_names_a_path(url: str, path: str) -> None:
    assert sqlite_file.path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://store.db", "sqlite:///a?b=c"]
)
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sqlite:///telemetry\.db"):
        SQLiteSpanExporter(url)


def test_a_name_with_any_characters_will_do(tmp_path: Path) -> None:
    path = tmp_path / "with ?#%41 and ä'.db"
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    exporter.close()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert span_ids(path) == [1]


def test_the_host_may_change_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exporter = SQLiteSpanExporter("sqlite:///store.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    exporter.write([row(1)])
    exporter.close()
    assert span_ids(tmp_path / "store.db") == [1]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a file: name one, such as .*telemetry\.db"):
        SQLiteSpanExporter(tmp_path)


def test_a_place_inside_a_file_is_refused(path: Path) -> None:
    path.touch()
    with pytest.raises(ConfigurationError, match="no store can be made"):
        SQLiteSpanExporter(path / "store.db")


def test_a_place_that_may_not_be_written_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may write everywhere
    with pytest.raises(ConfigurationError, match="is not a writable directory"):
        SQLiteSpanExporter(path)
    path.touch()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        SQLiteSpanExporter(path)


def test_a_symbolic_link_is_refused_whether_or_not_it_leads_anywhere(tmp_path: Path, path: Path) -> None:
    path.symlink_to(tmp_path / "target.db")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        SQLiteSpanExporter(path)
    (tmp_path / "target.db").touch()
    with pytest.raises(ConfigurationError, match="symbolic link"):
        SQLiteSpanExporter(path)


def test_a_symbolic_link_that_appears_later_is_not_followed(tmp_path: Path, path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    path.symlink_to(tmp_path / "target.db")
    with pytest.raises(RetryableError, match="symbolic link"):
        exporter.write([row(1)])
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize("content", [b"just some text, and no database at all", "größere Worte".encode() * 1000])
def test_a_document_that_was_named_by_mistake_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError, match="is not a store of otel-telemetry: name another file"):
        SQLiteSpanExporter(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    with pytest.raises(StoreUnavailableError, match="is not a store of otel-telemetry: name another file"):
        SQLiteSpanExporter(path)


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreUnavailableError, match="record something first"):
        open_store(f"sqlite:///{path}")
    exporter = SQLiteSpanExporter(path)
    with closing(exporter.store()) as store:
        assert store.leases() == []
    exporter.write([row(1)])
    exporter.close()
    assert span_ids(path) == [1]


def test_readers_and_the_writer_do_not_wait_for_each_other(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert reader.execute("PRAGMA page_size").fetchone() == (8192,)
        assert reader.execute("PRAGMA auto_vacuum").fetchone() == (
            2,
        )  # incremental, which a later copy alone could set
        reader.execute("BEGIN")
        assert len(reader.execute("SELECT 1 FROM spans").fetchall()) == 1
        exporter.write([row(2)])
        assert len(reader.execute("SELECT 1 FROM spans").fetchall()) == 1  # its snapshot
    exporter.close()


def test_a_lock_that_another_program_keeps_is_waited_for_and_then_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.05)
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RetryableError, match="locked"):
            exporter.write([row(2)])
        other.execute("COMMIT")
    exporter.write([row(2)])
    exporter.close()
    assert span_ids(path) == [1, 2]


def test_a_full_disk_leaves_nothing_half_written(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    connection = exporter._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RetryableError, match="full"):
        exporter.write([row(2), row(3, payload="x" * 100_000), row(4)])
    assert span_ids(path) == [1]
    exporter.write([row(2)])  # there is room again: the new connection has no limit
    exporter.close()
    assert span_ids(path) == [1, 2]


def test_a_file_that_became_read_only_is_no_fault_of_a_row(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    assert exporter._connection is not None
    exporter._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(RetryableError, match="readonly"):
        exporter.write([row(2)])
    exporter.write([row(2)])
    exporter.close()
    assert span_ids(path) == [1, 2]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_deleted_or_replaced_is_noticed(path: Path, *, replaced: bool) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    for file in list(path.parent.iterdir()):
        file.unlink()
    if replaced:
        other = SQLiteSpanExporter(path)
        other.write([row(10)])
        other.close()
    exporter.write([row(2)])
    store = exporter.store()
    # What is read is complete: resource, metadata and lease were written to the new file as well.
    (execution,) = store.executions(Filter(), live_leases=frozenset())
    assert execution.resource_id == row().resource_id
    assert [r.resource for r in store.spans(["execution-1"])["execution-1"]] == [row().resource] * (1 + replaced)
    assert len(store.leases()) == 1
    store.close()
    exporter.close()
    assert span_ids(path) == ([2, 10] if replaced else [2])


def test_a_reader_that_makes_the_file_again_hides_its_loss_from_nobody(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    for file in list(path.parent.iterdir()):
        file.unlink()
    with closing(exporter.store()) as store:
        assert store.leases() == []
    exporter.write([row(2)])
    exporter.close()
    assert span_ids(path) == [2]


def test_sixteen_processes_share_one_file(path: Path) -> None:
    """They begin at once with no file there, so that making it is contended too; none may see an error."""
    program = """
        import os, sys, time
        from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter
        from tests.otel_telemetry.stores.rows import row
        PROCESSES, TRANSACTIONS = 16, 30
        children = []
        gate, opened = os.pipe()
        for process in range(PROCESSES):
            if (child := os.fork()) == 0:
                os.close(opened)
                os.read(gate, 1)  # ends when the parent closes its side
                try:
                    exporter = SQLiteSpanExporter(sys.argv[1])
                    for n in range(TRANSACTIONS):
                        exporter.write([row(process * 1000 + n, execution_id=f"e{process}", ended=False)])
                        exporter.write([row(process * 1000 + n, execution_id=f"e{process}", payload="x" * 800)])
                    exporter.close()
                except BaseException as error:
                    print(repr(error), flush=True)
                    os._exit(1)
                os._exit(0)
            children.append(child)
        os.close(opened)
        sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    """
    assert run(program, path) == (0, "", "")
    assert len(span_ids(path)) == 16 * 30
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM spans WHERE ended_ns IS NULL").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM leases WHERE closed_ns IS NOT NULL").fetchone() == (16,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_real_fork_leaves_the_parents_connection_alone(path: Path) -> None:
    program = """
        import os, sys
        from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter
        from tests.otel_telemetry.stores.rows import row
        exporter = SQLiteSpanExporter(sys.argv[1])
        exporter.write([row(1)])
        if (child := os.fork()) == 0:
            exporter.after_fork_in_child()
            exporter.write([row(2)])
            exporter.close()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        exporter.write([row(3)])
        exporter.close()
    """
    assert run(program, path) == (0, "", "")
    assert span_ids(path) == [1, 2, 3]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(DISTINCT pid), count(*) FROM leases").fetchone() == (2, 2)
