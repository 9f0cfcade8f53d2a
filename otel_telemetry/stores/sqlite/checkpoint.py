"""Moving the write-ahead log into the file: by one process at a time, and while nobody writes.

Left to itself, each connection does this after its own commits, whatever others do. Up to SQLite 3.51.2, a checkpoint
that runs while another connection's commit begins the log anew may take later pages for moved that are not, and so
corrupt the file (sqlite.org/wal.html#walresetbug). So no connection of ours does it by itself (`sqlite_file.connect`);
the writer that sees the log grown does it while it holds the write lock, which also keeps every other such writer away.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.writer import transaction

if TYPE_CHECKING:
    from pathlib import Path

LOG_BYTES: Final = 8_000 * 8192
"""How long the log may grow before it is moved. Longer costs disk and makes others wait longer; shorter costs speed."""

_AFFECTED_SINCE: Final = (3, 7, 0)
_FIXED_IN: Final = (3, 51, 3)
_FIXED_BRANCHES: Final = {(3, 44): 6, (3, 50): 7}


def is_affected(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this version of SQLite may corrupt a file when several connections move its log unguarded."""
    fixed_patch = _FIXED_BRANCHES.get(version[:2])
    if fixed_patch is not None and version[2] >= fixed_patch:
        return False
    return _AFFECTED_SINCE <= version < _FIXED_IN


def checkpoint(connection: sqlite3.Connection, path: Path) -> bool:
    """Move the log of the file at `path` into it, as far as no reader still needs the pages as they were.

    Args:
        connection: an open connection to the file, in no transaction.
        path: where the file is.

    Returns:
        Whether all of it was moved. The next transaction then begins the log anew.
    """
    mover = sqlite_file.connect(path, mode="rw")  # a connection cannot move the log in a transaction of its own
    try:
        with transaction(connection):
            _, pages, moved = mover.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    finally:
        mover.close()
    return bool(pages == moved)
