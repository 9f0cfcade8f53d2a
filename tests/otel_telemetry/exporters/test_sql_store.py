"""Reading by SQL: nothing but reading, whatever is asked; indexes used; failures explained."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from otel_telemetry.exporters.registry import open_exporter
from otel_telemetry.exporters.sql_store import SQLSpanStore
from otel_telemetry.query import ORDERS, Filter, Position
from otel_telemetry.testing.model import matching
from otel_telemetry.testing.rows import CORPUS

NOBODY: frozenset[int] = frozenset()
TEXT_FILTERS = tuple(
    ["execution_id", "execution_id_prefix", "workflow_name", "workflow_version", "caller_id", "parent_execution_id", "error_code", "error_category", "tool_name", "step_id", "text"]
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
        for after in (None, Position(5_000, 5_000, "run'-1", 2)):
            yield store.executions(where, live_leases=frozenset({7}), order_by=order_by, after=after, limit=100)
    yield store.spans([*where.execution_id, "run-1"])
    yield store.count(where, live_leases=frozenset({7}))
    yield list(store.calls(where, live_leases=frozenset({7})))
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
        expected = matching(CORPUS, where, live_leases=frozenset({7}))
        first, *_ = _everything(store, where)
        assert [row.execution_id for row in first] == [row.execution_id for row in expected], value
    assert {action for action, *_ in done} <= READING
    functions = {what[1] for action, *what in done if action == sqlite3.SQLITE_FUNCTION}
    assert functions <= {"instr", "count", "coalesce"}


@pytest.mark.parametrize("name", [*TEXT_FILTERS, "metadata"])
def test_nothing_that_is_asked_is_taken_for_sql_by_postgresql(postgres_url: str, name: str) -> None:
    with closing(open_exporter(postgres_url)) as exporter:
        exporter.write(CORPUS)
        with closing(exporter.store()) as store:
            for value in INJECTIONS:
                where = Filter.parse(**{name: {value: value} if name == "metadata" else value})
                expected = matching(CORPUS, where, live_leases=frozenset({7}))
                first, *_ = _everything(store, where)
                assert [row.execution_id for row in first] == [row.execution_id for row in expected], value
            assert len(store.executions(Filter(), live_leases=NOBODY, limit=100)) == len(matching(CORPUS, Filter()))
