"""An outage of PostgreSQL, of any kind and at any moment: nothing lost, nothing twice, and soon over."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import otel_telemetry as ot
from otel_telemetry.stores.account import load
from tests.durability.support import SPANS, Way, ended, files, record, sink, start, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.durability.proxy import Mode

OUTAGES: list[Mode] = ["refused", "black hole", "hung"]

PROGRAM = """
    import os, signal, sys
    import otel_telemetry as ot
    from tests.durability.support import record, sink
    url, spill, name, count, end = sys.argv[1:]
    telemetry = ot.configure(url, spill=spill)
    record(telemetry, int(count), name)
    if end == "wait":
        telemetry.flush(0.5)
        print(sink(telemetry.health()).spilled, flush=True)
        sys.stdin.read()
    if end == "flush":
        assert telemetry.flush(20)
    sys.exit(3)
"""


@pytest.mark.fault("backend away, at start", "0 lost, spilled, stored within 5 s of its return", backend="postgresql")
@pytest.mark.promise("P27")
def test_a_backend_that_is_away_at_the_start(way: Way, observed: Callable[[str], None]) -> None:
    way.proxy.set("refused")
    telemetry = way.configure()
    record(telemetry, 100)
    wait_until(lambda: sink(telemetry.health()).spilled == 100 * SPANS)
    assert len(set(way.spilled())) == 100 * SPANS
    way.proxy.set("open")
    began = time.monotonic()
    assert telemetry.flush(5)
    took = time.monotonic() - began
    assert telemetry.shutdown()
    assert len(set(way.stored())) == len(way.stored()) == 100 * SPANS
    assert files(way.spill) == []
    observed(f"{100 * SPANS} of {100 * SPANS} stored, once each, {took:.1f} s after its return")


@pytest.mark.parametrize("mode", OUTAGES)
@pytest.mark.promise("P27")
def test_an_outage_in_the_middle_of_a_stream(way: Way, mode: Mode) -> None:
    telemetry = way.configure()
    record(telemetry, 100, "before")
    assert telemetry.flush(20)
    way.proxy.set(mode)
    record(telemetry, 300, "during")
    wait_until(lambda: sink(telemetry.health()).spilled == 300 * SPANS)
    account = sink(telemetry.health())
    assert (account.stored, account.pending, account.dropped) == (100 * SPANS, 300 * SPANS, {})
    assert not telemetry.flush(0)
    way.proxy.set("open")
    record(telemetry, 100, "after")
    assert telemetry.flush(5)
    assert sink(telemetry.health()).spilled == 0
    assert telemetry.shutdown()
    assert way.workflows() == {"before": 100, "during": 300, "after": 100}
    assert len(set(way.stored())) == len(way.stored()) == 500 * SPANS
    assert files(way.spill) == []


def test_a_spill_holds_spans_and_nothing_that_follows_from_them(way: Way) -> None:
    """What they say of their executions is worked out where they are going."""
    way.proxy.set("refused")
    telemetry = way.configure()
    record(telemetry, 2, tenant="t1")
    wait_until(lambda: sink(telemetry.health()).spilled == 2 * SPANS)
    (file,) = files(way.spill)
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        tables = ("spans", "resources", "leases", "executions", "terms", "durations")
        counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        assert counts == {
            "spans": 2 * SPANS, "resources": 1, "leases": 1, "executions": 0, "terms": 0, "durations": 0
        }  # fmt: skip
        assert connection.execute(
            "SELECT count(*) FROM spans WHERE payload LIKE ?", (f"%{'x' * 200}%",)
        ).fetchone() == (2,)
    assert file.stat().st_mode & 0o077 == file.parent.stat().st_mode & 0o077 == 0
    way.proxy.set("open")
    assert telemetry.shutdown()
    with ot.open_reader(way.direct) as reader:
        page = reader.query(workflow_name="w", metadata={"tenant": "t1"})
        assert [run.status for run in page] == [ot.ExecutionStatus.COMPLETED] * 2
        assert [call.result for call in page.records[0].steps[0].tool_calls] == ["x" * 200]


def test_metadata_and_running_spans_come_through_the_spill(way: Way) -> None:
    way.proxy.set("refused")
    telemetry = way.configure()
    with telemetry.execution("long", execution_id="long", metadata={"tenant": "t1"}) as run:
        telemetry.flush(0.2)
        wait_until(lambda: files(way.spill))
        way.proxy.set("open")

        def found() -> list[ot.ExecutionRecord]:
            with ot.open_reader(way.direct) as reader:
                return reader.query(metadata={"tenant": "t1"}).records

        wait_until(lambda: telemetry.flush(1) and found())
        (record_,) = found()
        assert record_.status is ot.ExecutionStatus.RUNNING
        assert not record_.interrupted
        way.proxy.set("refused")
        run.outputs = "done"
    wait_until(lambda: sink(telemetry.health()).spilled == 1)
    way.proxy.set("open")
    assert telemetry.shutdown()
    (record_,) = found()
    assert (record_.status, record_.outputs) == (ot.ExecutionStatus.COMPLETED, "done")


@pytest.mark.fault("backend away, at the end", "exit code kept, the rest spilled and sent later", backend="postgresql")
@pytest.mark.parametrize("end", ["exit", "kill"])
def test_the_next_process_sends_what_the_last_one_left(way: Way, end: str, observed: Callable[[str], None]) -> None:
    way.proxy.set("refused")
    first = start(PROGRAM, way.url, way.spill, "first", 50, "wait")
    assert first.stdout is not None
    assert int(first.stdout.readline()) == 50 * SPANS
    if end == "kill":
        first.send_signal(signal.SIGKILL)
    _, problems = first.communicate("\n", timeout=30)
    assert (first.returncode, "Traceback" in problems) == (3 if end == "exit" else -signal.SIGKILL, False)
    assert len(way.spilled()) == 50 * SPANS
    way.proxy.set("open")
    telemetry = way.configure()
    record(telemetry, 10, "second")
    wait_until(lambda: sink(telemetry.health()).recovered == 50 * SPANS)
    account = sink(telemetry.health())
    assert telemetry.shutdown()
    assert account.accepted == 10 * SPANS
    assert way.workflows() == {"first": 50, "second": 10}
    assert len(set(way.stored())) == len(way.stored()) == 60 * SPANS
    assert files(way.spill) == []
    observed(f"{50 * SPANS} of {50 * SPANS} stored by the next process")


def test_what_a_living_process_has_spilled_is_left_to_it(way: Way) -> None:
    way.proxy.set("refused")
    first = start(PROGRAM, way.url, way.spill, "first", 20, "wait")
    assert first.stdout is not None
    assert int(first.stdout.readline()) == 20 * SPANS
    telemetry = ot.configure(way.direct, spill=str(way.spill))  # the same store, by another way
    record(telemetry, 5, "second")
    assert telemetry.shutdown()
    assert len(way.spilled()) == 20 * SPANS
    assert sink(telemetry.health()).recovered == 0
    way.proxy.set("open")
    first.communicate("\n", timeout=30)
    assert way.workflows() == {"first": 20, "second": 5}


@pytest.mark.promise("P5")
def test_the_disk_is_bounded_and_what_is_too_much_is_counted(way: Way) -> None:
    bound = 1_000_000
    way.proxy.set("refused")
    telemetry = way.configure(spill_size=bound, queue_size=200_000, block_timeout_ms=300)
    for n in range(60):
        with telemetry.execution("large") as run:
            run.outputs = [f"{n}-{i}" for i in range(5_000)]
    wait_until(lambda: sink(telemetry.health()).dropped.get("full"))
    account = sink(telemetry.health())
    assert account.accepted == 60
    assert account.spilled
    assert sum(path.stat().st_size for path in way.spill.rglob("*") if path.is_file()) <= bound
    way.proxy.set("open")
    assert telemetry.flush(20)
    account = sink(telemetry.health())
    assert account.pending == 0
    assert len(way.stored()) == account.stored == 60 - account.dropped["full"]
    telemetry.shutdown()


def test_without_a_spill_spans_wait_in_memory(way: Way) -> None:
    way.proxy.set("refused")
    telemetry = way.configure(spill_size=0)
    record(telemetry, 10)
    assert not telemetry.flush(0.2)
    account = sink(telemetry.health())
    assert (account.pending, account.spilled) == (10 * SPANS, 0)
    assert not way.spill.exists()
    way.proxy.set("open")
    assert telemetry.flush(20)
    telemetry.shutdown()


def test_a_folder_that_cannot_be_made_costs_nothing_but_the_spill(way: Way) -> None:
    way.spill.write_text("a file, where a folder should be")
    way.proxy.set("refused")
    telemetry = way.configure()
    record(telemetry, 10)
    assert not telemetry.flush(0.3)
    assert (sink(telemetry.health()).pending, sink(telemetry.health()).spilled) == (10 * SPANS, 0)
    way.proxy.set("open")
    assert telemetry.shutdown()
    assert len(way.stored()) == 10 * SPANS


@pytest.mark.promise("P3")
def test_the_accounts_of_all_processes_add_up_across_restarts(way: Way) -> None:
    recorded = 0
    for count, mode in ((20, "open"), (30, "refused"), (10, "open")):
        way.proxy.set("open" if mode == "open" else "refused")
        process = start(PROGRAM, way.url, way.spill, f"{mode}-{count}", count, "flush" if mode == "open" else "exit")
        _, problems = process.communicate(timeout=60)
        assert process.returncode == 3, problems
        recorded += count * SPANS
        with way.connect() as connection:
            query = "SELECT account FROM leases WHERE closed_ns IS NOT NULL AND account IS NOT NULL"
            accounts = [load(text) for (text,) in connection.execute(query)]
        if mode == "open":
            stored = sum(a.stored for a in accounts) + sum(a.spilled for a in accounts) - len(way.spilled())
            assert sum(a.accepted for a in accounts) == recorded
            assert stored == len(way.stored()) == recorded - len(way.spilled())
            assert all(not a.dropped and a.pending == a.spilled for a in accounts)


def test_rows_leave_a_spill_in_the_order_in_which_they_came(way: Way) -> None:
    way.proxy.set("refused")
    telemetry = way.configure()
    for n in range(50):
        record(telemetry, 1, f"w{n}")
        telemetry.flush(0)
    telemetry.shutdown()
    came = [n for path in files(way.spill) for n in ended(path)]
    assert len(came) == 50 * SPANS
    way.proxy.set("open")
    telemetry = way.configure()
    record(telemetry, 1, "next")
    wait_until(lambda: sink(telemetry.health()).recovered == 50 * SPANS)
    assert telemetry.shutdown()
    with way.connect() as connection:
        order = [n for (n,) in connection.execute("SELECT span_id FROM spans ORDER BY ctid")]
    assert [n for n in order if n in came] == came
