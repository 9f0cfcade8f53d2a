"""Connections to SQLite that a reader keeps between questions: a new one takes longer to open than most answers.

One is kept for as long as the process and the file are those that it was opened in and on. SQLite cannot tell that a
file was deleted or replaced, and a child that inherits a connection takes the parent's locks for its own
(`sqlite_base`). Between questions it is in no transaction, and holds up nobody.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from sqlalchemy.pool import ConnectionPoolEntry, NullPool

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_MOST: Final = 4
"""Idle connections that a store keeps."""
_STATE: Final = "state"


class IdleConnections(NullPool):
    """A pool that opens as many connections as are needed at once, and keeps a few. It never waits, and has no locks.

    Args:
        creator: opens a connection.
        state: tells what a connection is good for; it is closed when that has become something else.
    """

    def __init__(self, creator: Callable[[], Any], *, state: Callable[[], Hashable]) -> None:
        super().__init__(creator)
        self._state = state
        self._idle: deque[ConnectionPoolEntry] = deque()
        _pools.add(self)

    def recreate(self) -> IdleConnections:
        """Return a pool like this one."""
        return self  # which has nothing left, once it is disposed of

    def dispose(self) -> None:
        """Close what is idle."""
        while (record := self._pop()) is not None:
            record.close()

    def _do_get(self) -> ConnectionPoolEntry:
        state = self._state()
        while (record := self._pop()) is not None:
            if record.info.get(_STATE) == state:
                return record
            record.close()
        record = self._create_connection()
        record.info[_STATE] = state
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if len(self._idle) < _MOST:
            self._idle.append(record)
        else:
            record.close()

    def _pop(self) -> ConnectionPoolEntry | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None


_pools: Final[WeakSet[IdleConnections]] = WeakSet()


def _after_in_child() -> None:
    for pool in list(_pools):
        pool.dispose()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
