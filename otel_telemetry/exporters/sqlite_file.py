"""The file of a SQLite store: where it is, whether it is one, and opening it for writing or reading."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.exporters.version import check_version

BUSY_TIMEOUT_S: Final = 30.0
"""How long to wait for another process's transaction."""

_SCHEME: Final = "sqlite:///"


def path_of(url: str) -> Path:
    """Return the path that a URL names: ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.

    Raises:
        ConfigurationError: the URL names no file.
    """
    path = url.removeprefix(_SCHEME)
    if path == url or path in {"", ":memory:"} or "?" in path:
        raise ConfigurationError(
            f"{url!r} names no SQLite file: write sqlite:///telemetry.db, sqlite:////absolute/telemetry.db, or memory://"
        )
    return Path(path)


def check_path(path: Path) -> None:
    """Find out, without making anything, whether a store is or can be made at `path`.

    Raises:
        ConfigurationError: no store can be there: a directory, a symbolic link, or not writable.
        StoreUnavailableError: the file there is not a store.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        directory = next(parent for parent in path.absolute().parents if parent.exists())
        if not (directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)):
            raise ConfigurationError(
                f"no store can be made at {path}: {directory} is not a writable directory"
            ) from None
        return
    except OSError as error:
        raise ConfigurationError(f"no store can be made at {path}: {error.strerror}") from None
    if stat.S_ISLNK(mode):
        raise ConfigurationError(f"{path} is a symbolic link: name the file that it leads to")
    if not stat.S_ISREG(mode):
        raise ConfigurationError(f"{path} is not a file: name one, such as {path / 'telemetry.db'}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ConfigurationError(f"{path} cannot be written by this user: change its permissions or name another")
    connection = connect(path, mode="ro")
    try:
        found = version_of(connection, path)
        if found is not None:
            check_version(found, str(path))
    finally:
        connection.close()


def create_file(path: Path) -> None:
    """Make an empty file that only its owner may read, and its directory; leave a file that exists as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its -wal and -shm files the permissions of the file itself.
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        if path.is_symlink():
            raise StoreUnavailableError(f"{path} became a symbolic link: name the file that it leads to") from None


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open the file at `path`; it must exist. `mode` is ``ro`` or ``rw``. Transactions are the caller's to begin."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def version_of(connection: sqlite3.Connection, where: object) -> str | None:
    """Return the version of the store behind `connection`; None where there is nothing yet.

    Raises:
        StoreUnavailableError: something else is there.
    """
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if {"alembic_version", "spans"} <= tables:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return row[0] if row else ""
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_NOTADB:
            raise
    raise StoreUnavailableError(f"{where} is not a store of otel-telemetry: name another file, or move this one away")
