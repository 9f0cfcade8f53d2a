"""What a PostgreSQL server and the way to it can do to a session: each span is stored all the same, and once."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from otel_telemetry.rows import metadata_term
from otel_telemetry.stores import PostgresSpanExporter
from otel_telemetry.stores.postgres import exporter as postgres
from span_processors.sinks import RetryableError
from tests.durability.support import SPANS, OwnServer, Way, files, record, sink, wait_until
from tests.otel_telemetry.stores.rows import row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.durability.proxy import Proxy


def a_commit(data: bytes) -> bool:
    return b"COMMIT" in data


@contextmanager
def repeatedly(action: Callable[[], object], every_s: float) -> Iterator[list[int]]:
    """Do something again and again in the background; count how often."""
    ended, counts = threading.Event(), [0]

    def run() -> None:
        while not ended.wait(every_s):
            action()
            counts[0] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield counts
    finally:
        ended.set()
        thread.join()


def first_only(condition: Callable[[bytes], bool], times: int) -> Callable[[bytes], bool]:
    left = [times]

    def asked(data: bytes) -> bool:
        if left[0] and condition(data):
            left[0] -= 1
            return True
        return False

    return asked


@pytest.mark.fault("connection lost in COMMIT", "written again, 0 lost, 0 twice", backend="postgresql")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.promise("P27")
def test_a_commit_whose_outcome_is_unknown(way: Way, moment: str, observed: Callable[[str], None]) -> None:
    telemetry = way.configure()
    record(telemetry, 20, tenant="t1")
    assert telemetry.flush(20)
    setattr(way.proxy, f"cut_{moment}", first_only(a_commit, 3))
    for n in range(3):
        record(telemetry, 20, f"w{n}", tenant="t1")
        telemetry.flush(0.3)
    assert telemetry.flush(20)
    assert sink(telemetry.health()).retries >= 1
    assert telemetry.shutdown()
    assert len(set(way.stored())) == len(way.stored()) == 80 * SPANS
    with way.connect() as connection:
        tenants = "SELECT count(*) FROM terms WHERE term = %s"
        assert connection.execute(tenants, (metadata_term("tenant", '"t1"'),)).fetchone() == (80,)
        # of each, beside it: its number, its step and its tool
        assert connection.execute("SELECT count(*) FROM terms").fetchone() == (4 * 80,)
    observed(f"cut {moment} the server got it: {80 * SPANS} of {80 * SPANS} stored, once each")


@pytest.mark.fault("backend process killed", "fresh connection, 0 lost, 0 twice", backend="postgresql")
@pytest.mark.promise("P27")
def test_sessions_that_are_terminated_again_and_again(way: Way, observed: Callable[[str], None]) -> None:
    telemetry = way.configure()
    with way.connect() as other:
        kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE client_port <> -1 AND pid <> %s"
        with repeatedly(lambda: other.execute(kill, (other.info.backend_pid,)), 0.02) as kills:
            for n in range(100):
                record(telemetry, 20, f"w{n}")
            wait_until(lambda: kills[0] > 20)
    assert telemetry.flush(20)
    assert telemetry.shutdown()
    assert len(set(way.stored())) == len(way.stored()) == 2_000 * SPANS
    observed(f"{kills[0]} rounds of killing: {2_000 * SPANS} of {2_000 * SPANS} stored, once each")


@pytest.mark.fault("server crashes and restarts", "0 lost, 0 twice, stored 5 s after", backend="postgresql")
@pytest.mark.promise("P27")
def test_a_server_that_crashes_in_a_stream_of_upserts(
    own_way: Way, own_server: OwnServer, observed: Callable[[str], None]
) -> None:
    telemetry = own_way.configure()
    stop, count = threading.Event(), [0]

    def produce() -> None:
        while not stop.is_set():
            record(telemetry, 10)
            count[0] += 10

    producer = threading.Thread(target=produce)
    producer.start()
    wait_until(lambda: sink(telemetry.health()).stored > 500)
    own_server.crash()
    wait_until(lambda: sink(telemetry.health()).spilled > 500)
    own_server.start()
    back = time.monotonic()
    stored = sink(telemetry.health()).stored
    wait_until(lambda: sink(telemetry.health()).stored > stored, within_s=5)
    recovery = time.monotonic() - back
    stop.set()
    producer.join()
    assert telemetry.flush(30)
    assert telemetry.shutdown()
    found = own_way.stored()
    assert len(set(found)) == len(found) == count[0] * SPANS
    assert files(own_way.spill) == []
    observed(f"{len(found)} of {count[0] * SPANS} stored, once each; the first {recovery:.1f} s after its return")


@pytest.mark.fault("fails over to a replica", "waits for one that can be written", backend="postgresql")
@pytest.mark.promise("P27")
def test_a_server_that_became_read_only(way: Way, observed: Callable[[str], None]) -> None:
    telemetry = way.configure()
    record(telemetry, 1)
    assert telemetry.flush(20)
    with way.connect() as other:
        name = psycopg.sql.Identifier(other.info.dbname)
        read_only = psycopg.sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        other.execute(read_only)
        try:
            way.proxy.set("refused")  # the old primary is gone
            way.proxy.set("open")
            record(telemetry, 20)
            wait_until(lambda: sink(telemetry.health()).spilled == 20 * SPANS)
            wait_until(lambda: "read-only" in str(sink(telemetry.health()).last_error))
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute(psycopg.sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
    assert telemetry.flush(10)  # in a new session: the old one would be read-only for ever
    assert telemetry.shutdown()
    assert len(set(way.stored())) == 21 * SPANS
    observed(f"{21 * SPANS} of {21 * SPANS} stored by a fresh connection")


@pytest.mark.fault("statements time out, locks are held", "tried again, 0 lost", backend="postgresql")
@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
def test_a_table_that_somebody_locks(way: Way, setting: str, observed: Callable[[str], None]) -> None:
    telemetry = way.configure()
    record(telemetry, 1)
    assert telemetry.flush(20)
    with way.connect() as other:
        name = psycopg.sql.Identifier(other.info.user)
        other.execute(psycopg.sql.SQL("ALTER ROLE {} SET {} = 50").format(name, psycopg.sql.Identifier(setting)))
        try:
            way.proxy.set("refused")
            way.proxy.set("open")
            with other.transaction():
                other.execute("LOCK TABLE spans")
                record(telemetry, 20)
                wait_until(lambda: sink(telemetry.health()).spilled == 20 * SPANS)
        finally:
            other.execute(psycopg.sql.SQL("ALTER ROLE {} RESET ALL").format(name))
    assert telemetry.flush(20)
    assert telemetry.shutdown()
    assert len(set(way.stored())) == 21 * SPANS
    observed(f"{setting}: {21 * SPANS} of {21 * SPANS} stored")


@pytest.mark.fault("backend hangs", "the client ends it at its deadline", backend="postgresql")
def test_the_client_keeps_the_time_of_a_server_that_does_not(
    way: Way, monkeypatch: pytest.MonkeyPatch, observed: Callable[[str], None]
) -> None:
    exporter = PostgresSpanExporter(way.url)
    exporter.write([row(1)])
    monkeypatch.setattr(postgres, "DEADLINE_S", 0.3)
    way.proxy.set("black hole")
    began = time.monotonic()
    with pytest.raises(RetryableError):
        exporter.write([row(2)])
    took = time.monotonic() - began
    monkeypatch.undo()
    way.proxy.set("open")
    exporter.write([row(2)])
    exporter.close()
    assert way.stored() == [1, 2]
    assert took < 3
    observed(f"a deadline of 0.3 s ended it after {took:.1f} s; the next write was stored")


def test_connecting_has_a_time_limit_of_its_own(way: Way) -> None:
    way.proxy.set("black hole")
    exporter = PostgresSpanExporter(way.url + "&connect_timeout=2")
    began = time.monotonic()
    with pytest.raises(RetryableError, match="timeout"):
        exporter.write([row(1)])
    assert time.monotonic() - began < 4


def test_a_pooler_may_put_each_transaction_into_another_session(way: Way) -> None:
    exporter = PostgresSpanExporter(way.direct)
    exporter.write([row(0)])
    sessions = [exporter._connection, exporter._place.connect(), exporter._place.connect()]
    for n in range(1, 13):
        exporter._connection = sessions[n % 3]
        exporter.write([row(n, ended=False)])
        exporter._connection = sessions[(n + 1) % 3]
        exporter.write([row(n, metadata=(("n", str(n)),))])
        exporter.heartbeat()
    exporter._connection = sessions[0]
    exporter.close()
    for session in sessions[1:]:
        assert session is not None
        prepared = session.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert prepared == (0,)
        assert session.execute("SHOW search_path").fetchone() != (exporter._place.schema,)
        session.close()
    assert way.stored() == list(range(13))


def test_full_durability_holds_where_the_server_would_not_wait_for_its_disk(way: Way) -> None:
    seen: list[str] = []
    exporter = PostgresSpanExporter(way.direct, durability="full")
    exporter.write([row(1)])
    with way.connect() as other:
        other.execute("CREATE TABLE asked (value text)")
        other.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO asked VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
        )
        other.execute("CREATE TRIGGER noted AFTER INSERT ON spans EXECUTE FUNCTION note()")
        name = psycopg.sql.Identifier(other.info.dbname)
        try:
            other.execute(psycopg.sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
            exporter.close()
            for durability in ("full", "normal"):
                exporter = PostgresSpanExporter(way.direct, durability=durability)  # type: ignore[arg-type]
                exporter.write([row(2 if durability == "full" else 3)])
                exporter.close()
            seen = [value for (value,) in other.execute("SELECT value FROM asked")]
        finally:
            other.execute(psycopg.sql.SQL("ALTER DATABASE {} RESET synchronous_commit").format(name))
    assert seen == ["on", "off"]


def test_each_retry_has_a_fresh_connection(way: Way) -> None:
    proxy: Proxy = way.proxy
    exporter = PostgresSpanExporter(way.url)
    exporter.write([row(1)])
    before = proxy.connections
    proxy.cut_before = first_only(lambda _: True, 1)
    with pytest.raises(RetryableError):
        exporter.write([row(2)])
    exporter.write([row(2)])
    assert proxy.connections == before + 1
    exporter.close()
