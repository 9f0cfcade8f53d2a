"""The records in the pages of a SQLite file, read without SQLite: it refuses much of a file where one page is damaged.

The names are those of sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value: TypeAlias = "int | float | bytes | str | None"

_MAGIC: Final = b"SQLite format 3\0"
_TABLE_LEAF: Final = 0x0D
_HEADER_BYTES: Final = 100
_WAL_HEADER: Final = struct.Struct(">8I")
_FRAME_HEADER: Final = struct.Struct(">6I")
_WAL_MAGIC: Final = 0x377F0682  # the lowest bit says how checksums read words
_INTEGER_BYTES: Final = (0, 1, 2, 3, 4, 6, 8)
_UNREADABLE: Final = (ValueError, IndexError, struct.error)


class Pages:
    """The pages of the file at `path`, as its write-ahead log has them where it is sound.

    Attributes:
        unreadable: how many records were met so far that are there and damaged.
    """

    def __init__(self, path: Path, *, usual_page_bytes: int) -> None:
        """Read the file.

        Args:
            path: where it is; its log is beside it.
            usual_page_bytes: the size of a page where the file does not say it.
        """
        self._file: Final = path.read_bytes()
        log = path.with_name(path.name + "-wal")
        self._log: Final = log.read_bytes() if log.exists() else b""
        said = int.from_bytes(self._file[16:18], "big")
        size = 65536 if said == 1 else said
        self._size = size if size >= 512 and size & (size - 1) == 0 else usual_page_bytes  # noqa: PLR2004
        self._in_log = dict(self._committed_frames())
        self.unreadable = 0

    def records(self) -> Iterator[list[Value]]:
        """Yield the records of all tables, as far as they can be read; those that were deleted are left out."""
        free = self._free()
        for number in range(1, max(len(self._file) // self._size, *self._in_log, 0) + 1):
            page = self._page(number)
            start = _HEADER_BYTES if number == 1 else 0
            if number in free or page[start : start + 1] != bytes([_TABLE_LEAF]):
                continue
            (count,) = struct.unpack_from(">H", page, start + 3)
            for place in range(start + 8, min(start + 8 + 2 * count, len(page) - 1), 2):
                try:
                    yield _values(self._payload(page, *struct.unpack_from(">H", page, place)))
                except _UNREADABLE:
                    self.unreadable += 1

    def _page(self, number: int) -> bytes:
        if number in self._in_log:
            return self._in_log[number]
        page = self._file[(number - 1) * self._size : number * self._size]
        return page.ljust(self._size, b"\0")  # the last one may be cut

    def _payload(self, page: bytes, place: int) -> bytes:
        size, place = _varint(page, place)
        _, place = _varint(page, place)
        most, least = self._size - 35, (self._size - 12) * 32 // 255 - 23
        local = size
        if size > most:
            local = least + (size - least) % (self._size - 4)
            local = local if local <= most else least
        parts = [page[place : place + local]]
        following = page[place + local : place + local + 4]
        missing, seen = size - local, {0}
        while missing > 0:
            (number,) = struct.unpack(">I", following)
            if number in seen:
                raise ValueError("the record goes in a circle")
            seen.add(number)
            overflow = self._page(number)
            parts.append(overflow[4 : 4 + missing])
            missing -= self._size - 4
            following = overflow[:4]
        return b"".join(parts)

    def _free(self) -> set[int]:
        """Return the numbers of the pages that are in no table any more."""
        free: set[int] = set()
        if not self._page(1).startswith(_MAGIC):
            return free  # who knows what else it says
        (trunk,) = struct.unpack_from(">I", self._page(1), 32)
        while trunk and trunk not in free and trunk * self._size <= len(self._file):
            page = self._page(trunk)
            following, count = struct.unpack_from(">2I", page)
            leaves = min(count, self._size // 4 - 2)
            free.update((trunk, *struct.unpack_from(f">{leaves}I", page, 8)))
            trunk = following
        return free

    def _committed_frames(self) -> Iterator[tuple[int, bytes]]:
        if len(self._log) < _WAL_HEADER.size:
            return
        magic, _, size, _, *salt, _, _ = _WAL_HEADER.unpack_from(self._log)
        if magic & ~1 != _WAL_MAGIC or size < 512:  # noqa: PLR2004  (the least that a page can have)
            return
        self._size = size
        order = ">" if magic & 1 else "<"
        checksum = _checksum(self._log[:24], (0, 0), order)
        pending: list[tuple[int, bytes]] = []
        for start in range(_WAL_HEADER.size, len(self._log) - size - _FRAME_HEADER.size + 1, size + _FRAME_HEADER.size):
            number, commit, *frame_salt, first, second = _FRAME_HEADER.unpack_from(self._log, start)
            content = self._log[start + _FRAME_HEADER.size : start + _FRAME_HEADER.size + size]
            checksum = _checksum(self._log[start : start + 8] + content, checksum, order)
            if frame_salt != salt or checksum != (first, second):
                return
            pending.append((number, content))
            if commit:
                yield from pending
                pending.clear()


def _checksum(content: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = before
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for word in words:
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + next(words) + first) & 0xFFFFFFFF
    return first, second


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        byte = content[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004  (the high bit says that there is more)
            return value, place
    return value << 8 | content[place], place + 1


def _values(record: bytes) -> list[Value]:
    size, place = _varint(record, 0)
    at, values = size, []
    while place < size:
        kind, place = _varint(record, place)
        value, at = _value(record, at, kind)
        values.append(value)
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind >= 12:  # noqa: PLR2004  (even for bytes, odd for text)
        end = at + (kind - 12) // 2
        if end > len(record):
            raise ValueError("the record is cut")
        return (record[at:end].decode() if kind & 1 else record[at:end]), end
    match kind:
        case 0:
            return None, at
        case 7:
            return struct.unpack_from(">d", record, at)[0], at + 8
        case 8 | 9:
            return kind - 8, at
    end = at + _INTEGER_BYTES[kind]
    return int.from_bytes(record[at:end], "big", signed=True), end
