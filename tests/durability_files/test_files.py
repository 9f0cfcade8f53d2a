"""What happens to the file of a store while a program records, and what the program notices of it: nothing."""

from __future__ import annotations

import logging
import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

import otel_telemetry as ot
from otel_telemetry.errors import ConfigurationError
from otel_telemetry.stores import SQLiteSpanExporter
from otel_telemetry.stores.changes import Written
from otel_telemetry.stores.sqlite import checkpoint as sqlite_checkpoint
from otel_telemetry.stores.sqlite import damage as sqlite_damage
from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.exporter import PAGE_BYTES
from span_processors.sinks import RetryableError
from tests.otel_telemetry.stores.rows import row

ROOT = Path(__file__).parents[2]
SECRET = "kiwi-" * 3

Damage = Callable[[Path], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def span_ids(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [n for (n,) in connection.execute("SELECT span_id FROM spans ORDER BY span_id")]


def set_aside(path: Path) -> list[Path]:
    return [file for file in path.parent.glob(f"{path.name}.corrupt-*") if not file.name.endswith(("-wal", "-shm"))]


def garbage(path: Path) -> None:
    path.write_bytes(Random(1).randbytes(50_000))


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def no_header(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(Random(2).randbytes(100) + content[100:])


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def pages_lost(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // PAGE_BYTES):  # all but the first: the schema is whole
        content[page * PAGE_BYTES : page * PAGE_BYTES + 4000] = bytes(4000)
    path.write_bytes(content)


def schema_garbled(path: Path) -> None:
    """What Python's driver cannot even say: the error that SQLite makes of it is no text."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"tableresourcesresources", b"table" + b"\xff" * 18))


BETWEEN_RUNS = [garbage, zeros, no_header, cut, pages_lost, schema_garbled]


def fill(path: Path, rows: int = 50) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(n, payload=f'"{SECRET * 100}"') for n in range(1000, 1000 + rows)])
    exporter.close()


@pytest.mark.parametrize("damage", BETWEEN_RUNS)
@pytest.mark.fault("file damaged between runs", "set aside, fresh one, logged without values", backend="sqlite")
def test_a_file_that_was_damaged_between_runs_is_set_aside(
    path: Path, damage: Damage, caplog: pytest.LogCaptureFixture, observed
) -> None:
    fill(path)
    damage(path)
    damaged = path.read_bytes()
    with caplog.at_level(logging.DEBUG), ot.configure(store=f"sqlite:///{path}") as telemetry:
        for number in range(20):
            with telemetry.execution("w", execution_id=f"e{number}"):
                pass
        assert telemetry.flush(30)
        if damage is pages_lost:  # its schema is whole; whoever writes to a lost page finds out
            assert telemetry.health().sinks[0].stored == 20
        assert telemetry.store.count() == 20
    (kept,) = set_aside(path)
    assert kept.read_bytes() == damaged
    assert path.stat().st_mode & 0o777 == 0o600
    assert [r.levelname for r in caplog.records if kept.name in r.getMessage()] == ["WARNING"]
    assert SECRET not in caplog.text
    observed(f"{damage.__name__}: kept as NAME.corrupt-TIME, 20 of 20 executions in a fresh one")


@pytest.mark.parametrize("damage", [garbage, no_header, cut, cut_to_nothing, pages_lost])
@pytest.mark.fault("file damaged while it is open", "set aside, fresh one, the batch written there", backend="sqlite")
def test_a_file_that_is_damaged_while_it_is_open(path: Path, damage: Damage, observed) -> None:
    fill(path, 500)
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    # another process moves the log, so that what is in the file counts
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
    written = []
    for number in range(2, 60):
        for attempt in range(3):
            try:
                exporter.write(
                    [row(number, execution_id=f"e{Random(number).random()}", payload='"' + "x" * 9000 + '"')]
                )
            except RetryableError:
                assert attempt < 2
            else:
                written.append(number)
                break
    exporter.close()
    fresh = SQLiteSpanExporter(path)  # what went by unnoticed is noticed now at the latest
    fresh.heartbeat()
    fresh.close()
    assert span_ids(path) is not None
    places = [path, *set_aside(path)]
    observed(f"{damage.__name__}: {len(written)} of 58 writes acknowledged, {len(places) - 1} file set aside")


@pytest.mark.parametrize("what", ["file", "log", "all", "replaced", "moved"])
@pytest.mark.fault("file deleted or replaced", "noticed with the next write, which is repeated", backend="sqlite")
def test_a_file_that_goes_away_while_it_is_open(path: Path, tmp_path: Path, what: str, observed) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    match what:
        case "file":
            path.unlink()
        case "log":
            path.with_name("store.db-wal").unlink()
        case "all":
            for file in [path, *sqlite_file.companions(path)]:
                file.unlink(missing_ok=True)
        case "replaced":
            fill(elsewhere / "store.db", 1)
            (elsewhere / "store.db").replace(path)
        case "moved":
            for file in [path, *sqlite_file.companions(path)]:
                if file.exists():
                    file.rename(elsewhere / file.name)
    exporter.write([row(2)])
    exporter.write([row(3)])
    exporter.close()
    assert set(span_ids(path)) >= {2, 3}
    observed(f"{what}: 2 of 2 later writes are in the file at the path")


def test_a_file_that_goes_away_during_a_write_gets_the_batch_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    write = exporter._write

    def deleted_underneath(*arguments: object) -> Written:
        written = write(*arguments)
        path.unlink()
        return written

    monkeypatch.setattr(exporter, "_write", deleted_underneath)
    with pytest.raises(RetryableError, match="deleted, replaced or cut"):
        exporter.write([row(2)])
    monkeypatch.undo()
    exporter.write([row(2)])
    exporter.close()
    assert span_ids(path) == [2]
    assert exporter.written == Written(stored=2)  # what went into the file that is gone does not count twice


def test_several_processes_set_a_damaged_file_aside_once(path: Path) -> None:
    fill(path)
    exporters = [SQLiteSpanExporter(path) for _ in range(8)]
    for number, exporter in enumerate(exporters):
        exporter.write([row(number)])
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    garbage(path)
    program = """
        import os, sys
        from pathlib import Path
        from otel_telemetry.stores import SQLiteSpanExporter
        from tests.otel_telemetry.stores.rows import row
        children = []
        gate, opened = os.pipe()
        for number in range(8):
            if (child := os.fork()) == 0:
                os.close(opened)
                os.read(gate, 1)
                exporter = SQLiteSpanExporter(sys.argv[1])
                exporter.write([row(100 + number, execution_id=f"e{number}")])
                exporter.close()
                os._exit(0)
            children.append(child)
        os.close(opened)
        sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    """
    assert run(program, path) == (0, "")
    assert len(set_aside(path)) == 1
    assert span_ids(path) == list(range(100, 108))
    for number, exporter in enumerate(exporters):  # who had it open all the while
        exporter.write([row(200 + number)])
        exporter.close()
    assert span_ids(path) == [*range(100, 108), *range(200, 208)]
    assert len(set_aside(path)) == 1


def run(program: str, path: Path) -> tuple[int, str]:
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.returncode, "\n".join(
        line for line in done.stderr.splitlines() if "was damaged: it is kept" not in line
    )


def test_a_document_named_by_mistake_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.md"
    letter.write_text("Dear diary\n" * 1000)
    with pytest.raises(ot.StoreError, match="not a store"):
        ot.configure(store=f"sqlite:///{letter}")
    assert [file.name for file in tmp_path.iterdir()] == ["letter.md"]


@pytest.mark.parametrize("size", [2, 8])
def test_a_look_at_a_file_that_was_left_open_is_quick(path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """It is not taken where the file is large, nor where whoever left last tidied up."""
    looked = []
    look = sqlite_damage.look
    monkeypatch.setattr(sqlite_damage, "look", lambda *a, **k: (looked.append(a), look(*a, **k)))
    monkeypatch.setattr(sqlite_damage, "_CHECKED_BYTES", 4 * 2**20)
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(n, payload=f'"{"x" * 2**20}"') for n in range(size)])
    sqlite_checkpoint.checkpoint(exporter._connection, path)
    checks = []
    left = path.with_name("left.db")
    left.write_bytes(path.read_bytes())
    left.with_name("left.db-wal").write_bytes(path.with_name("store.db-wal").read_bytes())
    exporter.close()
    assert not looked
    again = SQLiteSpanExporter(left)
    connection = sqlite_file.connect(left, mode="rw")
    connection.set_trace_callback(checks.append)
    monkeypatch.setattr(sqlite_file, "connect", lambda path, *, mode: connection)
    again.heartbeat()
    again.close()
    assert len(looked) == 1
    assert any("quick_check" in statement for statement in checks) == (size == 2)


# full and read-only disks

FULL = """
    import resource, sys, threading, time
    import otel_telemetry as ot
    telemetry = ot.configure(store=f"sqlite:///{sys.argv[1]}", queue_size=8 * 2**20, overflow="drop_newest")
    with telemetry.execution("before", execution_id="before"):
        pass
    assert telemetry.flush(30)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))  # the system's own "no space": a file may not grow
    for number in range(100):
        with telemetry.execution("during", inputs={"text": "x" * 20_000}):
            pass
    assert not telemetry.flush(1.0)
    health = telemetry.health().sinks[0]
    assert 0 < health.pending and health.pending_bytes < 8 * 2**20 and health.retries, health
    assert health.accepted == 101 == health.stored + health.pending, health
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    with telemetry.execution("after", execution_id="after"):
        pass
    assert telemetry.flush(60)
    health = telemetry.health().sinks[0]
    assert (health.accepted, health.stored, health.pending, dict(health.dropped)) == (102, 102, 0, {}), health
    telemetry.shutdown()
    print(health.last_error)
"""


@pytest.mark.fault("disk full", "batches wait in bounded memory, and are written once there is room", backend="sqlite")
def test_a_disk_that_is_full_for_a_while_costs_nothing(path: Path, observed) -> None:
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    with ot.open_reader(f"sqlite:///{path}") as reader:
        assert reader.count() == 102
        assert {record.workflow_name for record in reader.query(limit=200)} == {"before", "during", "after"}
    assert span_ids(path)
    observed("102 of 102 executions stored, 0 dropped")


def test_a_transaction_that_the_disk_refuses_is_rolled_back_whole(path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    limit, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("store.db-wal").stat().st_size + 10_000, hard))
        with pytest.raises(RetryableError):
            exporter.write([row(n, payload='"' + "x" * 50_000 + '"') for n in range(2, 10)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    assert span_ids(path) == [1]
    exporter.write([row(2)])
    exporter.close()
    assert span_ids(path) == [1, 2]


READ_ONLY = """
    import os, sys
    from pathlib import Path
    import otel_telemetry as ot
    path = Path(sys.argv[1])
    if os.geteuid() == 0:  # root may write everywhere; but import first: others may not read root's Python
        with ot.configure(store=f"sqlite:///{path.parent}/imports.db") as telemetry:
            telemetry.store.count()
        os.chown(path.parent, 65534, 65534)
        os.setgid(65534)
        os.setuid(65534)
    telemetry = ot.configure(store=f"sqlite:///{path}")
    with telemetry.execution("before"):
        pass
    assert telemetry.flush(30)
    telemetry.shutdown()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        ot.configure(store=f"sqlite:///{path}")
    except ot.ConfigurationError as error:
        print(error)
    with ot.open_reader(f"sqlite:///{path}") as reader:
        print(reader.count())
    path.parent.chmod(0o700)
    path.chmod(0o600)
    with ot.configure(store=f"sqlite:///{path}") as telemetry:
        path.chmod(0o400)  # after the configuration, before the first span
        with telemetry.execution("during"):
            pass
        assert not telemetry.flush(0.5)
        path.chmod(0o600)
        assert telemetry.flush(60)
        print(telemetry.store.count())
"""


@pytest.mark.fault("read-only file or directory", "error at configure; later: waits, and goes on", backend="sqlite")
def test_what_may_not_be_written_is_said_at_once_and_waited_for_later(observed) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="read-only-") as folder:  # pytest's own is closed to other users
        path = Path(folder) / "store.db"
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(READ_ONLY), str(path)], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        error, readable, stored = done.stdout.splitlines()
        assert "cannot be written by this user" in error
        assert (readable, stored) == ("1", "2")
    observed("refused at configure; 1 of 1 execution stored once the file could be written again")


# file systems without shared memory


@pytest.fixture
def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own VFS for network file systems that lock by other means: it has no shared memory, so no log."""

    def connect(path: Path, *, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.as_uri()}?mode={mode}&vfs=unix-dotfile",
            uri=True,
            timeout=30,
            isolation_level=None,
            check_same_thread=False,
        )

    monkeypatch.setattr(sqlite_file, "connect", connect)


@pytest.mark.usefixtures("without_shared_memory")
@pytest.mark.fault("file system without shared memory", "journal instead of log, noticed", backend="sqlite")
def test_where_there_can_be_no_log_a_journal_does(path: Path, observed) -> None:
    exporters = [SQLiteSpanExporter(path) for _ in range(3)]
    for number in range(30):
        exporters[number % 3].write([row(number)])
    connection = exporters[0]._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # NORMAL may damage a file without a log
    with closing(exporters[0].store()) as store:
        assert len(store.leases()) == 3
    for exporter in exporters:
        exporter.close()
    assert span_ids(path) == list(range(30))
    observed("journal_mode delete, synchronous FULL; 30 of 30 writes of 3 exporters stored")


@pytest.mark.parametrize(("durability", "level"), [("normal", 1), ("full", 3)])
def test_the_durability_is_sqlites_own(path: Path, durability, level: int) -> None:
    exporter = SQLiteSpanExporter(path, durability=durability)
    exporter.heartbeat()
    assert exporter._connection.execute("PRAGMA synchronous").fetchone() == (level,)
    exporter.close()


# modes and links


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_link_that_waits_for_sqlite_is_not_followed(path: Path, tmp_path: Path, suffix: str) -> None:
    exporter = SQLiteSpanExporter(path)
    target = tmp_path / "target"
    target.write_text("precious")
    path.with_name(path.name + suffix).symlink_to(target)
    with pytest.raises(RetryableError, match="symbolic link"):
        exporter.write([row(1)])
    assert target.read_text() == "precious"


def test_a_file_that_became_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    path.rename(tmp_path / "target.db")
    path.symlink_to(tmp_path / "target.db")
    with pytest.raises(RetryableError, match="symbolic link"):
        exporter.write([row(2)])


def test_modes_whatever_the_mask(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        exporter = SQLiteSpanExporter(tmp_path / "a" / "b" / "store.db")
        exporter.write([row(1)])
    finally:
        os.umask(mask)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "a").rglob("*")}
    assert modes == {"b": 0o700, "store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
    exporter.close()


# one checkpointer


@pytest.mark.fault("simultaneous checkpoints", "one at a time, and no writer meanwhile", backend="sqlite")
def test_the_log_is_moved_by_one_process_while_nobody_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch, observed
) -> None:
    monkeypatch.setattr(sqlite_checkpoint, "LOG_BYTES", 300_000)
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.0)
    moves = []
    transaction = sqlite_checkpoint.transaction

    def inside(connection):
        with transaction(connection), closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            moves.append(path.with_name("store.db-wal").stat().st_size)
        return transaction(connection)

    monkeypatch.setattr(sqlite_checkpoint, "transaction", inside)
    exporter = SQLiteSpanExporter(path)
    largest = 0
    for number in range(300):
        exporter.write([row(number, payload='"' + "x" * 8000 + '"')])
        largest = max(largest, path.with_name("store.db-wal").stat().st_size)
    assert len(moves) >= 5
    assert largest < 2 * 300_000
    assert exporter._connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
    exporter.close()
    assert span_ids(path) == list(range(300))
    observed(f"moved {len(moves)} times under the write lock; the log stayed below {largest // 1000} kB")


def test_a_reader_that_holds_the_log_delays_nobody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_checkpoint, "LOG_BYTES", 100_000)
    attempts = []
    checkpoint = sqlite_checkpoint.checkpoint
    monkeypatch.setattr(sqlite_checkpoint, "checkpoint", lambda *a: attempts.append(checkpoint(*a)) or attempts[-1])
    exporter = SQLiteSpanExporter(path)
    exporter.write([row(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM spans").fetchall()
        attempts.clear()
        for number in range(2, 100):
            exporter.write([row(number, payload='"' + "x" * 8000 + '"')])
    assert attempts
    assert not any(attempts)
    assert len(attempts) <= path.with_name("store.db-wal").stat().st_size / 100_000  # not again with every write
    for number in range(100, 200):
        exporter.write([row(number, payload='"' + "x" * 8000 + '"')])
    assert any(attempts)
    assert path.with_name("store.db-wal").stat().st_size < 1_000_000
    exporter.close()


def test_a_store_may_not_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        ot.configure(store=f"sqlite:///{tmp_path}")
