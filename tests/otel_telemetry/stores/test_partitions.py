"""Partitions by day in PostgreSQL: every id has one, they are made ahead, and a day is emptied at once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from otel_telemetry.query import Filter
from otel_telemetry.rows import EXECUTION_COLUMNS, RowKind, SpanRow, add_up, tombstone
from otel_telemetry.rows.execution_key import encode
from otel_telemetry.stores import PostgresSpanExporter, SQLiteSpanExporter, partitions
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.postgres import exporter as postgres
from otel_telemetry.stores.postgres.url import Place, parse
from otel_telemetry.stores.statements import read_execution
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import DEAD_LEASE, LIVE_LEASE, make_row
from otel_telemetry.testing.traces import batches_of, cases

LIVE = frozenset({LIVE_LEASE})
DAY_MS = 86_400_000
DAY_NS = DAY_MS * 1_000_000
TODAY = 20_787
"""2026-11-30."""
DAY_OF_CASES = 20_414
"""When the ids of random cases were made; their executions began on it too."""


def uuid7(day: int, millisecond: int = 0, rest: int = 1) -> str:
    """The id of an execution that began on a day."""
    return str(uuid.UUID(int=(day * DAY_MS + millisecond) << 80 | 7 << 76 | 2 << 62 | rest))


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The day that it is; to be changed."""
    now = [TODAY]
    monkeypatch.setattr(partitions, "today", lambda: now[0])
    return now


@pytest.fixture
def place(postgres_url: str) -> Place:
    return parse(postgres_url)


@pytest.fixture
def exporter(postgres_url: str, day: list[int]) -> Iterator[PostgresSpanExporter]:
    exporter = PostgresSpanExporter(postgres_url)
    exporter.heartbeat()
    yield exporter
    exporter.close()


@pytest.fixture
def other(place: Place, exporter: PostgresSpanExporter) -> Iterator[psycopg.Connection]:
    """Another session, which sees the store's tables."""
    with closing(place.connect()) as connection:
        connection.execute(place.search_path.as_string().replace("LOCAL ", ""))
        yield connection


def rows_of(execution_id: str, number: int) -> list[SpanRow]:
    """An execution with a call, so that all three tables have something of it."""
    return [
        make_row(RowKind.EXECUTION, execution_id, 2 * number + 1, workflow_name="w"),
        make_row(RowKind.TOOL_CALL, execution_id, 2 * number + 2, tool_name="t"),
    ]


def places(session: psycopg.Connection, execution_id: str) -> set[str]:
    """The partitions that an execution lies in."""
    found = set()
    for table in partitions.PARTITIONED:
        statement = f"SELECT DISTINCT tableoid::regclass::text FROM {table} WHERE execution_id = %s"
        ((name,),) = session.execute(statement, (encode(execution_id),)).fetchall()
        found.add(name.removeprefix(table))
    return found


def names(session: psycopg.Connection) -> set[str]:
    return {
        name
        for (name,) in session.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent IN ('executions'::regclass, 'spans'::regclass, 'terms'::regclass)"
        )
    }


def expected_names(*ends: str) -> set[str]:
    return {f"{table}_{end}" for table in partitions.PARTITIONED for end in ("earlier", "later", "named", *ends)}


IDS = {
    uuid7(0): "_earlier",
    uuid7(TODAY - 1, DAY_MS - 1, 2**62 - 1): "_earlier",
    uuid7(TODAY): "_d20261130",
    uuid7(TODAY, DAY_MS - 1, 2**62 - 1): "_d20261130",
    uuid7(TODAY + 1): "_d20261201",
    uuid7(TODAY + 1, DAY_MS - 1, 2**62 - 1): "_d20261201",
    uuid7(TODAY + 2): "_later",
    "fe" + uuid7(0)[2:]: "_later",
    "ff" + uuid7(TODAY)[2:]: "_named",
    uuid7(TODAY, 5).upper(): "_named",
    str(uuid.UUID(int=5, version=4)): "_named",
    "0" * 32: "_named",
    "invoice-7": "_named",
    "\U0010ffff": "_named",
    "": "_named",
}


def test_every_id_has_a_partition(exporter: PostgresSpanExporter, other: psycopg.Connection) -> None:
    assert names(other) == expected_names("d20261130", "d20261201")
    exporter.write([row for number, execution_id in enumerate(IDS) for row in rows_of(execution_id, number)])
    assert {execution_id: places(other, execution_id) for execution_id in IDS} == {
        execution_id: {place} for execution_id, place in IDS.items()
    }
    with closing(exporter.store()) as store:
        assert store.spans(list(IDS)).keys() == IDS.keys()
        for execution_id in IDS:
            assert [row.execution_id for row in store.spans([execution_id])[execution_id]] == [execution_id] * 2


def test_reading_one_execution_looks_at_one_partition(
    exporter: PostgresSpanExporter, other: psycopg.Connection
) -> None:
    for execution_id, place in IDS.items():
        key = f"'\\x{encode(execution_id).hex()}'::bytea"
        for table in ("executions", "spans"):
            plan = str(other.execute(f"EXPLAIN SELECT * FROM {table} WHERE execution_id = {key}").fetchall())
            assert {end for end in ("_earlier", "_d20261130", "_d20261201", "_later", "_named") if end in plan} == {
                place
            }


@pytest.mark.parametrize("days", [1, 2, 5])
def test_days_are_made_ahead_and_what_lay_in_the_future_is_moved_to_its_day(
    exporter: PostgresSpanExporter, other: psycopg.Connection, place: Place, day: list[int], days: int
) -> None:
    ids = [uuid7(TODAY + ahead, 7) for ahead in range(9)] + ["invoice-7"]
    rows = [row for number, execution_id in enumerate(ids) for row in rows_of(execution_id, number)]
    exporter.write(rows)
    assert places(other, ids[3]) == {"_later"}

    day[0] += days
    with closing(place.connect()) as connection:
        for _ in range(2):  # the second time, there is nothing to do
            partitions.prepare(connection, place.search_path)

    made = [f"d{20261130 if n == 0 else 20261200 + n}" for n in range(days + 2)]
    assert names(other) == expected_names(*made)
    assert [places(other, execution_id) for execution_id in ids] == [
        *([{f"_{made[n]}"} if n < days + 2 else {"_later"} for n in range(9)]),
        {"_named"},
    ]
    model = Model(rows)
    with closing(exporter.store()) as store:
        assert store.executions(Filter(), live_leases=LIVE) == model.matching(Filter())
        assert store.spans(ids) == {execution_id: model.spans(execution_id) for execution_id in ids}
        assert store.count(Filter(tool_name=("t",)), live_leases=LIVE) == len(ids)
    exporter.write(rows)
    assert exporter.written.replayed == len(rows)


def test_a_clock_that_goes_back_makes_nothing(
    exporter: PostgresSpanExporter, other: psycopg.Connection, place: Place, day: list[int]
) -> None:
    before = names(other)
    day[0] -= 400
    with closing(place.connect()) as connection:
        partitions.prepare(connection, place.search_path)
    assert names(other) == before


def test_a_process_that_goes_on_makes_the_days_that_come(
    exporter: PostgresSpanExporter, other: psycopg.Connection, day: list[int]
) -> None:
    exporter.write(rows_of(uuid7(TODAY), 1))
    day[0] += 1
    exporter._partitions_until = 0.0  # an hour later
    exporter.write(rows_of(uuid7(TODAY + 2), 2))
    assert places(other, uuid7(TODAY + 2)) == {"_d20261202"}


def test_several_processes_may_make_the_days_at_once(
    exporter: PostgresSpanExporter, other: psycopg.Connection, place: Place, day: list[int]
) -> None:
    """And write meanwhile."""
    ids = [uuid7(TODAY + 2, n) for n in range(40)]
    exporter.write([row for number, execution_id in enumerate(ids) for row in rows_of(execution_id, number)])
    day[0] += 3
    gate = threading.Barrier(5)
    errors: list[BaseException] = []

    def prepare() -> None:
        try:
            with closing(place.connect()) as connection:
                gate.wait(60)
                partitions.prepare(connection, place.search_path)
        except BaseException as error:
            errors.append(error)

    def write() -> None:
        try:
            gate.wait(60)
            for number in range(40, 60):
                exporter.write(rows_of(uuid7(TODAY + 2, number), number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=task) for task in (prepare, prepare, prepare, prepare, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(other) == expected_names("d20261130", *(f"d{20261200 + n}" for n in range(1, 5)))
    assert other.execute("SELECT count(*) FROM executions_d20261202").fetchone() == (60,)
    assert other.execute("SELECT count(*) FROM executions_later").fetchone() == (0,)


def test_a_reader_that_takes_its_time_keeps_no_writer_from_writing_on_a_new_day(
    exporter: PostgresSpanExporter, other: psycopg.Connection, day: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partitions of days to come can wait; what is written goes where later days are, and is moved."""
    exporter.write(rows_of(uuid7(TODAY), 1))
    monkeypatch.setattr(postgres, "DEADLINE_S", 20.0)
    day[0] += 1
    exporter._partitions_until = 0.0
    with other.transaction():
        other.execute("SELECT count(*) FROM spans").fetchone()
        exporter.write(rows_of(uuid7(TODAY + 2), 2))
        assert places(other, uuid7(TODAY + 2)) == {"_later"}
    exporter._partitions_until = 0.0
    exporter.write(rows_of(uuid7(TODAY + 2, 1), 3))
    assert places(other, uuid7(TODAY + 2)) == places(other, uuid7(TODAY + 2, 1)) == {"_d20261202"}


# retention


@pytest.fixture
def both(postgres_url: str, tmp_path: Any, day: list[int]) -> Iterator[list[StoreExporter[Any]]]:
    """A store whose days can be emptied at once, and one that removes executions one by one."""
    day[0] = DAY_OF_CASES
    exporters: list[StoreExporter[Any]] = [
        PostgresSpanExporter(postgres_url),
        SQLiteSpanExporter(tmp_path / "store.db"),
    ]
    yield exporters
    for exporter in exporters:
        exporter.close()


def answers(exporter: StoreExporter[Any]) -> list[Any]:
    with closing(exporter.store()) as store:
        found = store.executions(Filter(), live_leases=LIVE, limit=10_000)
        counted = [
            (part[:6], {bucket: n for bucket, n in sorted(part.buckets.items()) if n})
            for part in add_up(store.durations())
            if part.n or part.failed
        ]
        return [
            found,
            store.spans([row.execution_id for row in found]),
            sorted(store.runs(Filter(), live_leases=LIVE)),
            counted,
        ]


@pytest.mark.parametrize("live", [frozenset(), LIVE], ids=["nobody runs", "somebody runs"])
def test_a_day_that_is_emptied_is_what_removing_one_by_one_makes(
    both: list[StoreExporter[Any]], live: frozenset[int]
) -> None:
    written = [row for _, rows in cases(0, 60) for row in rows]
    for exporter in both:
        for seed, rows in cases(0, 60):
            for batch in batches_of(seed, rows):
                exporter.write(batch)
    assert answers(both[0]) == answers(both[1])
    pruned = [exporter.prune((DAY_OF_CASES + 1) * DAY_NS, live) for exporter in both]
    assert pruned[0] == pruned[1]
    assert pruned[0].executions > 50
    assert answers(both[0]) == answers(both[1])
    # what was removed stays refused, and what stayed is as it was
    for exporter in both:
        exporter.write(written)
    assert answers(both[0]) == answers(both[1])
    assert both[0].written == both[1].written
    assert both[0].written.refused > 50
    for exporter in both:
        exporter.reindex()
    assert answers(both[0]) == answers(both[1])


def test_a_day_is_emptied_at_once(both: list[StoreExporter[Any]], postgres_url: str) -> None:
    exporter, _ = both
    day, next_day = DAY_OF_CASES, DAY_OF_CASES + 1
    old = [
        row._replace(started_ns=day * DAY_NS + n, ended_ns=day * DAY_NS + n + 5)
        for n in range(50)
        for row in rows_of(uuid7(day, n), n)
    ]
    dead = make_row(
        RowKind.EXECUTION, uuid7(day, 60), 160, started_ns=day * DAY_NS, ended_ns=None, status=1, lease_id=DEAD_LEASE
    )
    new = [
        row._replace(started_ns=next_day * DAY_NS, ended_ns=next_day * DAY_NS + 5)
        for row in rows_of(uuid7(next_day), 99)
    ]
    exporter.write([*old, dead, *new])
    assert exporter.prune(next_day * DAY_NS, LIVE).executions == 51
    place = parse(postgres_url)
    with closing(place.connect()) as connection:
        connection.execute(place.search_path.as_string().replace("LOCAL ", ""))
        for table in ("spans", "terms"):
            name = partitions.name_of(table, day)
            assert connection.execute(f"SELECT count(*), pg_relation_size('{name}') FROM {name}").fetchone() == (0, 0)
        columns, of_day = ", ".join(EXECUTION_COLUMNS), partitions.name_of("executions", day)
        found = connection.execute(f"SELECT {columns} FROM {of_day}", binary=True).fetchall()
    there = [read_execution(values) for values in found]
    assert len(there) == 51
    assert there == list(map(tombstone, there)), "as if they had been removed one by one"
    with closing(exporter.store()) as store:
        assert store.executions(Filter(), live_leases=LIVE) == Model(new).matching(Filter())
        assert sum(part.n for part in add_up(store.durations())) == 51
    exporter.write(old[:4])
    assert exporter.written.refused == 4


def test_a_day_in_which_something_runs_is_emptied_but_for_that(both: list[StoreExporter[Any]]) -> None:
    exporter, _ = both
    start = DAY_OF_CASES * DAY_NS
    old = [row for n in range(20) for row in rows_of(uuid7(DAY_OF_CASES, n), n)]
    old = [row._replace(started_ns=start + 5, ended_ns=start + 9) for row in old]
    running = make_row(
        RowKind.EXECUTION, uuid7(DAY_OF_CASES, 60), 160, started_ns=start, ended_ns=None, status=1, lease_id=LIVE_LEASE
    )
    exporter.write([*old, running])
    pruned = exporter.prune(start + DAY_NS, LIVE)
    assert (pruned.executions, pruned.kept_open) == (20, 1)
    with closing(exporter.store()) as store:
        assert store.executions(Filter(), live_leases=LIVE) == Model([running]).matching(Filter())
