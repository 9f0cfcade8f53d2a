"""A disk whose power fails: what was synced is kept, of the rest any sectors may be there, missing or torn.

`Disk` is a VFS under SQLite, through APSW. Python's own `sqlite3` cannot use it, as it has another copy of the library;
so `Connection` gives APSW's connections the face of the standard library's, and the exporter runs on them as it is: its
SQL, its settings, its transactions. Reads and locks go to real files; beside them the disk keeps what is safe.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

SECTOR = 512
_BUSY_MS = 30_000


class _File:
    """What is safe of a file, and what was done to it since: writes (offset, bytes) and cuts (size)."""

    def __init__(self, content: bytes) -> None:
        self.safe = bytearray(content)
        self.unsynced: list[tuple[int, bytes] | int] = []

    def sync(self) -> None:
        for change in self.unsynced:
            _apply(self.safe, change)
        self.unsynced.clear()

    def after_failure(self, random: Random) -> bytes:
        content = bytearray(self.safe)
        reached = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for change in self.unsynced:
            if isinstance(change, int):
                if random.random() < reached:
                    _apply(content, change)
                continue
            offset, data = change
            for start in range(-(offset % SECTOR), len(data), SECTOR):  # no sector depends on another
                first = max(start, 0)
                piece = data[first : start + SECTOR]
                if random.random() < reached:
                    if random.random() < 0.05:  # torn: the rest of the sector is what happened to be under the head
                        kept = random.randrange(len(piece))
                        piece = piece[:kept] + random.randbytes(len(piece) - kept)
                    _apply(content, (offset + first, piece))
        return bytes(content)


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        return
    offset, data = change
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """Fails at one of its writes, syncs, cuts or deletions, and from then on at each."""

    def __init__(self, name: str, random: Random, *, fails_after: int) -> None:
        super().__init__(name, base="unix")
        self.name = name
        self.failed = False
        self._random = random
        self._left = fails_after
        self._files: dict[str, _File] = {}
        self._safe_names: dict[str, _File] = {}
        self._names: list[tuple[str, _File | None]] = []  # what was done to the directory and is not safe yet

    def sync_directory(self, directory: Path) -> None:
        """Make the names in it safe, those of files that SQLite has not opened yet among them."""
        for path in directory.iterdir():
            if path.is_file() and str(path) not in self._files and not path.name.endswith("-shm"):
                self._created(str(path))
        self._settle_names(len(self._names))

    def after_failure(self, directory: Path) -> None:
        """Write what the disk holds after the failure into another directory."""
        self._settle_names(self._random.randint(0, len(self._names)))
        for name, file in self._safe_names.items():
            (directory / Path(name).name).write_bytes(file.after_failure(self._random))

    def step(self) -> None:
        """Count an operation, or fail."""
        self._left -= 1
        if self._left < 0:
            self.failed = True
            raise apsw.IOError("the power is gone")

    def file(self, name: str | None) -> _File:
        if name is None:  # a temporary one
            return _File(b"")
        if name not in self._files:
            self._created(name)
        return self._files[name]

    def synced(self, file: _File) -> None:
        """Make a file safe, and with it its name and all that was done to the directory before it was made."""
        file.sync()
        places = [place for place, (_, named) in enumerate(self._names) if named is file]
        self._settle_names(max(places) + 1 if places else 0)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _OpenFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001
        self.step()
        super().xDelete(filename, syncdir)
        self._files.pop(filename, None)
        self._names.append((filename, None))
        if syncdir:
            self._settle_names(len(self._names))

    def _created(self, name: str) -> None:
        path = Path(name)
        self._files[name] = file = _File(path.read_bytes() if path.exists() else b"")
        self._names.append((name, file))

    def _settle_names(self, count: int) -> None:
        for name, file in self._names[:count]:
            if file is None:
                self._safe_names.pop(name, None)
            else:
                self._safe_names[name] = file
        del self._names[:count]


class _OpenFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._file = disk.file(path)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._file.unsynced.append((offset, bytes(data)))  # one that is cut short may have begun
        self._disk.step()
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._file.unsynced.append(newsize)
        self._disk.step()
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.step()
        self._disk.synced(self._file)


class _Rows:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class Connection:
    """As much of `sqlite3.Connection` as the exporter uses."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._apsw = apsw.Connection(str(path), vfs=disk.name, flags=apsw.SQLITE_OPEN_READWRITE)
        self._apsw.set_busy_timeout(_BUSY_MS)

    @property
    def in_transaction(self) -> bool:
        return self._apsw.in_transaction

    def execute(self, sql: str, parameters: Any = ()) -> _Rows:
        try:
            return _Rows(self._apsw.execute(sql, parameters).fetchall())
        except apsw.Error as error:
            raise _translated(error) from error

    def executemany(self, sql: str, parameters: Iterable[Any]) -> None:
        try:
            self._apsw.executemany(sql, parameters)
        except apsw.Error as error:
            raise _translated(error) from error

    def getlimit(self, category: int) -> int:
        return self._apsw.limit(category)

    def close(self) -> None:
        with suppress(apsw.Error):  # the standard library's says nothing of a log that could not be tidied up
            self._apsw.close()


def _translated(error: apsw.Error) -> sqlite3.Error:
    translated = sqlite3.OperationalError(str(error))
    translated.sqlite_errorcode = getattr(error, "extendedresult", apsw.SQLITE_IOERR)
    return translated
