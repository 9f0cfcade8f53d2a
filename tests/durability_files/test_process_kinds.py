"""Every way in which programs make processes and leave them, with a real store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

import otel_telemetry as ot

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def program(tmp_path: Path, text: str, *arguments: object, timeout_s: float = 100, **variables: str) -> str:
    """Run a program of the tests, which may import `work` from itself as spawned children do."""
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(text))
    # Python warns of forks in programs with threads; that they work is what is tested here
    command = [sys.executable, "-W", "ignore::DeprecationWarning", file, *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def names(path: Path) -> Counter[str]:
    """What was recorded, by name; the store is sound, and nothing in it is open."""
    with ot.open_reader(f"sqlite:///{path}") as reader:
        records = list(reader.iterate())
    assert all(record.status is ot.ExecutionStatus.COMPLETED for record in records)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM leases WHERE closed_ns IS NULL").fetchone() == (0,)
    return Counter(str(record.workflow_name) for record in records)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.fault("child of multiprocessing that never flushes", "its records arrive, none doubled", backend="sqlite")
@pytest.mark.promise("P12")
def test_children_of_multiprocessing(tmp_path: Path, path: Path, method: str, observed) -> None:
    text = """
        import multiprocessing, sys
        import otel_telemetry as ot
        def work(path):
            try:
                ot.get_telemetry()  # inherited by a fork
            except ot.ConfigurationError:
                ot.configure(store=f"sqlite:///{path}")
            for _ in range(5):
                with ot.get_telemetry().execution("child"):
                    pass
        if __name__ == "__main__":
            path, method = sys.argv[1:]
            telemetry = ot.configure(store=f"sqlite:///{path}")
            with telemetry.execution("parent"):
                pass
            context = multiprocessing.get_context(method)
            children = [context.Process(target=work, args=(path,)) for _ in range(3)]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
            with telemetry.execution("parent"):
                pass
    """
    program(tmp_path, text, path, method)
    assert names(path) == {"parent": 2, "child": 15}
    observed(f"{method}: 15 of 15 executions of 3 children, 2 of 2 of the parent")


@pytest.mark.fault("pre-forking server", "each worker's records arrive, none doubled", backend="sqlite")
@pytest.mark.promise("P12")
def test_a_server_that_forks_its_workers_after_it_has_recorded(tmp_path: Path, path: Path, observed) -> None:
    text = """
        import os, signal, sys, threading
        import otel_telemetry as ot
        telemetry = ot.configure(store=f"sqlite:///{sys.argv[1]}")
        with telemetry.execution("preload"):
            pass
        assert telemetry.flush(30)
        workers = []
        for _ in range(4):
            if not (pid := os.fork()):
                def serve():
                    for _ in range(25):
                        with telemetry.execution("request"):
                            pass
                threads = [threading.Thread(target=serve) for _ in range(2)]
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as servers do
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                signal.pause()
            workers.append(pid)
        while True:  # the master reads what its workers have recorded
            if telemetry.store.count(workflow_name="request") == 200:
                break
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers] == [0] * 4
        with telemetry.execution("master"):
            pass
    """
    program(tmp_path, text, path)
    assert names(path) == {"preload": 1, "request": 200, "master": 1}
    observed("200 of 200 executions of 4 workers, 2 of 2 of the master")


MANY_FORKS = int(os.environ.get("OTEL_TELEMETRY_TEST_FORKS", "200"))
FORKS = """
    import os, sys, threading, time
    import otel_telemetry as ot
    telemetry = ot.configure(store=f"sqlite:///{sys.argv[1]}", block_timeout_ms=60_000)
    forks, stop, counts = int(sys.argv[2]), threading.Event(), [0] * 8

    def hammer(number):
        while not stop.is_set():
            with telemetry.execution("parent"):
                counts[number] += 1
            time.sleep(0.001)

    def reap():
        code = os.waitstatus_to_exitcode(os.waitpid(children.pop(0), 0)[1])
        assert code == 0, code

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    children, waits = [], []
    for _ in range(forks):
        before = time.monotonic()
        if not (pid := os.fork()):
            for _ in range(3):
                with telemetry.execution("child"):
                    pass
            os._exit(0 if telemetry.shutdown(60) else 3)
        waits.append(time.monotonic() - before)
        children.append(pid)
        if len(children) == 8:
            reap()
    while children:
        reap()
    stop.set()
    for thread in threads:
        thread.join()
    assert telemetry.shutdown(60), telemetry.health()
    print(sum(counts), sorted(waits)[len(waits) // 2], max(waits))
"""


@pytest.mark.parametrize("forks", [50, pytest.param(MANY_FORKS, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.fault("forks while 8 threads record", "no deadlock, none lost, none doubled", backend="sqlite")
@pytest.mark.promise("P12")
def test_forks_while_threads_record(tmp_path: Path, path: Path, forks: int, observed) -> None:
    recorded, median, longest = program(tmp_path, FORKS, path, forks, timeout_s=800).split()
    assert names(path) == {"parent": int(recorded), "child": 3 * forks}
    observed(
        f"{forks} forks: all {3 * forks:,} executions of children and all {recorded} of the parent; "
        f"a fork took {float(median) * 1000:.0f} ms, at most {float(longest) * 1000:.0f} ms"
    )


@pytest.mark.parametrize("transactions", [30, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.fault("16 writers on one file", "no lock error, nothing lost", backend="sqlite")
@pytest.mark.promise("P14")
def test_sixteen_writers(tmp_path: Path, path: Path, transactions: int, observed) -> None:
    text = """
        import os, sys
        from otel_telemetry.stores import SQLiteSpanExporter
        from otel_telemetry.stores.sqlite import checkpoint as sqlite_checkpoint
        from tests.otel_telemetry.stores.rows import row
        sqlite_checkpoint.LOG_BYTES = 2_000_000  # so that the log is moved often, by all of them
        transactions, children = int(sys.argv[2]), []
        gate, opened = os.pipe()
        for process in range(16):
            if not (child := os.fork()):
                os.close(opened)
                os.read(gate, 1)  # ends when the parent closes its side
                exporter = SQLiteSpanExporter(sys.argv[1])
                for n in range(transactions):
                    payload = '"' + "x" * 800 + '"'
                    exporter.write([row(n, execution_id=f"e{process}-{n}", workflow_name="w", payload=payload)])
                exporter.close()
                os._exit(0)
            children.append(child)
        os.close(opened)
        sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    """
    program(tmp_path, text, path, transactions, timeout_s=800)
    assert names(path) == {"w": 16 * transactions}
    assert not list(tmp_path.glob("*.corrupt-*"))
    observed(f"0 errors in {16 * transactions:,} transactions of 16 processes")


def test_what_was_flushed_survives_an_exit_without_any_clean_up(tmp_path: Path, path: Path) -> None:
    text = """
        import os, sys
        import otel_telemetry as ot
        telemetry = ot.configure(store=f"sqlite:///{sys.argv[1]}")
        with telemetry.execution("flushed"):
            pass
        assert telemetry.flush(30)
        os._exit(0)
    """
    program(tmp_path, text, path)
    with ot.open_reader(f"sqlite:///{path}") as reader:
        assert [record.workflow_name for record in reader.query()] == ["flushed"]


@pytest.mark.fault("signal handlers and finalizers that record", "no deadlock, all stored or counted", backend="sqlite")
@pytest.mark.promise("P13")
def test_signal_handlers_and_finalizers_may_record(tmp_path: Path, path: Path, observed) -> None:
    text = """
        import gc, signal, sys
        import otel_telemetry as ot
        telemetry = ot.configure(store=f"sqlite:///{sys.argv[1]}", block_timeout_ms=60_000)
        counts = {"main": 0, "signal": 0, "finalizer": 0}

        def record(name):
            with telemetry.execution(name):
                pass
            counts[name] += 1

        class Cycle:
            def __init__(self):
                self.me = self
            def __del__(self):
                record("finalizer")

        signal.signal(signal.SIGALRM, lambda *_: record("signal"))
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        gc.set_threshold(50)  # the collector finds the cycles in whatever thread allocates, the worker's too
        while counts["signal"] < 50 or counts["main"] < 1000:
            Cycle()
            record("main")
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
        gc.set_threshold(0)
        assert telemetry.flush(60)
        health = telemetry.health().sinks[0]
        dropped = dict(health.dropped)
        assert set(dropped) <= {"reentrant"}, health
        telemetry.shutdown(30)
        print(*counts.values(), sum(dropped.values()))
    """
    main, signals, finalizers, reentrant = map(int, program(tmp_path, text, path).split())
    found = names(path)
    assert (found["main"], found["signal"] + found["finalizer"] + reentrant) == (main, signals + finalizers)
    observed(
        f"{main:,} + {signals + finalizers:,} executions of signal handlers and finalizers, "
        f"{reentrant} of them inside the package's own work and counted as dropped"
    )


def test_a_finalizer_may_record_in_the_middle_of_a_change_of_context(tmp_path: Path) -> None:
    """Where it does, before Python 3.12, what the change still reads was freed; what is freed is overwritten here."""
    text = """
        import contextvars, gc
        import otel_telemetry as ot

        telemetry = ot.configure(store="memory://")
        own = contextvars.ContextVar("the host's own")
        recorded = 0

        def record():
            global recorded
            with telemetry.execution("recorded"):
                recorded += 1

        class Cycle:
            def __init__(self):
                self.me = self
            def __del__(self):
                record()

        held = []  # contexts, so that none is left over for the next use and each is allocated
        for turn in range(10_000):
            gc.set_threshold(5 + turn % 29)  # each place that allocates has its turn
            Cycle()
            own.set(turn)
            if turn % 2:
                held.append([contextvars.Context() for _ in range(4)])
            record()
        telemetry.shutdown(30)
        print(recorded)
    """
    assert int(program(tmp_path, text, PYTHONMALLOC="debug")) > 19_000


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
@pytest.mark.fault("instrumented database driver", "no span of the store's own work")
@pytest.mark.promise("P21")
def test_the_stores_own_work_is_not_traced(
    tmp_path: Path, path: Path, backend: str, request: pytest.FixtureRequest, observed
) -> None:
    """As the instrumentations of drivers do: every `execute` is a span, unless the context says not to."""
    url = str(request.getfixturevalue("postgres_url")) if backend == "postgresql" else f"sqlite:///{path}"
    text = """
        import functools, sqlite3, sys
        import psycopg
        from opentelemetry import context, trace
        import otel_telemetry as ot

        traced = untraced = 0

        def instrument(method):
            def execute(self, *arguments, **options):
                global traced, untraced
                if context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY):
                    untraced += 1
                    return method(self, *arguments, **options)
                traced += 1
                with trace.get_tracer("instrumentation").start_as_current_span("SQL"):
                    return method(self, *arguments, **options)
            return execute

        class Cursor(sqlite3.Cursor):
            pass

        class Connection(sqlite3.Connection):
            def cursor(self):
                return super().cursor(Cursor)

        both = ("execute", "executemany")
        for kind, names in ((Connection, both), (Cursor, both), (psycopg.Cursor, (*both, "copy"))):
            for name in names:
                setattr(kind, name, instrument(getattr(kind, name)))
        sqlite3.connect = functools.partial(sqlite3.connect, factory=Connection)

        with ot.configure(store=sys.argv[1], set_global=True) as telemetry:
            for _ in range(50):
                with telemetry.execution("w"):
                    pass
            assert telemetry.flush(30)
            assert telemetry.store.count() == 50
            assert len(list(telemetry.store.query(limit=100))) == 50
            assert telemetry.health().sinks[0].accepted == 50, telemetry.health()
        print(traced, untraced)
    """
    traced, untraced = map(int, program(tmp_path, text, url).split())
    assert not traced
    assert untraced > 5
    observed(f"0 spans of {untraced} statements, writing and reading")
