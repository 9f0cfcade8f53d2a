"""`sync`: the end of an execution returns once it is safe."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import otel_telemetry as ot
from tests.durability.support import SPANS, Way, ended, record, sink

DIE = """
import os, sys
import otel_telemetry as ot
from tests.durability.support import record
telemetry = ot.configure(sys.argv[1], spill=sys.argv[2], sync=True)
record(telemetry, 5)
os._exit(9)
"""


def test_an_execution_that_has_ended_is_in_the_file(tmp_path: Path) -> None:
    with ot.configure(f"sqlite:///{tmp_path}/t.db", sync=True) as telemetry:
        for n in range(5):
            record(telemetry, 1)
            assert len(ended(tmp_path / "t.db")) == SPANS * (n + 1)


def test_executions_that_end_together_share_commits(tmp_path: Path) -> None:
    with ot.configure(f"sqlite:///{tmp_path}/t.db", sync=True) as telemetry:
        threads = [threading.Thread(target=record, args=(telemetry, 20)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ended(tmp_path / "t.db")) == 160 * SPANS


@pytest.mark.parametrize("mode", ["open", "refused", "hung"])
@pytest.mark.promise("P6")
def test_an_execution_that_has_ended_survives_the_process(way: Way, mode: str) -> None:
    with way.configure() as telemetry:
        record(telemetry, 1)
    way.proxy.set(mode)  # type: ignore[arg-type]
    done = subprocess.run([sys.executable, "-c", DIE, way.url, str(way.spill)], check=False, cwd=Path.cwd(), timeout=60)
    assert done.returncode == 9
    way.proxy.set("open")
    assert len(set(way.stored()) | set(way.spilled())) == 6 * SPANS


@pytest.mark.parametrize(("durability", "synchronous"), [("normal", 1), ("full", 3)])
def test_durability_is_what_sqlite_is_told(tmp_path: Path, durability: str, synchronous: int) -> None:
    with ot.configure(f"sqlite:///{tmp_path}/t.db", durability=durability) as telemetry:
        record(telemetry, 1)
        assert telemetry.flush(20)
        connection = telemetry._exporter._connection  # type: ignore[attr-defined]
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)


def test_the_spill_is_as_durable_as_the_store(way: Way) -> None:
    way.proxy.set("refused")
    telemetry = way.configure(durability="full")
    record(telemetry, 1)
    telemetry.flush(0.3)
    assert sink(telemetry.health()).spilled == SPANS
    (worker,) = telemetry.processor._workers
    own = worker._spill._own  # type: ignore[union-attr]
    assert own.file._connection.execute("PRAGMA synchronous").fetchone() == (3,)
    way.proxy.set("open")
    assert telemetry.shutdown()


def test_memory_cannot_be_durable() -> None:
    with pytest.raises(ot.ConfigurationError, match="survives nothing"):
        ot.configure("memory://", durability="full")


def test_a_store_that_is_locked_holds_the_end_back_until_it_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with ot.configure(f"sqlite:///{path}", sync=True) as telemetry:
        record(telemetry, 1)
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(0.3, other.execute, ("COMMIT",))
            timer.start()
            record(telemetry, 1)
            assert len(ended(path)) == 2 * SPANS
            timer.join()
