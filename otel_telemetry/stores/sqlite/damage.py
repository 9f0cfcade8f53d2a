"""Damaged files: looking for damage, and setting a damaged file aside so that a fresh one takes its place."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.file import DamagedError, companions

try:
    import fcntl
except ImportError:  # Windows, where a file that anybody has open cannot be renamed anyway
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

MARK: Final = ".corrupt-"
"""Stands between the name of a file that was set aside and when that was."""

_CHECKED_BYTES: Final = 32 * 1024 * 1024
"""What a look at a file costs when it is opened is bounded: about 0.5 ms a megabyte."""
_TURN_S: Final = 30.0


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait until no other process opens the file at `path` or sets it aside.

    The lock is the directory's own, as the file itself may be renamed. Where none can be had, nobody waits.
    """
    if fcntl is None:
        yield
        return
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _TURN_S
        while True:
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
            except OSError:
                break
            else:
                break
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(directory, fcntl.LOCK_UN)  # closing is not enough where a child has inherited it
        os.close(directory)


def was_left_open(path: Path) -> bool:
    """Whether some process has the file at `path` open, or had it open when it died: whoever leaves last tidies up."""
    return any(file.exists() and file.stat().st_size for file in companions(path))


def look(connection: sqlite3.Connection, path: Path, *, thoroughly: bool) -> None:
    """Look for damage in a store: at everything, or at a file that is small enough for it to be quick.

    Raises:
        DamagedError: there is some.
        sqlite3.DatabaseError: the same, or the file cannot be read.
    """
    if thoroughly:
        check = "integrity_check"
    elif path.stat().st_size <= _CHECKED_BYTES:
        check = "quick_check"
    else:
        return
    (result,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    if result != "ok":
        raise DamagedError(f"{path} is damaged")


def set_aside(path: Path) -> Path:
    """Rename the file at `path`, and what belongs to it. To be called in one's `turn`.

    Returns:
        Where it is now. Its log keeps belonging to it.
    """
    name = path.name + MARK + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = path.with_name(name)
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{name}-{number}")
    # The file comes last: SQLite removes a log that it finds beside a file which is new.
    for file, to in zip((*companions(path), path), (*companions(kept), kept), strict=True):
        if file.exists():
            file.rename(to)
    sqlite_file.sync_directory(path.parent)
    return kept
