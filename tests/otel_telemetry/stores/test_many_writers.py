"""Several that write the same spans at once, in orders of their own: what is stored is what one alone would store."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest

from otel_telemetry.query import Filter
from otel_telemetry.rows import RowKind, RowStatus, SpanRow, add_up
from otel_telemetry.stores import open_exporter
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.changes import Changes
from otel_telemetry.stores.held import Held
from otel_telemetry.stores.postgres.url import parse
from otel_telemetry.stores.sqlite import writer
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import LIVE_LEASE, make_row
from otel_telemetry.testing.traces import batches_of, cases

LIVE = frozenset({LIVE_LEASE})
LASTING = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
CASES = 60
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
def writers(url: str) -> Iterator[Callable[[int], list[StoreExporter[Any]]]]:
    """Makes exporters to one store, whose tables are there."""
    made: list[StoreExporter[Any]] = []

    def make(count: int) -> list[StoreExporter[Any]]:
        made.extend(open_exporter(url) for _ in range(count))  # type: ignore[misc]  # all of these backends are
        for exporter in made:
            exporter.heartbeat()
        return made

    yield make
    for exporter in made:
        exporter.close()


def at_once(*tasks: Callable[[], None]) -> None:
    """Run all of them, each in a thread of its own."""
    errors: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def write_all(exporter: StoreExporter[Any], number: int, gate: threading.Barrier) -> None:
    """Write each case together with the others, in batches of one's own."""
    try:
        for seed, rows in cases(0, CASES):
            gate.wait(60)
            for batch in batches_of(1_000 * number + seed, rows):
                exporter.write(batch)
    except BaseException:
        gate.abort()
        raise


def compare(exporters: Sequence[StoreExporter[Any]], written: Sequence[SpanRow]) -> None:
    """Assert that a store holds what these rows make, and nothing else."""
    model = Model(written)
    with closing(exporters[0].store()) as store:
        found = store.executions(Filter(), live_leases=LIVE, limit=10_000)
        assert found == model.matching(Filter())
        ids = sorted(model.all)
        assert store.spans(ids) == {row.execution_id: model.spans(row.execution_id) for row in found}
        assert sorted(store.runs(Filter(), live_leases=LIVE)) == sorted(model.runs(found))
        counted = [(part[:6], dict(part.buckets)) for part in add_up(store.durations()) if part.n]
        assert [(key, {b: n for b, n in sorted(buckets.items()) if n}) for key, buckets in counted] == [
            (part[:6], dict(sorted(part.buckets.items()))) for part in model.durations()
        ]
    with exporters[0]._looking_after() as database, database.transaction():
        terms = database._connection.execute("SELECT count(*) FROM terms").fetchone()  # type: ignore[attr-defined]
    assert terms == (len(model.terms),)
    spans = {(row.execution_id, row.started_ns, row.span_id) for row in written}
    assert sum(exporter.written.stored for exporter in exporters) == len(spans)


@LASTING
def test_two_that_write_the_same_at_once_make_what_one_makes(
    writers: Callable[[int], list[StoreExporter[Any]]],
) -> None:
    both = writers(2)
    gate = threading.Barrier(2)
    at_once(*(lambda n=n: write_all(both[n], n, gate) for n in range(2)))
    compare(both, [row for _, rows in cases(0, CASES) for row in rows])
    offered = sum(
        len(batch) for n in range(2) for seed, rows in cases(0, CASES) for batch in batches_of(1_000 * n + seed, rows)
    )
    written = [exporter.written for exporter in both]
    assert sum(one.stored + one.replayed + one.replaced + one.refused for one in written) == offered


def caller_and_callee(number: int) -> tuple[list[SpanRow], list[SpanRow]]:
    """An execution of ours, and the trace that a service recorded when it was called by plain headers."""
    caller = make_row(
        RowKind.EXECUTION, f"caller-{number}", 2 * number + 1, started_ns=100, ended_ns=900, workflow_name="caller"
    )
    trace = caller.trace_id.hex()
    entry = make_row(
        RowKind.ENTRY, trace, 2 * number + 2, trace_id=caller.trace_id, parent_span_id=caller.span_id, started_ns=200,
        ended_ns=800, workflow_name="POST /x", step_id="POST /x", execution_type="workflow", scope="web",
    )  # fmt: skip
    return [caller], [entry]


@LASTING
def test_a_caller_and_its_callee_that_arrive_at_once_find_each_other(
    writers: Callable[[int], list[StoreExporter[Any]]],
) -> None:
    both = writers(2)
    gate = threading.Barrier(2)
    pairs = [caller_and_callee(number) for number in range(50)]

    def write(side: int) -> None:
        try:
            for pair in pairs:
                gate.wait(60)
                both[side].write(pair[side])
        except BaseException:
            gate.abort()
            raise

    at_once(lambda: write(0), lambda: write(1))
    compare(both, [row for pair in pairs for rows in pair for row in rows])


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_caller_and_its_callee_that_are_committed_at_once_find_each_other(
    writers: Callable[[int], list[StoreExporter[Any]]], url: str
) -> None:
    both, pair, place = writers(2), caller_and_callee(1), parse(url)
    with closing(place.connect()) as other:
        other.execute("BEGIN")
        other.execute(place.search_path)
        other.execute("LOCK TABLE spans IN EXCLUSIVE MODE")  # holds both up, when they have looked

        def let_go() -> None:
            while other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (2,):
                pass
            other.execute("COMMIT")

        at_once(lambda: both[0].write(pair[0]), lambda: both[1].write(pair[1]), let_go)
    compare(both, [row for rows in pair for row in rows])


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("random_cases", [False, True])
def test_eight_that_write_the_same_in_other_orders_never_lock_each_other_out(
    writers: Callable[[int], list[StoreExporter[Any]]], postgres_server: str, *, random_cases: bool
) -> None:
    eight = writers(8)
    if random_cases:
        rows = [row for _, of_case in cases(0, CASES) for row in of_case]
    else:
        rows = [row for number in range(60) for row in steps_of(number)]
    gate = threading.Barrier(8)

    def write(number: int) -> None:
        order = random.Random(number)
        mine = order.sample(rows, len(rows))
        gate.wait(60)
        for start in range(0, len(mine), 25):
            eight[number].write(mine[start : start + 25])

    with psycopg.connect(postgres_server, autocommit=True) as other:
        before = other.execute(DEADLOCKS).fetchone()
        at_once(*(lambda n=n: write(n) for n in range(8)))
        for exporter in eight:  # a session tells its figures when it ends
            exporter._drop()
        other.execute("SELECT pg_stat_force_next_flush()")
        other.execute("SELECT pg_stat_clear_snapshot()")
        assert other.execute(DEADLOCKS).fetchone() == before
    compare(eight, rows)


def steps_of(number: int) -> list[SpanRow]:
    """An execution with ten steps, each told at its start and at its end."""
    run = f"run-{number}"
    rows = [make_row(RowKind.EXECUTION, run, 100 * number, started_ns=number, workflow_name="w")]
    for step in range(1, 11):
        ended = make_row(
            RowKind.STEP, run, 100 * number + step, started_ns=number + step, ended_ns=number + 2 * step, step_id="s",
            parent_span_id=100 * number,
        )  # fmt: skip
        rows += [ended._replace(ended_ns=None, status=int(RowStatus.RUNNING)), ended]
    return rows


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("meanwhile", ["another execution", "the same execution"])
def test_what_was_planned_before_another_wrote_is_planned_anew_if_that_matters(
    writers: Callable[[int], list[StoreExporter[Any]]], monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    one, other = writers(2)
    mine, others = steps_of(1), steps_of(1 if meanwhile == "the same execution" else 2)
    plan, planned = writer.merge, []

    def planned_then_overtaken(rows: Sequence[SpanRow], held: Held) -> Changes:
        changes = plan(rows, held)
        planned.append(changes)
        if len(planned) == 1:
            monkeypatch.setattr(writer, "merge", plan)
            other.write(others)
            monkeypatch.setattr(writer, "merge", planned_then_overtaken)
        return changes

    monkeypatch.setattr(writer, "merge", planned_then_overtaken)
    one.write(mine)
    assert len(planned) == (2 if meanwhile == "the same execution" else 1)
    monkeypatch.undo()
    compare([one, other], [*mine, *others])
