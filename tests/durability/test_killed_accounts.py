"""What a process that was killed says about itself: its account, to the span, as of its last transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from otel_telemetry.cli.ledger import latest
from otel_telemetry.query import Lease
from otel_telemetry.stores.account import Account, load
from tests.durability.support import Way, files, start
from tests.durability.test_accounts import doctor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from tests.durability.proxy import Mode

# One process imports everything, and forks a fresh recorder for each round; the last thing a recorder does is to die.
ROUNDS = """
    import logging, os, signal, sys, time
    from random import Random
    import otel_telemetry as ot
    import otel_telemetry.stores.sqlite.exporter, psycopg, otel_telemetry.stores.postgres.exporter
    import otel_telemetry.stores.spool.spill
    from tests.durability.support import record

    logging.disable()  # that spans are dropped is meant
    url, rounds, longest, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    for number in range(rounds):
        random = Random(seed + number)
        if not (child := os.fork()):
            try:
                most = random.choice([5, 40, 2_000])  # more than one transaction takes
                # sometimes so little room that spans are dropped
                telemetry = ot.configure(url, queue_size=random.choice([30_000, 2**26]), block_timeout_ms=1)
                with telemetry.execution("open"):
                    while True:
                        record(telemetry, random.randrange(1, most), padding="x" * random.randrange(2_000))
                        time.sleep(random.random() * 0.01)
            finally:
                os._exit(1)
        time.sleep(longest * random.random())
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""
LEASES = f"SELECT {', '.join(Lease._fields)} FROM leases"
ENDED = "SELECT lease_id, span_id FROM spans WHERE ended_ns IS NOT NULL"
MANY = [pytest.mark.slow, pytest.mark.timeout(1200)]


class Found(NamedTuple):
    """What is in a store."""

    leases: Sequence[Lease]
    ended: Sequence[tuple[int, int]]
    """The lease and the id of each span that has ended."""


def in_file(path: Path) -> Found:
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
            return Found([], [])  # its process was killed before it had made the tables
        return Found([Lease(*values) for values in connection.execute(LEASES)], connection.execute(ENDED).fetchall())


def killed(url: str, rounds: int, longest_s: float, meanwhile: Callable[[], object] = lambda: None) -> None:
    with start(ROUNDS, url, rounds, longest_s, Random().randrange(2**32)) as process:
        while process.poll() is None:
            meanwhile()
            threading.Event().wait(0.25 * Random().random())
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, "")


def exact(found: Iterable[Found]) -> list[Account]:
    """Check that each process's last account agrees with what is there; return the accounts."""
    there: dict[int, set[int]] = defaultdict(set)
    leases: list[Lease] = []
    for store in found:
        leases += store.leases
        for lease_id, span_id in store.ended:
            there[lease_id].add(span_id)
    accounts = {lease.lease_id: load(lease.account) if lease.account else Account() for lease in latest(leases)}
    assert there.keys() <= accounts.keys()
    for lease_id, account in accounts.items():
        assert account.stored + account.spilled == len(there[lease_id]), account
        assert account.accepted == account.stored + account.pending + sum(account.dropped.values())
    return list(accounts.values())


def in_words(rounds: int, accounts: Sequence[Account], said: dict[str, str]) -> str:
    """Check that doctor says the same, and say it in a line."""
    accepted = sum(account.accepted for account in accounts)
    lost = sum(account.pending - account.spilled for account in accounts)
    dropped = sum(sum(account.dropped.values()) for account in accounts)
    figures = {name: int(value.replace(",", "")) for name, value in said.items()}
    assert figures["accepted"] == accepted > 0
    assert figures.get("lost with their process", 0) == lost
    assert figures["waiting in memory"] == 0
    assert figures["stored"] + figures["waiting on disk"] == accepted - lost - dropped
    there = accepted - lost - dropped
    return f"{rounds} kills: {accepted:,} accepted = {there:,} there + {lost:,} lost + {dropped:,} dropped"


@pytest.mark.parametrize("rounds", [30, pytest.param(500, marks=MANY)])
@pytest.mark.fault("SIGKILL: the account", "as many rows as it says, to the span", backend="sqlite")
@pytest.mark.promise("P3")
def test_sqlite(tmp_path: Path, rounds: int, observed: Callable[[str], None]) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    killed(url, rounds, 0.25)
    observed(in_words(rounds, exact([in_file(tmp_path / "store.db")]), doctor(url, "spans")))


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=MANY)])
@pytest.mark.fault("SIGKILL: the account", "as many rows as it says, here or in the spill", backend="postgresql")
@pytest.mark.promise("P3")
def test_postgresql_that_comes_and_goes(
    way: Way, rounds: int, observed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TELEMETRY_SPILL", str(way.spill))
    modes: tuple[Mode, ...] = ("open", "open", "open", "refused", "hung", "black hole")
    killed(way.url, rounds, 1.5, lambda: way.proxy.set(Random().choice(modes)))
    way.proxy.set("open")
    with way.connect() as connection:
        leases = [Lease(*values) for values in connection.execute(LEASES)]
        there = Found(leases, connection.execute(ENDED).fetchall())
    observed(in_words(rounds, exact([there, *map(in_file, files(way.spill))]), doctor(way.url, "spans")))
