"""What is particular to PostgreSQL: a server that is away, hangs, or knows somebody else's tables."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.rows import RowKind, add_up
from otel_telemetry.stores import PostgresSpanExporter, base, open_store
from otel_telemetry.stores.postgres import exporter as postgres
from otel_telemetry.stores.postgres import url as postgres_url
from span_processors.sinks import RetryableError

from .rows import row

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct-horse"


@pytest.fixture
def exporter(postgres_url: str) -> Iterator[PostgresSpanExporter]:
    exporter = PostgresSpanExporter(postgres_url)
    yield exporter
    exporter.close()


@pytest.fixture
def other(postgres_url: str, postgres_server: str) -> Iterator[psycopg.Connection]:
    """Another session on the same server, which sees the store's tables."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {schema_of(postgres_url)}")
        yield connection


def schema_of(url: str) -> str:
    return postgres_url.parse(url).schema


def ids(connection: psycopg.Connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT span_id FROM spans ORDER BY span_id")]


def run(program: str, url: str) -> tuple[int, str]:
    """Run a program in a process of its own, which may fork: it has one thread."""
    command = [sys.executable, "-c", textwrap.dedent(program), url]
    root = Path(__file__).parents[3]  # where the package `tests` is
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    return done.returncode, done.stderr


def test_the_tables_are_in_a_schema_of_their_own(exporter: PostgresSpanExporter, other: psycopg.Connection) -> None:
    exporter.write([row(1)])
    assert ids(other) == [1]
    assert other.execute("SELECT to_regclass('public.spans')").fetchone() == (None,)


def test_a_url_says_where_and_its_parameters_pass_to_libpq() -> None:
    place = postgres_url.parse(
        f"postgresql://me:{PASSWORD}@db.example:6000/runs?sslmode=require&schema=mine&connect_timeout=2"
    )
    settings = psycopg.conninfo.conninfo_to_dict(place.conninfo)
    assert place.schema == "mine"
    assert settings["password"] == PASSWORD
    assert (settings["sslmode"], settings["connect_timeout"], settings["port"]) == ("require", "2", "6000")
    assert settings["application_name"] == "otel-telemetry"
    assert postgres_url.parse("postgresql:///runs").schema == "otel_telemetry"


def test_several_hosts_are_tried_as_libpq_does() -> None:
    place = postgres_url.parse(
        "postgresql://first:6000,second:6001/runs?target_session_attrs=read-write&options=-c%20a=b"
    )
    settings = psycopg.conninfo.conninfo_to_dict(place.conninfo)
    assert (settings["host"], settings["port"], settings["options"]) == ("first,second", "6000,6001", "-c a=b")


@pytest.mark.parametrize("shown", [str, repr])
def test_a_place_shows_no_password(shown: type[str]) -> None:
    place = postgres_url.parse(f"postgresql://me:{PASSWORD}@db.example/runs?passfile=/x")
    assert shown(place) == "postgresql://me@db.example/runs?schema=otel_telemetry"


@pytest.mark.parametrize(
    "rest",
    [
        "@host:port/db",
        "@host/db?unknown=1",
        "@[host/db",
        "%zz@host/db",
        "@more@host/db",
        "/more@host/db",
        "?more@host/db",
        "@host/db?schema=",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_being_shown(rest: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: write postgresql://") as caught:
        PostgresSpanExporter(f"postgresql://me:{PASSWORD}{rest}")
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_away_is_waited_for(postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    exporter = PostgresSpanExporter(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/runs")
    for call in (lambda: exporter.write([row(1)]), exporter.heartbeat):
        with pytest.raises(RetryableError, match="refused") as caught:
            call()
        assert PASSWORD not in str(caught.value)
    exporter.close()  # has nothing to say


@pytest.mark.parametrize("ended", [True, False])
def test_a_connection_that_is_lost_is_replaced(
    exporter: PostgresSpanExporter, other: psycopg.Connection, *, ended: bool
) -> None:
    exporter.write([row(1)])
    assert exporter._connection is not None
    other.execute("SELECT pg_terminate_backend(%s)", (exporter._connection.info.backend_pid,))
    with pytest.raises(RetryableError):
        exporter.write([row(2, ended=ended)])
    exporter.write([row(2, ended=ended)])
    assert ids(other) == [1, 2]


def test_a_server_that_hangs_is_given_up_in_time(
    exporter: PostgresSpanExporter, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter.write([row(1)])
    monkeypatch.setattr(postgres, "DEADLINE_S", 0.2)
    with other.transaction():
        other.execute("LOCK TABLE spans")  # as good as hanging: the answer never comes
        with pytest.raises(RetryableError):
            exporter.write([row(2)])
    monkeypatch.undo()
    exporter.write([row(2)])
    assert ids(other) == [1, 2]


def test_no_thread_outlives_its_exporter(postgres_url: str) -> None:
    def watching() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "otel-telemetry-deadline"]

    before = watching()
    exporter = PostgresSpanExporter(postgres_url)
    exporter.write([row(1)])
    exporter.write([row(2)])
    (own,) = set(watching()) - set(before)
    exporter.close()
    assert not own.is_alive()


def test_a_statement_that_the_server_cancels_may_be_tried_again(
    exporter: PostgresSpanExporter, other: psycopg.Connection
) -> None:
    exporter.write([row(1)])
    assert exporter._connection is not None
    exporter._connection.execute("SET statement_timeout = 50")
    with other.transaction():
        other.execute("LOCK TABLE spans")
        with pytest.raises(RetryableError, match="statement timeout"):
            exporter.write([row(2)])
    exporter.write([row(2)])
    assert ids(other) == [1, 2]


def test_a_session_that_may_not_write_is_no_fault_of_a_row(
    exporter: PostgresSpanExporter, other: psycopg.Connection
) -> None:
    exporter.write([row(1)])
    assert exporter._connection is not None
    exporter._connection.execute("SET default_transaction_read_only = on")  # as after a failover to a replica
    with pytest.raises(RetryableError, match="read-only"):
        exporter.write([row(2)])
    exporter.write([row(2)])
    assert ids(other) == [1, 2]


def test_a_batch_whose_commit_was_not_confirmed_may_come_again(
    exporter: PostgresSpanExporter, other: psycopg.Connection
) -> None:
    batch = [row(n, execution_id=f"e{n}", metadata=(("n", str(n)),)) for n in range(5)]
    exporter.write(batch)
    exporter.write([*batch, row(5)])  # its rows are there already, and one is not
    assert ids(other) == [0, 1, 2, 3, 4, 5]
    assert other.execute("SELECT count(*) FROM terms").fetchone() == (5,)


def test_values_of_a_row_do_not_get_into_errors(exporter: PostgresSpanExporter) -> None:
    exporter.write([row(1)])
    assert exporter._connection is not None
    exporter._connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(RetryableError) as caught:
        exporter.write([row(2, payload='"a value"')])
    assert "a value" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_processes_may_make_the_store_at_once(postgres_url: str, other: psycopg.Connection) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(6)

    def one(n: int) -> None:
        exporter = PostgresSpanExporter(postgres_url)
        gate.wait()
        try:
            for i in range(10):
                exporter.write([row(100 * n + i, execution_id=f"e{n}", ended=False)])
                exporter.write([row(100 * n + i, execution_id=f"e{n}")])
        except BaseException as error:
            errors.append(error)
        exporter.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ids(other)) == 60
    assert other.execute("SELECT count(*) FROM leases WHERE closed_ns IS NOT NULL").fetchone() == (6,)


def test_what_a_child_forgets_stays_open(exporter: PostgresSpanExporter, other: psycopg.Connection) -> None:
    exporter.write([row(1)])
    assert exporter._connection is not None
    session = (exporter._connection.info.backend_pid,)
    exporter.after_fork_in_child()
    gc.collect()
    assert other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", session).fetchone() == (1,)
    base._inherited.pop().close()  # type: ignore[attr-defined]


def test_a_real_fork_leaves_the_parents_connection_alone(postgres_url: str, other: psycopg.Connection) -> None:
    program = """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on: there is a thread, and a fork
        from otel_telemetry.stores.postgres.exporter import PostgresSpanExporter
        from tests.otel_telemetry.stores.rows import row
        exporter = PostgresSpanExporter(sys.argv[1])
        exporter.write([row(1)])
        connection = exporter._connection
        if (child := os.fork()) == 0:
            exporter.after_fork_in_child()
            exporter.write([row(2)])
            exporter.close()
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        exporter.write([row(3)])
        assert exporter._connection is connection
        exporter.close()
    """
    assert run(program, postgres_url) == (0, "")
    assert ids(other) == [1, 2, 3]
    assert other.execute("SELECT count(DISTINCT pid), count(closed_ns) FROM leases").fetchone() == (2, 2)


def test_a_store_may_be_read_on_both_sides_of_a_fork(exporter: PostgresSpanExporter, postgres_url: str) -> None:
    exporter.write([row(1)])
    program = """
        import os, sys
        from otel_telemetry.stores import open_store
        store = open_store(sys.argv[1])
        child = os.fork()
        for _ in range(100):  # at the same time: in one session, answers would be mixed up
            (only,) = store.spans(["execution-1"])["execution-1"]
            assert only.span_id == 1
        if child == 0:
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        store.close()
    """
    assert run(program, postgres_url) == (0, "")


def test_a_session_that_the_server_has_ended_is_replaced(
    exporter: PostgresSpanExporter, postgres_url: str, other: psycopg.Connection
) -> None:
    exporter.write([row(1)])
    sessions = set()
    with closing(open_store(postgres_url)) as store:
        for _ in range(3):
            assert len(store.spans(["execution-1"])) == 1
            with store._connection() as connection:  # type: ignore[attr-defined]
                session = connection.connection.driver_connection.info.backend_pid
            assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (session,)).fetchone() == (True,)
            sessions.add(session)
    assert len(sessions) == 3


def test_a_server_that_is_away_cannot_be_read() -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        open_store("postgresql:///runs?host=/nowhere")


def test_without_psycopg_the_extra_is_named() -> None:
    program = """
        import sys
        sys.modules["psycopg"] = None
        from otel_telemetry.errors import MissingExtraError
        from otel_telemetry.stores import open_exporter, open_store
        for opened in (open_exporter, open_store):
            try:
                opened("postgresql://host/db")
            except MissingExtraError as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    expected = "a PostgreSQL store needs an optional package: pip install 'otel-telemetry[postgres]'\n"
    assert done.stdout == 2 * expected


@pytest.mark.parametrize("with_start", [False, True], ids=["by COPY", "by a merge"])
def test_a_run_that_two_sessions_write_at_once_is_counted_once(
    exporter: PostgresSpanExporter, postgres_url: str, other: psycopg.Connection, *, with_start: bool
) -> None:
    """The second waits for the first to commit, and finds that the row is there."""
    step = row(kind=int(RowKind.STEP), step_id="s")
    batch = [row(ended=False, kind=step.kind, step_id="s"), step] if with_start else [step]
    exporter.write([row(2)])  # the tables are there
    second = PostgresSpanExporter(postgres_url)
    other.execute("BEGIN")
    other.execute("LOCK TABLE durations IN EXCLUSIVE MODE")  # holds both up, with their rows written or waiting
    threads = [threading.Thread(target=each.write, args=(batch,)) for each in (exporter, second)]
    for thread in threads:
        thread.start()
    while other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (2,):
        pass
    other.execute("COMMIT")
    for thread in threads:
        thread.join()
    second.close()
    with closing(exporter.store()) as store:
        (counted,) = add_up(store.durations())
    assert counted.n == 1
