"""The schema: one definition, the DDL made of it, and the way from older versions."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from otel_telemetry.errors import StoreError, StoreUnavailableError
from otel_telemetry.query import Filter
from otel_telemetry.rows import COLUMNS, EXECUTION_COLUMNS, Durations
from otel_telemetry.stores import migrations, open_exporter, open_store, statements, version
from otel_telemetry.stores.ddl import DIALECTS, Dialect, named, path_of, path_of_dml
from otel_telemetry.stores.ddl.generate import compile_ddl, compile_dml
from otel_telemetry.stores.dml import STATEMENTS
from otel_telemetry.stores.postgres import url as postgres_url
from otel_telemetry.stores.postgres.upgrade import upgrade_postgres
from otel_telemetry.stores.schema import METADATA, durations, durations_kept, executions, spans
from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.upgrade import upgrade_sqlite
from span_processors.sinks import RetryableError

from . import plans
from .rows import row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

LISTED = "who_rank < 127 AND covered_by IS NULL"
# Each backend that has a place which outlives the process.
LASTING = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


def execute(url: str, *statements: str) -> list[object]:
    """Run statements on the store at `url`, as another program would; return the rows of the last."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_file.path_of(url))) as sqlite, sqlite:
            return [sqlite.execute(statement) for statement in statements][-1].fetchall()
    place = postgres_url.parse(url)
    with closing(place.connect(autocommit=False)) as postgres, postgres:
        if "CREATE SCHEMA" not in statements[0]:
            postgres.execute(place.search_path)
        cursor = [postgres.execute(statement.replace("SCHEMA_NAME", place.schema)) for statement in statements][-1]
        return cursor.fetchall() if cursor.description else []


def engine_of(url: str) -> Engine:
    if url.startswith("sqlite"):
        path = sqlite_file.path_of(url)
        return create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    place = postgres_url.parse(url)
    engine = create_engine("postgresql+psycopg://", creator=lambda: place.connect(autocommit=False), poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(place.search_path.as_string()))
    return engine


def write_one(url: str) -> None:
    exporter = open_exporter(url)
    exporter.write([row(1)])
    exporter.close()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_ddl_is_what_the_schema_compiles_to(dialect: Dialect) -> None:
    assert path_of(dialect).read_text(encoding="ascii") == compile_ddl(dialect), "python -m otel_telemetry.stores.ddl"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_statements_of_the_write_path_are_what_they_compile_to(dialect: Dialect) -> None:
    assert path_of_dml(dialect).read_text(encoding="ascii") == compile_dml(dialect), (
        "python -m otel_telemetry.stores.ddl"
    )
    assert named(dialect).keys() == STATEMENTS[dialect]().keys()


def test_the_columns_are_those_of_a_row() -> None:
    assert sorted(spans.columns.keys()) == sorted(COLUMNS)
    assert sorted(executions.columns.keys()) == sorted(EXECUTION_COLUMNS)
    assert sorted(durations.columns.keys()) == sorted(Durations._fields)


def test_rows_are_stored_in_the_order_of_the_columns() -> None:
    assert tuple(spans.columns.keys()) == statements.SPAN_COLUMNS
    assert tuple(executions.columns.keys()) == statements.EXECUTION_TABLE_COLUMNS
    for table in (durations, durations_kept):
        assert tuple(table.columns.keys()) == statements.DURATION_COLUMNS


def test_the_version_is_the_last_revision() -> None:
    assert ScriptDirectory.from_config(migrations.configuration()).get_heads() == [version.HEAD]


def catalogue(url: str) -> list[object]:
    """What the database itself says about the store's tables and indexes."""
    if url.startswith("sqlite"):
        return execute(url, "SELECT type, name, sql FROM sqlite_master WHERE sql NOT LIKE '%alembic%' ORDER BY name")
    return execute(
        url,
        "SELECT table_name, column_name, data_type, is_nullable, collation_name, NULL FROM information_schema.columns "
        "WHERE table_schema = 'SCHEMA_NAME' UNION ALL "
        "SELECT tablename, indexname, replace(indexdef, 'SCHEMA_NAME', ''), NULL, NULL, NULL FROM pg_indexes "
        "WHERE schemaname = 'SCHEMA_NAME' ORDER BY 1, 2",
    )


@LASTING
def test_the_migrations_lead_to_the_tables_of_a_fresh_store(url: str) -> None:
    write_one(url)
    fresh = catalogue(url)
    if url.startswith("sqlite"):
        sqlite_file.path_of(url).unlink()
    else:
        execute(url, "DROP SCHEMA SCHEMA_NAME CASCADE")
        execute(url, "CREATE SCHEMA SCHEMA_NAME")

    config = migrations.configuration()
    with engine_of(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    assert catalogue(url) == fresh
    write_one(url)  # takes it for a store of the present version
    with closing(open_store(url)) as store:
        assert store.count(Filter(), live_leases=frozenset()) == 1


@pytest.fixture
def newer_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this were the next release, whose schema has one column more."""
    revisions = tmp_path / "revisions"
    revisions.mkdir()
    (revisions / "next.py").write_text(
        "from alembic import op\n"
        "import sqlalchemy as sa\n"
        "revision, down_revision = '2.1', '2.0'\n"
        "def upgrade():\n"
        "    op.add_column('spans', sa.Column('added', sa.Text))\n"
    )
    configuration: Callable[[], object] = migrations.configuration

    def extended() -> object:
        config = configuration()
        config.set_main_option("version_locations", f"{migrations.SCRIPTS / 'versions'}:{revisions}")  # type: ignore[attr-defined]
        return config

    monkeypatch.setattr(migrations, "configuration", extended)
    monkeypatch.setattr(version, "HEAD", "2.1")


@LASTING
def test_an_older_store_is_migrated_when_it_is_written(url: str, request: pytest.FixtureRequest) -> None:
    write_one(url)
    request.getfixturevalue("newer_code")

    exporter = open_exporter(url)
    exporter.write([row(2)])
    exporter.close()

    assert execute(url, "SELECT version_num FROM alembic_version") == [("2.1",)]
    assert execute(url, "SELECT span_id, added FROM spans ORDER BY span_id") == [(1, None), (2, None)]


@LASTING
def test_a_store_is_migrated_once_however_many_find_it_old(url: str, request: pytest.FixtureRequest) -> None:
    write_one(url)
    request.getfixturevalue("newer_code")
    if url.startswith("sqlite"):
        migrate = lambda: upgrade_sqlite(sqlite_file.path_of(url))  # noqa: E731
    else:
        migrate = lambda: upgrade_postgres(postgres_url.parse(url))  # noqa: E731
    errors: list[BaseException] = []

    def one() -> None:
        try:
            migrate()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert execute(url, "SELECT version_num FROM alembic_version") == [("2.1",)]


@LASTING
def test_a_newer_store_of_the_same_major_version_is_read_and_written(url: str) -> None:
    write_one(url)
    execute(url, "ALTER TABLE spans ADD COLUMN later TEXT", "UPDATE alembic_version SET version_num = '2.7'")
    exporter = open_exporter(url)
    exporter.write([row(2)])
    exporter.close()
    with closing(open_store(url)) as store:
        assert [r.span_id for r in store.spans(["execution-1"])["execution-1"]] == [1, 2]
    assert execute(url, "SELECT version_num FROM alembic_version") == [("2.7",)]


@LASTING
@pytest.mark.parametrize(
    ("found", "error", "message"),
    [
        ("3.0", StoreError, "upgrade otel-telemetry"),
        ("1.0", StoreError, "bring it over with otel-telemetry db copy OLD NEW"),
        ("a1b2c3", StoreUnavailableError, "another program"),
    ],
)
def test_a_store_that_this_version_does_not_know_is_refused(
    url: str, found: str, error: type[Exception], message: str
) -> None:
    write_one(url)
    execute(url, f"UPDATE alembic_version SET version_num = '{found}'")
    # A file is looked at when it is named, a server when it is first needed: there, rows wait until it is put right.
    with pytest.raises(error if url.startswith("sqlite") else RetryableError, match=message):
        write_one(url)
    with pytest.raises(error, match=message):
        open_store(url)
    assert execute(url, "SELECT count(*) FROM spans") == [(1,)]


@LASTING
@pytest.mark.parametrize("table", ["spans", "alembic_version"])
def test_tables_of_another_program_are_left_alone(url: str, table: str) -> None:
    made = (f"CREATE TABLE {table} (other TEXT)",)
    if url.startswith("postgresql"):
        made = ("CREATE SCHEMA SCHEMA_NAME", f"CREATE TABLE SCHEMA_NAME.{table} (other TEXT)")
    execute(url, *made)
    with pytest.raises((StoreUnavailableError, RetryableError), match="name another"):
        write_one(url)
    with pytest.raises(StoreUnavailableError, match="name another"):
        open_store(url)


@LASTING
def test_reading_makes_nothing(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="record something first"):
        open_store(url)
    if url.startswith("sqlite"):
        assert list(tmp_path.iterdir()) == []
    else:
        place = postgres_url.parse(url)
        with closing(place.connect()) as connection:
            query = "SELECT count(*) FROM pg_namespace WHERE nspname = %s"
            assert connection.execute(query, (place.schema,)).fetchone() == (0,)


@LASTING
def test_tables_that_vanish_while_writing_are_made_again(url: str) -> None:
    exporter = open_exporter(url)
    exporter.write([row(1)])
    tables = [table.name for table in METADATA.sorted_tables]
    execute(url, *(f"DROP TABLE {table}" for table in tables))
    with pytest.raises(RetryableError):
        exporter.write([row(2)])
    exporter.write([row(2)])
    exporter.close()
    assert execute(url, "SELECT span_id FROM spans") == [(2,)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with executions enough for an index to be worth while."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("shared_postgres_url"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('filled') / 'store.db'}"
    with closing(open_exporter(url)) as exporter:
        exporter.write(plans.many_rows())
    if request.param == "postgresql":
        place = postgres_url.parse(url)
        with closing(place.connect()) as connection:
            connection.execute(place.search_path.as_string().replace("LOCAL", ""))
            connection.execute("ANALYZE")
    return url


NEWEST = "ORDER BY started_ns DESC, execution_id DESC LIMIT 5"


@pytest.mark.parametrize(
    ("table", "condition", "index"),
    [
        ("executions", f"{LISTED} AND started_ns < 5 {NEWEST}", "executions_by_start"),
        ("executions", f"{LISTED} AND parent_execution_id IS NULL {NEWEST}", "executions_top"),
        ("executions", f"{LISTED} AND workflow_name = 'w-1' {NEWEST}", "executions_by_workflow"),
        (
            "executions",
            f"{LISTED} AND workflow_name = 'w-1' AND status = 3 {NEWEST}",
            "executions_by_workflow_and_status",
        ),
        ("executions", f"{LISTED} AND workflow_version = '1' {NEWEST}", "executions_by_version"),
        ("executions", f"{LISTED} AND status = 3 {NEWEST}", "executions_by_status"),
        ("executions", f"{LISTED} AND status IN (0, 1) AND lease_id NOT IN (5, 6) {NEWEST}", "executions_open"),
        ("executions", f"{LISTED} AND caller_id = 'c-1' {NEWEST}", "executions_by_caller"),
        ("executions", f"{LISTED} AND parent_execution_id = 'run-50' {NEWEST}", "executions_by_parent"),
        (
            "executions",
            f"{LISTED} AND duration_ns IS NOT NULL ORDER BY duration_ns, started_ns, execution_id LIMIT 5",
            "executions_by_duration",
        ),
        ("executions", f"{LISTED} AND trace_id = KEY", "executions_by_trace"),
        ("executions", "covered_by = KEY", "executions_covered"),
        ("executions", "execution_id = KEY", "executions_key"),
        ("spans", "execution_id = KEY ORDER BY started_ns, span_id LIMIT 5", "spans_key"),
        ("terms", f"term = 5 {NEWEST}", "terms_key"),
        ("durations", "hour = 5 AND workflow_name = 'w'", "durations_by_key"),
        ("durations_kept", "hour >= 5 AND hour < 7", "durations_kept_by_key"),
    ],
)
def test_each_index_serves_the_question_that_it_is_there_for(
    filled: str, table: str, condition: str, index: str
) -> None:
    if filled.startswith("sqlite"):
        condition = condition.replace("KEY", "x'ff00'")
        plan = str(execute(filled, f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {condition}"))
        key = {"spans_key": "sqlite_autoindex_spans_1", "executions_key": "PRIMARY KEY", "terms_key": "PRIMARY KEY"}
        if index == "executions_open":  # the planner there takes a status for as rare as anything else
            assert "executions_by_status " in plan
            return
        assert key.get(index, index) in plan.replace("'", " ").split() or key.get(index) == "PRIMARY KEY" in plan
        assert "TEMP B-TREE" not in plan
        return
    place = postgres_url.parse(filled)
    with closing(place.connect(autocommit=False)) as connection:
        connection.execute(place.search_path)
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        statement = f"EXPLAIN SELECT * FROM {table} WHERE {condition}".replace("KEY", "'\\xff00'::bytea")
        plan = "\n".join(line for (line,) in connection.execute(statement))
        assert plans.used_by_postgresql(connection, place.schema, plan) == {index}, plan
        assert "Sort  (" not in plan
