"""The file of a SQLite store: where it is, whether it is one, and opening it for writing or reading."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import SystemRandom
from typing import Final, TypeVar

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.stores.version import check_version

BUSY_TIMEOUT_S: Final = 30.0
"""How long to wait for another process's transaction."""

_SHORTEST_PAUSE_S: Final = 0.001
_LONGEST_PAUSE_S: Final = 0.005
"""Between two looks whether the other connection has finished."""
_contenders: Final = SystemRandom()
"""Spreads those who wait for the same file. The global `random` is left to the host."""
_T = TypeVar("_T")
_SCHEME: Final = "sqlite:///"
_COMPANIONS: Final = ("-wal", "-shm", "-journal")
_NAMES_OF_DATABASES: Final = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
_LOOKED_AT_BYTES: Final = 4096


class DamagedError(StoreUnavailableError):
    """The file was a store, as far as one can tell, and cannot be read any more."""


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
    if not os.access(path, os.R_OK | os.W_OK) and path.exists():
        raise ConfigurationError(f"{path} cannot be written by this user: change its permissions or name another")
    try:
        with closing(connect(path, mode="ro")) as connection:
            connection.execute("PRAGMA busy_timeout = 0")  # whoever configures is not to wait
            found = version_of(connection, path)
            if found is not None:
                check_version(found, str(path))
    except (DamagedError, FileNotFoundError, sqlite3.Error):
        pass  # damaged, set aside this moment, locked, or left in the middle of something: whoever writes puts it right


def create_file(path: Path) -> None:
    """Make an empty file that only its owner may read, and its directory; leave a file that exists as it is.

    Raises:
        StoreUnavailableError: a symbolic link stands where SQLite would write.
    """
    _create_directory(path.parent)
    for place in (path, *companions(path)):
        if place.is_symlink():
            raise StoreUnavailableError(f"{place} became a symbolic link: remove it, or name the file it leads to")
    # SQLite gives its -wal and -shm files the permissions of the file itself.
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        return
    sync_directory(path.parent)


def _create_directory(path: Path) -> None:
    if not path.is_dir():
        _create_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory survive a loss of power, as SQLite does for the files that it makes itself."""
    with suppress(OSError):  # not every system lets a directory be opened, and not every file system has it synced
        directory = os.open(path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def companions(path: Path) -> list[Path]:
    """Return where SQLite keeps what belongs to the file at `path`: its logs, and the index of one."""
    return [path.with_name(path.name + suffix) for suffix in _COMPANIONS]


def log_of(path: Path) -> Path:
    """Return where the write-ahead log of the file at `path` is, while there is one."""
    return companions(path)[0]


def status(path: str | Path) -> os.stat_result | None:
    """Return what the system says of the file at `path`, None where there is none."""
    try:
        return os.lstat(path)  # asked with every question, and `Path.lstat` takes longer
    except OSError:
        return None


def when_free(attempt: Callable[[], _T]) -> _T:
    """Return what `attempt` returns, as soon as no other connection is in its way.

    SQLite gives no turns, and its own wait soon looks only ten times a second: somebody who writes one transaction
    after the other would hardly let anyone in.

    Raises:
        sqlite3.OperationalError: another connection was for longer than anybody is to wait; or any other error.
    """
    deadline, pause_s = 0.0, _SHORTEST_PAUSE_S
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            now = time.monotonic()
            deadline = deadline or now + BUSY_TIMEOUT_S
            if now >= deadline:
                raise
            time.sleep(_contenders.uniform(pause_s / 2, pause_s))
            pause_s = min(pause_s * 1.05, _LONGEST_PAUSE_S)


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open the file at `path`; it must exist. `mode` is ``ro`` or ``rw``. Transactions are the caller's to begin."""
    connection = _open(path, mode)
    # `sqlite_checkpoint` says why no connection does this by itself.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the file at `path`, which must exist, for whoever does not write.

    To read, SQLite may have to write: the index of a log, or back what a transaction had changed that was cut short.
    Where it may not, and there is nothing of the kind, nobody else can be writing, and the file is read as it is.
    """
    connection = _open(path, "ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_damage(error):
            return connection  # whoever asks finds out
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
            raise
        in_the_middle = any(file.exists() and file.stat().st_size for file in companions(path))
        return connect(path, mode="rw" if in_the_middle else "ro&immutable=1")
    return connection


def version_of(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the version of the store behind `connection`, which is at `path`; None where there is nothing yet.

    Raises:
        DamagedError: the file is damaged.
        StoreUnavailableError: something else is there.
    """
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if {"alembic_version", "spans"} <= tables:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return row[0] if row else ""
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        if not _is_document(path):
            raise DamagedError(
                f"{path} is not a store, or a damaged one: whoever records next sets it aside, and "
                "`otel-telemetry doctor --salvage FILE` gets out of it what can be got"
            ) from error
    raise StoreUnavailableError(f"{path} is not a store of otel-telemetry: name another file, or move this one away")


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found that what is in the file cannot be, or its driver that text in there is none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, UnicodeDecodeError) or "Could not decode" in str(error)
    return code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _is_document(path: Path) -> bool:
    """Whether somebody wrote this and named it by mistake: text, and not in a file that is named like a database."""
    if path.suffix.lower() in _NAMES_OF_DATABASES:
        return False
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT_BYTES)
    return b"\0" not in head and bool(head.decode("utf-8", "ignore").strip())
