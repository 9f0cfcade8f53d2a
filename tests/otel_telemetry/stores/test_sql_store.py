"""Reading by SQL: nothing but reading, whatever is asked; indexes used; failures explained."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import InternalError
from sqlalchemy.pool import NullPool, StaticPool

from otel_telemetry.errors import StoreError, StoreUnavailableError
from otel_telemetry.query import ORDERS, Filter, OrderBy, Position
from otel_telemetry.stores import sql_store
from otel_telemetry.stores.ddl import named
from otel_telemetry.stores.postgres.url import parse
from otel_telemetry.stores.registry import open_exporter, open_store
from otel_telemetry.stores.sql_store import SQLSpanStore
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import CORPUS

from . import plans

MODEL = Model(CORPUS)
NOBODY: frozenset[int] = frozenset()
TEXT_FILTERS = (
    *("execution_id", "execution_id_prefix", "workflow_name", "workflow_version", "caller_id", "parent_execution_id"),
    *("error_code", "error_category", "tool_name", "step_id", "scope", "text"),
)
INJECTIONS = (
    *"'\"`\\;%_?",
    *("--", "/*", "%%", ":1", "$1", "%s", "%(id)s", "{0}", "\x1a", "\u2019 OR 1=1"),
    *("' OR '1'='1", "') OR 1=1 --", "'; DROP TABLE spans; --", '" OR ""="', "\\' OR 1=1 --", "1; ATTACH 'x' AS y"),
    "x' UNION SELECT sql FROM sqlite_master --",
)
READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "telemetry.db"
    with closing(open_exporter(f"sqlite:///{path}")) as exporter:
        exporter.write(CORPUS)
    return path


@pytest.fixture
def sqlite_engine(database: Path) -> Engine:
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(database), poolclass=NullPool)


def _everything(store: SQLSpanStore, where: Filter) -> Iterator[Any]:
    for order_by in ORDERS:
        for after in (None, Position(5_000, 5_000, "run'-1")):
            yield store.executions(where, live_leases=frozenset({7}), order_by=order_by, after=after, limit=100)
    yield store.spans([*where.execution_id, "run-1"])
    yield store.count(where, live_leases=frozenset({7}))
    yield list(store.runs(where, live_leases=frozenset({7})))
    yield store.heads(store.executions(where, live_leases=frozenset({7}), limit=5))
    yield store.durations(workflow_name=where.workflow_name, workflow_version=where.workflow_version)
    yield store.leases()


@pytest.mark.parametrize("name", [*TEXT_FILTERS, "metadata"])
def test_reading_only_ever_reads(sqlite_engine: Engine, name: str) -> None:
    """SQLite asks for leave before each thing that a statement does: whatever is asked, it is to read."""
    done: list[tuple[Any, ...]] = []

    def watch(connection: sqlite3.Connection, _record: object) -> None:
        def authorize(action: int, *what: str | None) -> int:
            done.append((action, *what))
            return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY

        connection.set_authorizer(authorize)

    sqlite_engine.connect().close()  # SQLAlchemy looks at a database once, before anything is asked
    event.listen(sqlite_engine, "connect", watch)
    store = SQLSpanStore(sqlite_engine)
    for value in INJECTIONS:
        where = Filter.parse(**{name: {value: value} if name == "metadata" else value})
        expected = MODEL.matching(where, live_leases=frozenset({7}))
        first, *_ = _everything(store, where)
        assert [row.execution_id for row in first] == [row.execution_id for row in expected], value
    assert {action for action, *_ in done} <= READING
    functions = {what[1] for action, *what in done if action == sqlite3.SQLITE_FUNCTION}
    assert functions <= {"instr", "count", "max"}


def test_nothing_that_is_asked_is_taken_for_sql_by_postgresql(postgres_url: str) -> None:
    with closing(open_exporter(postgres_url)) as exporter:
        exporter.write(CORPUS)
        with closing(exporter.store()) as store:
            for name in (*TEXT_FILTERS, "metadata"):
                for value in INJECTIONS:
                    where = Filter.parse(**{name: {value: value} if name == "metadata" else value})
                    expected = MODEL.matching(where, live_leases=frozenset({7}))
                    found = store.executions(where, live_leases=frozenset({7}), limit=100)
                    assert [row.execution_id for row in found] == [row.execution_id for row in expected], value
            assert len(store.executions(Filter(), live_leases=NOBODY, limit=100)) == len(MODEL.matching(Filter()))


# plans


INDEXED: tuple[tuple[dict[str, Any], OrderBy, str], ...] = (
    ({}, "-started_at", "executions_by_start"),
    ({}, "started_at", "executions_by_start"),
    ({}, "-duration", "executions_by_duration"),
    ({"min_duration_ms": 1}, "-duration", "executions_by_duration"),
    ({"started_after": 5_000}, "-started_at", "executions_by_start"),
    ({"top_level": True}, "-started_at", "executions_top"),
    ({"workflow_name": "w-1"}, "-started_at", "executions_by_workflow"),
    ({"workflow_name": ["w-1", "w-2"]}, "-started_at", "executions_by_workflow"),
    ({"workflow_name": "w-1", "status": "failed"}, "-started_at", "executions_by_workflow_and_status"),
    ({"workflow_version": "1"}, "-started_at", "executions_by_version"),
    ({"status": "failed"}, "-started_at", "executions_by_status"),
    ({"caller_id": "c-1"}, "-started_at", "executions_by_caller"),
    ({"parent_execution_id": "run-50"}, "-started_at", "executions_by_parent"),
    ({"trace_id": f"{51:032x}"}, "-started_at", "executions_by_trace"),
    ({"execution_id": "run-1"}, "-started_at", "executions_key"),
)
BY_TERMS: tuple[dict[str, Any], ...] = (
    {"metadata": {"order": 17}},
    {"tool_name": "t-1"},
    {"step_id": "s-1"},
    {"kind": "agent"},
    {"error_code": "e-1"},
    {"error_category": "k-1"},
    {"error_code": "e-1", "error_category": "k-1"},
    {"tool_name": "t-1", "workflow_name": "w-1"},
)
KEYS = {"executions_key": "PRIMARY KEY (execution_id=?)"}
"""What SQLite calls the index."""


def _asked(engine: Engine, filters: dict[str, Any], order_by: OrderBy, after: Position | None) -> tuple[str, Any]:
    """The statement that lists executions, with its values."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    SQLSpanStore(engine).executions(
        Filter.parse(**filters), live_leases=NOBODY, order_by=order_by, after=after, limit=2
    )
    event.remove(engine, "before_cursor_execute", note)
    return next(pair for pair in asked if "ORDER BY" in pair[0])


def _plan(engine: Engine, filters: dict[str, Any], order_by: OrderBy, after: Position | None = None) -> str:
    """What SQLite says of how it would find the executions."""
    statement, parameters = _asked(engine, filters, order_by, after)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(("filters", "order_by", "index"), INDEXED, ids=repr)
def test_sqlite_uses_the_index(sqlite_engine: Engine, filters: dict[str, Any], order_by: OrderBy, index: str) -> None:
    plan = _plan(sqlite_engine, filters, order_by)
    assert f"{KEYS.get(index, index)} " in plan.replace("\n", " ") + " "
    assert "SCAN spans" not in plan


@pytest.mark.parametrize("filters", BY_TERMS, ids=repr)
def test_sqlite_finds_what_parts_say_by_their_terms(sqlite_engine: Engine, filters: dict[str, Any]) -> None:
    """Which leads to the executions in the order that is asked for, and reads no span."""
    plan = _plan(sqlite_engine, filters, "-started_at")
    assert "SEARCH entry USING PRIMARY KEY (term=?)" in plan
    assert "SEARCH executions USING PRIMARY KEY (execution_id=?)" in plan
    assert "spans" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.fixture
def filled(postgres_url: str) -> Iterator[SQLSpanStore]:
    """A store with executions enough for an index to be worth while."""
    with closing(open_exporter(postgres_url)) as exporter:
        exporter.write(plans.many_rows())
        place = parse(postgres_url)
        with closing(place.connect()) as connection:
            connection.execute(place.search_path.as_string().replace("LOCAL", ""))
            connection.execute("ANALYZE")
        with closing(exporter.store()) as store:
            yield store


def test_postgresql_uses_the_indexes(filled: SQLSpanStore, postgres_url: str) -> None:
    """So few rows need no index; told that reading them all is dear, the planner shows that it could use one."""
    place, engine = parse(postgres_url), filled._engine

    @event.listens_for(engine, "begin")
    def dislike(connection: Any) -> None:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")

    found: dict[str, set[str]] = {}
    expected: dict[str, set[str]] = {}
    for filters, order_by, index in (
        *INDEXED,
        ({"interrupted": True}, "-started_at", "executions_open"),
        *((filters, "-started_at", "terms_key") for filters in BY_TERMS),
    ):
        statement, parameters = _asked(engine, filters, order_by, None)
        with engine.connect() as connection:
            plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
            session: Any = connection.connection.driver_connection
            used = plans.used_by_postgresql(session, place.schema, plan)
        if "trace_id" in filters:  # a trace may have as many as there are here: it may as well look at all
            used &= {"executions_by_trace"}
        found[f"{filters} {order_by}"] = used
        expected[f"{filters} {order_by}"] = {index, "executions_key"} if index == "terms_key" else {index}
    assert found == expected


@pytest.mark.parametrize("order_by", ["-started_at", "started_at"])
def test_the_next_page_starts_in_the_index_where_the_last_ended(sqlite_engine: Engine, order_by: OrderBy) -> None:
    plan = _plan(sqlite_engine, {}, order_by, after=Position(5_000, 5_000, "run-1"))
    assert "SEARCH executions USING INDEX executions_by_start ((started_ns,execution_id)" in plan


@pytest.mark.parametrize(
    "filters",
    [
        {"tool_name": "http.get"},
        {"step_id": "load"},
        {"error_code": "card_declined"},
        {"metadata": {"order": 17}},
        {"kind": "agent"},
    ],
    ids=repr,
)
def test_what_many_rows_fulfil_is_looked_up_by_execution(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any]
) -> None:
    """Or each execution would look through all rows of that tool: a million times a million."""
    monkeypatch.setattr(sql_store, "FEW", -1)
    plan = _plan(sqlite_engine, {**filters, "status": "failed"}, "-started_at")
    assert "SEARCH executions USING INDEX executions_by_status (status=?)" in plan
    assert "SEARCH term_of_it USING PRIMARY KEY (term=? AND started_ns=? AND execution_id=?)" in plan
    assert "spans" not in plan


@pytest.mark.parametrize("filters", BY_TERMS, ids=repr)
def test_counting_by_terms_reads_no_span(sqlite_engine: Engine, filters: dict[str, Any]) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    assert SQLSpanStore(sqlite_engine).count(Filter.parse(**filters), live_leases=NOBODY) == len(
        MODEL.matching(Filter.parse(**filters))
    )
    statement, parameters = asked[-1]
    with sqlite_engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plan = "\n".join(str(row[-1]) for row in rows)
    assert "SEARCH entry USING PRIMARY KEY (term=?)" in plan
    assert "SCAN" not in plan
    assert "spans" not in plan


def test_nothing_that_is_asked_by_itself_looks_through_all_executions_or_spans(sqlite_engine: Engine) -> None:
    asked: list[tuple[str, Any]] = []
    store = SQLSpanStore(sqlite_engine)
    rows = store.executions(Filter(), live_leases=NOBODY, limit=3)
    event.listen(sqlite_engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    store.heads(rows)
    store.spans([row.execution_id for row in rows])
    store.spans(["run-1"])
    store.spans(["0" * 32, "run-1"])
    store.durations(hours=(5, 7))
    store.leases()
    for statement, parameters in asked.copy():
        with sqlite_engine.connect() as connection:
            rows_of_plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = [str(row[-1]) for row in rows_of_plan]
        read_through = [line for line in plan if line.startswith("SCAN") and "CONSTANT" not in line]
        assert set(read_through) <= {"SCAN leases"}, statement


def test_writing_looks_nothing_up_without_an_index(database: Path) -> None:
    """But for what looks after a whole store."""
    whole = {"ids_of_spans", "remove_all_durations", "remove_executions", "remove_terms_of_all", "remove_tombstones"}
    with closing(sqlite3.connect(database)) as connection:
        for name, statement in named("sqlite").items():
            values = [0] * statement.count("?")
            plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            read_through = [line for line in plan if line.startswith("SCAN ")]
            assert not read_through or name in whole, (name, plan)


def test_a_page_costs_three_statements(database: Path, sqlite_engine: Engine) -> None:
    """One for its executions, one for what is read into them, one for their spans; resources are read once."""
    store = SQLSpanStore(sqlite_engine)
    asked: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    for expected in (4, 3):
        asked.clear()
        rows = store.executions(Filter(), live_leases=NOBODY, limit=3)
        store.spans([row.execution_id for row in rows])
        assert len(asked) == expected, asked


# failures


def test_more_ids_than_a_statement_takes(sqlite_engine: Engine) -> None:
    ids = [f"nobody-{number}" for number in range(25_000)]
    found = SQLSpanStore(sqlite_engine).spans([*ids, "run-1", *ids, "run-2"])
    assert found == {execution_id: MODEL.spans(execution_id) for execution_id in ("run-1", "run-2")}


def test_a_database_that_is_no_store_is_said_to_be_none(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with closing(SQLSpanStore(engine)) as store, pytest.raises(StoreUnavailableError, match="record something first"):
        store.count(Filter(), live_leases=NOBODY)


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    password = "pass" + "word-1"
    engine = create_engine(f"postgresql+psycopg://user:{password}@127.0.0.1:1/name?options=-csecret")
    with closing(SQLSpanStore(engine)) as store, pytest.raises(StoreUnavailableError) as caught:
        store.leases()
    assert "127.0.0.1 name" in str(caught.value)
    assert "check that" in str(caught.value)
    assert password not in repr(caught.value) + str(caught.value)
    assert "csecret" not in str(caught.value)


def test_what_was_asked_is_not_in_the_message_of_an_error(database: Path) -> None:
    """Values of filters are customers' data, and errors end in logs."""
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE terms")
    connection.close()
    name = "a-" + "name"
    store = open_store(f"sqlite:///{database}")
    with pytest.raises(StoreUnavailableError) as caught:
        store.count(Filter(metadata={"customer": name}), live_leases=NOBODY)
    assert name not in "".join(traceback.format_exception(caught.value))


def test_a_damaged_file_is_an_error_and_not_half_an_answer(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    damaged = bytearray(database.read_bytes())
    damaged[len(damaged) // 4 :] = b"\xff" * (len(damaged) - len(damaged) // 4)
    database.write_bytes(damaged)
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(database), poolclass=NullPool)
    with pytest.raises(StoreError, match="could not be read"):
        SQLSpanStore(engine).spans(sorted({row.execution_id for row in CORPUS}))


def test_a_resource_that_cannot_be_read_is_a_problem(database: Path, sqlite_engine: Engine) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE resources SET attributes = '{' WHERE rowid = (SELECT min(rowid) FROM resources)")
        connection.execute("DELETE FROM resources WHERE rowid = (SELECT max(rowid) FROM resources)")
    connection.close()
    rows = SQLSpanStore(sqlite_engine).spans(["run-1"])["run-1"]
    assert len(rows) == 4
    for row in rows:
        assert row.resource.key == row.resource_id
        assert "could not be read" in str(row.resource.attributes)


def test_postgresql_refuses_to_write_for_a_reader(postgres_url: str) -> None:
    with closing(open_exporter(postgres_url)) as exporter:
        exporter.write(CORPUS)
        with (
            closing(exporter.store()) as store,
            store._engine.connect() as connection,
            pytest.raises(InternalError, match="read-only"),
        ):
            connection.execute(text("DELETE FROM spans"))


def test_an_engine_that_is_not_owned_stays_open(database: Path) -> None:
    connection = sqlite3.connect(database, check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    SQLSpanStore(engine, owns_engine=False).close()
    assert SQLSpanStore(engine).count(Filter(execution_id=("run-1",)), live_leases=NOBODY) == 1
    SQLSpanStore(engine).close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
