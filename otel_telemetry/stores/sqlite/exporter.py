"""Spans into a SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from otel_telemetry.stores.sqlite import checkpoint as sqlite_checkpoint
from otel_telemetry.stores.sqlite import damage as sqlite_damage
from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.base import SQLiteExporterBase
from otel_telemetry.stores.sqlite.file import DamagedError
from otel_telemetry.stores.sqlite.writer import create_tables, transaction
from otel_telemetry.stores.version import check_version, is_older

if TYPE_CHECKING:
    from otel_telemetry.query import SpanStore
    from span_processors.redaction import Redactor

Durability = Literal["normal", "full"]

PAGE_BYTES: Final = 8192
CACHE_BYTES: Final = 16 * 1024 * 1024
"""Pages held in memory at most: in a large store, an execution's entries go to places all over the indexes."""
# With a write-ahead log, NORMAL may lose the last transactions in a loss of power and never damages the file. Without
# one it could; and there, only EXTRA keeps the last transaction (otherwise it is the same as FULL).
_SYNCHRONOUS: Final[dict[tuple[Durability, bool], str]] = {
    ("normal", True): "NORMAL",
    ("normal", False): "FULL",
    ("full", True): "EXTRA",
    ("full", False): "EXTRA",
}
# What SQLite says where a file system cannot share memory between processes.
_NO_SHARED_MEMORY: Final = frozenset(
    {sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_IOERR_SHMLOCK}
)

_logger = logging.getLogger(__name__)


class _OnDisk(NamedTuple):
    """What the path leads to. It changes where somebody deletes, replaces or cuts the file."""

    file: tuple[int, int] | None
    log: tuple[int, int] | None
    size: int = 0
    log_size: int = 0


class _FileChangedError(Exception):
    """What was written went into a file that is not the store any more."""


class SQLiteSpanExporter(SQLiteExporterBase):
    """Writes spans to a SQLite file, which any number of processes may share.

    A damaged file is set aside, as ``NAME.corrupt-TIME``, and a fresh one takes its place; that is logged. A file that
    was deleted is made again.

    Args:
        path: the file, or its URL (``sqlite:///telemetry.db``). It is made with the first span, for its owner only.
        redactor: what `export` redacts with, where this is a part of another OpenTelemetry pipeline.
        durability: what survives a loss of power: all but the last moments (``normal``), or everything whose `write`
            has returned (``full``), which costs a wait for the disk with each write.

    Raises:
        ConfigurationError: no store can be there.
        StoreUnavailableError: something that is not a store is there.
        StoreError: a store of a newer major version is there.
    """

    name = "sqlite"
    _cache_bytes: ClassVar = CACHE_BYTES

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        redactor: Redactor | None = None,
        durability: Durability = "normal",
    ) -> None:
        text = os.fspath(path)
        # Absolute, so that the host may change its directory.
        self._path: Final = (sqlite_file.path_of(text) if "://" in text else Path(text)).absolute()
        sqlite_file.check_path(self._path)
        self._log: Final = sqlite_file.log_of(self._path)
        self._durability: Final[Durability] = durability
        self._on_disk = _OnDisk(None, None)
        self._is_suspect = False
        self._checkpoint_at = self._most_log_bytes()
        self.files_set_aside: list[Path] = []
        """The damaged files that this process has put out of the way, with the names that they have now."""
        super().__init__(redactor)

    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""
        # Deferred: SQLAlchemy costs more than everything that recording imports.
        from otel_telemetry.stores.sqlite.reading import open_sqlite  # noqa: PLC0415

        return open_sqlite(self._path, make=lambda: self._open().close())

    # opening

    def _connect(self) -> sqlite3.Connection:
        connection = self._open()
        self._on_disk, self._checkpoint_at = self._look_at_disk(), self._most_log_bytes()
        return connection

    def _connect_anew(self) -> sqlite3.Connection:
        return self._open()

    def _open(self) -> sqlite3.Connection:
        sqlite_file.create_file(self._path)
        with sqlite_damage.turn(self._path):
            try:
                connection = self._open_file()
            except DamagedError:
                self._set_aside()
                sqlite_file.create_file(self._path)
                connection = self._open_file()
        self._is_suspect = False
        return connection

    def _open_file(self) -> sqlite3.Connection:
        was_left_open = sqlite_damage.was_left_open(self._path)
        connection = sqlite_file.connect(self._path, mode="rw")
        try:
            if self._is_suspect or was_left_open:
                sqlite_damage.look(connection, self._path, thoroughly=self._is_suspect)
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            # Only now: later it would take a copy of the whole file. Space that retention frees can then be given back.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            has_log = _use_wal(connection)
            connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[self._durability, has_log]}")
            connection.execute(f"PRAGMA cache_size = -{self._cache_bytes // 1024}")
            # Cut when it is begun anew, so that its size tells how much is in it.
            connection.execute("PRAGMA journal_size_limit = 0")
            self._prepare_tables(connection)
            if has_log:  # then only a transaction that writes waits for another, and `writer.transaction` does that
                connection.execute("PRAGMA busy_timeout = 0")
        except BaseException as error:
            connection.close()
            if sqlite_file.is_damage(error) and not isinstance(error, DamagedError):
                raise DamagedError(f"{self._path} is damaged") from error
            raise
        return connection

    def _prepare_tables(self, connection: sqlite3.Connection) -> None:
        found = sqlite_file.version_of(connection, self._path)
        if found is None:
            with transaction(connection):
                # Another process may have made them while this one waited for the lock.
                found = sqlite_file.version_of(connection, self._path)
                if found is None:
                    create_tables(connection)
                    return
        check_version(found, str(self._path))
        if is_older(found):
            # Deferred: Alembic is needed by the one process that finds an older store.
            from otel_telemetry.stores.sqlite.upgrade import upgrade_sqlite  # noqa: PLC0415

            upgrade_sqlite(self._path)

    def _set_aside(self) -> None:
        kept = sqlite_damage.set_aside(self._path)
        self.files_set_aside.append(kept)
        _logger.warning("the store %s was damaged: it is kept as %s, and a fresh one is begun", self._path, kept.name)

    # writing

    def _after_use(self, connection: sqlite3.Connection) -> None:
        if self._is_stale(connection):
            raise _FileChangedError(f"{self._path} was deleted, replaced or cut")
        if self._on_disk.log_size >= self._checkpoint_at:
            self._checkpoint(connection)

    def _before_leaving(self, connection: sqlite3.Connection) -> None:
        # Whoever closes the file last moves its log, but that may be a reader, who cannot.
        self._checkpoint(connection)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        try:
            complete = sqlite_checkpoint.checkpoint(connection, self._path)
        except sqlite3.Error as error:  # what was written is safe all the same
            complete = False
            _logger.debug("the log of %s could not be moved: %s", self._path, type(error).__name__)
        more = 0 if complete else self._on_disk.log_size
        self._checkpoint_at = self._most_log_bytes() + more

    def _most_log_bytes(self) -> int:
        return sqlite_checkpoint.LOG_BYTES

    def _is_retryable(self, error: Exception) -> bool:
        return isinstance(error, _FileChangedError) or sqlite_file.is_damage(error) or super()._is_retryable(error)

    def _note_failure(self, error: Exception) -> None:
        self._is_suspect = self._is_suspect or sqlite_file.is_damage(error)

    def _is_stale(self, connection: sqlite3.Connection) -> bool:  # noqa: ARG002  (it is the file that tells)
        """Whether the file was deleted, replaced or cut: SQLite would go on writing to what is no longer there."""
        before, self._on_disk = self._on_disk, self._look_at_disk()
        if (self._on_disk.file, self._on_disk.log) != (before.file, before.log):
            return True
        if self._on_disk.size < before.size:
            self._is_suspect = True
            return True
        return False

    def _look_at_disk(self) -> _OnDisk:
        file, log = sqlite_file.status(self._path), sqlite_file.status(self._log)
        return _OnDisk(
            file and (file.st_dev, file.st_ino),
            log and (log.st_dev, log.st_ino),
            file.st_size if file else 0,
            log.st_size if log else 0,
        )


def _use_wal(connection: sqlite3.Connection) -> bool:
    """Switch to write-ahead logging, which alone lets readers and a writer work at once.

    Processes that open a new store at the same moment may meet here, and for this one statement SQLite does not wait.

    Returns:
        Whether the file system lets us; if not, one process at a time reads or writes.
    """
    try:
        (mode,) = sqlite_file.when_free(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_SHARED_MEMORY:
            raise
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    return bool(mode == "wal")
