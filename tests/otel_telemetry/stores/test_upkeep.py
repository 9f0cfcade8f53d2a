"""Looking after a store: what is removed stays removed, and everything can be made anew from the spans."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from otel_telemetry.query import Filter
from otel_telemetry.rows import RowKind, SpanRow, add_up
from otel_telemetry.rows.durations import HOUR_NS
from otel_telemetry.stores import open_exporter
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.duration_parts import from_values
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import CORPUS, DEAD_LEASE, LIVE_LEASE, make_row
from otel_telemetry.testing.traces import batches_of, cases

if TYPE_CHECKING:
    from pathlib import Path

LIVE = frozenset({LIVE_LEASE})
CASES = 40
TABLES = ("executions", "terms", "spans")


@pytest.fixture
def exporter(url: str) -> Any:
    exporter = open_exporter(url)
    yield exporter
    exporter.close()


def tables(exporter: StoreExporter[Any]) -> dict[str, list[Any]]:
    """Everything that is stored, in an order of its own; histograms added up."""
    with exporter._looking_after() as database, database.transaction():
        connection = database._connection  # type: ignore[attr-defined]
        found = {
            name: sorted(map(repr, map(plain, connection.execute(f"SELECT * FROM {name}").fetchall())))
            for name in TABLES
        }
        columns = "hour, workflow_name, workflow_version, kind, name, failed, longest_ns, slowest, buckets"
        for name in ("durations", "durations_kept"):
            parts = connection.execute(f"SELECT {columns} FROM {name}").fetchall()
            found[name] = [
                (*part[:6], {bucket: n for bucket, n in sorted(part.buckets.items()) if n})
                for part in add_up(map(from_values, parts))
                if part.n or part.failed
            ]
    return found


def plain(row: Any) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def answers(exporter: StoreExporter[Any]) -> list[Any]:
    with closing(exporter.store()) as store:
        found = store.executions(Filter(), live_leases=LIVE, limit=10_000)
        return [found, store.spans([row.execution_id for row in found])]


def write_all(exporter: StoreExporter[Any], count: int) -> list[SpanRow]:
    written = []
    for seed, rows in cases(0, count):
        for batch in batches_of(seed, rows):
            exporter.write(batch)
        written += rows
    return written


def test_what_is_deleted_is_found_nowhere_and_stays_refused(exporter: StoreExporter[Any]) -> None:
    exporter.write(CORPUS)
    assert exporter.delete(["run-1", "run-1", "never there"]) == 1
    assert exporter.delete(["run-1"]) == 0
    rest = [row for row in CORPUS if row.execution_id != "run-1"]
    model = Model(rest)
    of_it = [row for row in CORPUS if row.execution_id == "run-1"]
    for batch in ([], of_it, of_it[1:2], [make_row(RowKind.STEP, "run-1", 77, step_id="late")]):
        exporter.write(batch)
        with closing(exporter.store()) as store:
            assert store.executions(Filter(), live_leases=LIVE, limit=100) == model.matching(Filter())
            assert store.spans(["run-1"]) == {}
            assert store.count(Filter(tool_name=("http.get",)), live_leases=LIVE) == 1
            assert [part.n for part in add_up(store.durations()) if part.n] == [part.n for part in model.durations()]
    assert exporter.written.refused == len(of_it) + 2


def test_deleting_leaves_what_the_other_spans_alone_make(exporter: StoreExporter[Any]) -> None:
    rows = write_all(exporter, CASES)
    model = Model(rows)
    listed = sorted(row.execution_id for row in model.executions())
    victims = set(listed[::3])
    assert exporter.delete(victims) == len(victims)
    gone = {trace for trace, row in model.all.items() if row.covered_by in victims} | victims
    rest = Model(row for row in rows if row.execution_id not in gone)
    with closing(exporter.store()) as store:
        assert store.executions(Filter(), live_leases=LIVE, limit=10_000) == rest.matching(Filter())
        assert sorted(store.runs(Filter(), live_leases=LIVE)) == sorted(rest.runs(rest.executions()))
    kept = tables(exporter)
    assert len(kept["terms"]) == len(rest.terms)
    assert sum(sum(part[-1].values()) for part in kept["durations"]) == sum(part.n for part in rest.durations())


def test_everything_is_made_anew_from_the_spans(exporter: StoreExporter[Any]) -> None:
    rows = write_all(exporter, CASES)
    exporter.delete([rows[0].execution_id])
    before, answered = tables(exporter), answers(exporter)
    told: list[int] = []
    assert exporter.reindex(told.append) == len(before["spans"])
    assert told[-1] == len(before["spans"])
    assert tables(exporter) == before  # a store that is right stays as it is

    with exporter._looking_after() as database, database.transaction():
        for name in ("terms", "durations"):
            database._connection.execute(f"DELETE FROM {name}")  # type: ignore[attr-defined]
        database._connection.execute("DELETE FROM executions WHERE who_rank < 127")  # type: ignore[attr-defined]
    assert answers(exporter)[0] == []
    exporter.reindex()
    assert tables(exporter) == before
    assert answers(exporter) == answered


def test_spans_are_judged_again(exporter: StoreExporter[Any]) -> None:
    """As where a convention is added: what was a plain span becomes a tool call."""
    (rows,) = [rows for seed, rows in cases(3, 1)]
    exporter.write(rows)
    before = tables(exporter)
    with exporter._looking_after() as database, database.transaction():
        database._connection.execute("UPDATE spans SET kind = 0, tool_name = NULL WHERE kind IN (10, 11)")  # type: ignore[attr-defined]
    exporter.reindex()
    assert tables(exporter) == before


def old_and_new(exporter: StoreExporter[Any]) -> tuple[list[SpanRow], list[SpanRow]]:
    """Rows of executions before and after the third hour; one of the old ones still runs, one was interrupted."""
    old, new = [], []
    for number in range(130):
        for hour, rows in ((number % 3, old), (3, new)):
            start = hour * HOUR_NS + number
            run = f"{'old' if rows is old else 'new'}-{number}"
            span_id = 10 * number + (5 if rows is new else 1)
            state: dict[str, Any] = {"ended_ns": start + 5}
            if number < 2:
                lease = LIVE_LEASE if number == 0 else DEAD_LEASE
                state = {"ended_ns": None, "status": 1, "lease_id": lease}
            rows.append(make_row(RowKind.EXECUTION, run, span_id, started_ns=start, workflow_name="w", **state))
            rows.append(
                make_row(RowKind.STEP, run, span_id + 1, started_ns=start, ended_ns=start + 3, step_id="s",
                         parent_span_id=span_id)
            )  # fmt: skip
    exporter.write([*old, *new])
    return old, new


def test_retention_keeps_what_runs_and_what_was_counted(exporter: StoreExporter[Any]) -> None:
    old, new = old_and_new(exporter)
    counted = Model([*old, *new]).durations()
    told: list[int] = []
    pruned = exporter.prune(3 * HOUR_NS + 5, LIVE, told.append)  # the hour is not over: nothing of it goes
    assert (pruned.executions, pruned.kept_open) == (129, 1)
    assert told[-1] == 129
    running = [row for row in old if row.execution_id == "old-0"]
    model = Model([*running, *new])
    with closing(exporter.store()) as store:
        assert store.executions(Filter(), live_leases=LIVE, limit=1000) == model.matching(Filter())
        assert sorted(store.runs(Filter(), live_leases=LIVE)) == sorted(model.runs(model.executions()))
        added = add_up(store.durations())
        assert [(part[:6], dict(part.buckets)) for part in added] == [
            (part[:6], dict(part.buckets)) for part in counted
        ]
    kept = tables(exporter)
    exporter.reindex()
    assert tables(exporter) == kept
    exporter.write([row for row in old if row.execution_id == "old-7"])
    assert exporter.written.refused == 2
    exporter.write([row._replace(ended_ns=row.started_ns + 9, status=2) for row in running[:1]])
    assert exporter.prune(3 * HOUR_NS, LIVE).executions == 1


def test_a_deleted_run_gives_its_space_back(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    with closing(open_exporter(f"sqlite:///{path}")) as exporter:
        for number in range(200):
            payload = {"inputs": "x" * 20_000}
            exporter.write([make_row(RowKind.EXECUTION, f"run-{number}", number, payload=payload)])
        exporter.delete([f"run-{number}" for number in range(190)])
        with exporter._looking_after() as database:  # type: ignore[attr-defined]
            database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert path.stat().st_size < 1_500_000


def test_removing_does_not_keep_writers_waiting(tmp_path: Path) -> None:
    """One transaction removes some executions; between two, whatever waits is written."""
    path = tmp_path / "telemetry.db"
    with closing(open_exporter(f"sqlite:///{path}")) as exporter, closing(open_exporter(f"sqlite:///{path}")) as other:
        old_and_new(exporter)
        remover = threading.Thread(target=lambda: other.prune(3 * HOUR_NS, LIVE))  # type: ignore[attr-defined]
        remover.start()
        written = 0
        while remover.is_alive():
            exporter.write([make_row(RowKind.EXECUTION, f"later-{written}", 50_000 + written, started_ns=4 * HOUR_NS)])
            written += 1
            time.sleep(0.001)
        remover.join()
        with closing(exporter.store()) as store:
            assert store.count(Filter(execution_id_prefix="later-"), live_leases=LIVE) == written > 0
            assert store.count(Filter(execution_id_prefix="old-"), live_leases=LIVE) == 1
