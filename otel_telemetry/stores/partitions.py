"""Partitions by day in PostgreSQL: made ahead by any process that writes, under a lock.

Ids begin with their time, so a day is a range of ids. The first partition takes ids from before the store was made, the
last but one those of days to come, and the last one ids that are no UUIDs of version 7.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from otel_telemetry.rows.execution_key import NAMED, first_of_day
from otel_telemetry.stores.version import ADVISORY_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator


class Connection(Protocol):
    """A connection of psycopg: what is below the driver does not import it."""

    def execute(self, query: Any, params: Any = None) -> Any:
        """Execute a statement."""

    def transaction(self) -> Any:
        """Begin a transaction."""


PARTITIONED: Final = ("executions", "spans", "terms")
DAYS_AHEAD: Final = 2
"""Days whose partitions are there before they begin."""
_PATIENCE_MS: Final = 500
"""How long to wait for those who read; everybody else waits meanwhile."""
_LOCK_NOT_AVAILABLE: Final = "55P03"
_EPOCH: Final = date(1970, 1, 1)
_DAYS: Final = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('spans') AND c.relname ~ '^spans_d[0-9]{8}$'"""


def today() -> int:
    """Return the day, in days since the epoch, UTC."""
    return (datetime.now(UTC).date() - _EPOCH).days


def make_first(connection: Connection) -> None:
    """Make the partitions of a fresh store. To be called inside the transaction that makes its tables."""
    first = today()
    for table in PARTITIONED:
        _make(connection, f"{table}_earlier", table, None, first_of_day(first))
        for day in range(first, first + DAYS_AHEAD):
            _make_day(connection, table, day)
        _make(connection, f"{table}_later", table, first_of_day(first + DAYS_AHEAD), NAMED)
        _make(connection, f"{table}_named", table, NAMED, None)


def days(connection: Connection) -> list[int]:
    """Return the days that have partitions. To be called inside a transaction of the store."""
    dates = [
        datetime.strptime(name, "spans_d%Y%m%d").replace(tzinfo=UTC).date() for (name,) in connection.execute(_DAYS)
    ]
    return sorted((day - _EPOCH).days for day in dates)


def name_of(table: str, day: int) -> str:
    """Return the name of the partition of a day."""
    return f"{table}_d{_EPOCH + timedelta(days=day):%Y%m%d}"


def prepare(connection: Connection, search_path: Any) -> bool:
    """Make the partitions of the days ahead that are not there; one process does it, others wait.

    What already lies in the partition of later days, by a clock that is ahead, is moved to its day. That needs the
    tables for a moment alone. Everybody waits for whoever waits for that, so it is given up where somebody reads for
    long; until it is done, later days have their partition too.

    Returns:
        Whether they are there now.
    """
    try:
        _prepare(connection, search_path)
    except Exception as error:
        if getattr(error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _prepare(connection: Connection, search_path: Any) -> None:
    wanted = today() + DAYS_AHEAD
    with connection.transaction():
        connection.execute(search_path)
        if days(connection)[-1:] >= [wanted - 1]:
            return
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        there = days(connection)
        if not there or there[-1] >= wanted - 1:
            return
        connection.execute(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
        connection.execute(f"LOCK TABLE {', '.join(PARTITIONED)} IN ACCESS EXCLUSIVE MODE")
        for table in PARTITIONED:
            begin = there[-1] + 1
            connection.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_later")
            connection.execute(f"ALTER TABLE {table}_later RENAME TO {table}_moved")
            for day in range(begin, wanted):
                _make_day(connection, table, day)
            _make(connection, f"{table}_later", table, first_of_day(wanted), NAMED)
            connection.execute(f"INSERT INTO {table} SELECT * FROM {table}_moved")
            connection.execute(f"DROP TABLE {table}_moved")


def _make_day(connection: Connection, table: str, day: int) -> None:
    _make(connection, name_of(table, day), table, first_of_day(day), first_of_day(day + 1))


def _make(connection: Connection, name: str, table: str, begin: bytes | None, end: bytes | None) -> None:
    bounds = " TO ".join(_bounds(begin, end))
    connection.execute(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM {bounds}")


def _bounds(begin: bytes | None, end: bytes | None) -> Iterator[str]:
    yield "(MINVALUE)" if begin is None else f"('\\x{begin.hex()}')"
    yield "(MAXVALUE)" if end is None else f"('\\x{end.hex()}')"
