"""Writing rows through a raw psycopg connection.

The rows of the executions are locked first, in the order of their keys; whatever else is written belongs to them. Those
that turn out to be concerned as well are locked without waiting. New executions are copied. Where another session has
inserted one of them meanwhile, or holds one of those that are concerned as well, all is done once more.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.rows import ExecutionRow, SpanRow, add_up, term
from otel_telemetry.rows.derived import TRACE
from otel_telemetry.rows.durations import DURATION_KEY
from otel_telemetry.rows.execution_key import decode, encode
from otel_telemetry.stores.ddl import named
from otel_telemetry.stores.duration_parts import MAX_PARTS, from_values, is_time_to_look
from otel_telemetry.stores.merging import Changes, Written, key_of, merge
from otel_telemetry.stores.postgres.driver import psycopg
from otel_telemetry.stores.statements import (
    DURATION_COLUMNS,
    EXECUTION_TABLE_COLUMNS,
    SPAN_COLUMNS,
    UPDATES,
    read_execution,
    read_span,
    set_by,
    stored_durations,
    stored_execution,
    stored_span,
    update_of,
)
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.leases import Lease
    from otel_telemetry.rows import Durations
    from otel_telemetry.stores.merging import Key
    from otel_telemetry.stores.postgres.url import Place

_SQL: Final = named("postgresql")
_ATTEMPTS: Final = 100
"""How often a batch is begun anew, because other sessions were first."""
_EXECUTIONS: Final = f"executions ({', '.join(EXECUTION_TABLE_COLUMNS)})"
_SPANS: Final = f"spans ({', '.join(SPAN_COLUMNS)})"
_TERMS: Final = "terms (term, started_ns, execution_id)"
_KEY: Final = len(DURATION_KEY)

# Classes of SQLSTATE that a value in a row can cause: data exception, constraint violation, limit exceeded.
_FAULTS_OF_A_ROW: Final = frozenset({"22", "23", "54"})


@contextmanager
def transaction(connection: psycopg.Connection, place: Place) -> Iterator[None]:
    """Commit what is done inside, or roll it all back. Tables are those of the store."""
    connection.execute(place.begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Where the connection is lost, so is the transaction, and the first error says more.
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise


def write_rows(
    connection: psycopg.Connection,
    place: Place,
    rows: Sequence[SpanRow],
    known_resources: AbstractSet[int],
    *,
    lease: Lease | None,
) -> Written:
    """Write rows, all that follows from them, their resources, and a lease, in one transaction.

    Args:
        connection: open, in autocommit mode.
        place: the store that it leads to.
        rows: what to write.
        known_resources: keys of resources that are there.
        lease: the state of the lease of this process, if it has changed.
    """
    concerned: frozenset[str] = frozenset()
    for attempt in range(1, _ATTEMPTS + 1):
        tables = Tables(connection, concerned, waits=False)
        try:
            with transaction(connection, place):
                add_resources(connection, rows, known_resources)
                changes = merge(rows, tables)
                apply(connection, changes)
                if lease is not None:
                    connection.execute(_SQL["put_lease"], lease._asdict())
        except (psycopg.errors.UniqueViolation, psycopg.errors.LockNotAvailable) as error:
            was_second = tables.is_held_up or isinstance(error, psycopg.errors.UniqueViolation)
            if attempt == _ATTEMPTS or not was_second:
                raise
            concerned = tables.asked
        else:
            return changes.written
    raise AssertionError  # it has returned or raised


def add_resources(connection: psycopg.Connection, rows: Iterable[SpanRow], known_resources: AbstractSet[int]) -> None:
    """Write the resources of rows that are not there yet, in the order of their ids."""
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    for key, resource in sorted(resources.items()):
        values = {"resource_id": key, "schema_url": resource.schema_url, "attributes": canonical(resource.attributes)}
        connection.execute(_SQL["add_resource"], values)


def apply(connection: psycopg.Connection, changes: Changes) -> None:
    """Write what has changed. To be called inside a transaction."""
    _copy(connection, _EXECUTIONS, sorted(map(stored_execution, changes.inserted), key=_id_of_execution))
    updates: dict[str, list[dict[str, Any]]] = {}
    for old, new in changes.updated:
        name = update_of(old, new)
        values = dict(zip((*UPDATES[name], "execution_id"), set_by(name, new), strict=True))
        updates.setdefault(name, []).append(values)
    for name, given in updates.items():
        if len(given) == 1:
            connection.execute(_SQL[name], given[0])
        else:
            with connection.cursor() as cursor:
                cursor.executemany(_SQL[name], given)
    _remove_spans(connection, changes.replaced_spans)
    _copy(connection, _SPANS, map(stored_span, changes.spans))
    if changes.dropped_terms:
        connection.execute(_SQL["remove_terms"], _of_terms(sorted(changes.dropped_terms)))
    _copy(connection, _TERMS, sorted(changes.new_terms))
    if len(changes.more_terms) == 1:
        ((number, started_ns, key),) = changes.more_terms
        connection.execute(_SQL["add_term"], {"term": number, "started_ns": started_ns, "execution_id": key})
    elif changes.more_terms:
        connection.execute(_SQL["add_terms"], _of_terms(sorted(changes.more_terms)))
    add_durations(connection, changes.tally.parts())


def replace_spans(connection: psycopg.Connection, rows: Sequence[SpanRow]) -> None:
    """Write rows of spans in the place of those with the same keys."""
    _remove_spans(connection, rows)
    _copy(connection, _SPANS, map(stored_span, rows))


def copy_durations(connection: psycopg.Connection, table: str, parts: Iterable[Durations]) -> None:
    """Add rows to a table of durations."""
    _copy(connection, f"{table} ({', '.join(DURATION_COLUMNS)})", map(stored_durations, parts))


def _remove_spans(connection: psycopg.Connection, rows: Sequence[SpanRow]) -> None:
    if rows:
        connection.execute(_SQL["remove_spans"], _of_spans(list(map(key_of, rows))))


class Tables:
    """What the tables hold, as a transaction sees it: see `merging.Held`.

    Args:
        connection: in a transaction.
        concerned: executions to lock with the first that are asked for, because they will be asked for later.
        waits: whether to wait for those that are asked for later all the same. Out of the order of keys, two sessions
            could wait for each other.
    """

    def __init__(
        self, connection: psycopg.Connection, concerned: frozenset[str] = frozenset(), *, waits: bool = True
    ) -> None:
        self._connection = connection
        self._waits = waits
        self._locked: dict[str, ExecutionRow] = {}
        self._concerned = concerned
        self.asked: frozenset[str] = frozenset()
        """The executions whose locks were asked for."""
        self.is_held_up = False
        """Whether another session held one of those that were asked for later."""

    def lock(self, execution_ids: Collection[str]) -> dict[str, ExecutionRow]:
        """Lock the rows of executions that are there, and return them.

        Raises:
            psycopg.errors.LockNotAvailable: another session holds one, and this one is not to wait.
        """
        wanted = frozenset(execution_ids)
        is_first = not self.asked
        missing = wanted | self._concerned if is_first else wanted - self._locked.keys()
        self.asked |= missing
        if missing:
            statement = "lock_executions" if is_first or self._waits else "lock_more_executions"
            try:
                found = self._all(statement, {"execution_ids": sorted(map(encode, missing))})
            except psycopg.errors.LockNotAvailable:
                self.is_held_up = not is_first
                raise
            rows = map(read_execution, found)
            self._locked.update((row.execution_id, row) for row in rows)
        return {execution_id: self._locked[execution_id] for execution_id in wanted & self._locked.keys()}

    def own_in_traces(self, trace_ids: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """Return the ids of the executions of ours that have a span in these traces."""
        asked = {"trace_id": list(trace_ids), "term": [term(TRACE, trace_id.hex()) for trace_id in trace_ids]}
        return [(trace_id, decode(key)) for trace_id, key in self._all("own_in_traces", asked)]

    def covered(self, execution_ids: Sequence[str]) -> list[str]:
        """Return the traces that are read into these executions."""
        keys = sorted(map(encode, execution_ids))
        return [decode(key) for (key,) in self._all("covered", {"execution_ids": keys})]

    def states(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans, without document and payload."""
        if len(keys) == 1:
            ((execution_id, started_ns, span_id),) = keys
            asked = {"execution_id": encode(execution_id), "started_ns": started_ns, "span_id": span_id}
            found = self._all("state", asked)
            return {keys[0]: read_span(found[0])} if found else {}
        return self._spans("states", keys)

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans."""
        return self._spans("spans", keys)

    def _spans(self, name: str, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        rows = map(read_span, self._all(name, _of_spans(keys)))
        return {key_of(row): row for row in rows}

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return all rows of these executions, without payload."""
        found: dict[str, list[SpanRow]] = {execution_id: [] for execution_id in execution_ids}
        for values in self._all("spans_of", {"execution_ids": sorted(map(encode, execution_ids))}):
            row = read_span(values)
            found[row.execution_id].append(row)
        return found

    def _all(self, name: str, asked: dict[str, Any]) -> list[Any]:
        return self._connection.execute(_SQL[name], asked, binary=True).fetchall()


def add_durations(connection: psycopg.Connection, parts: Sequence[Durations]) -> None:
    """Add counted durations, and now and then add up the parts of a key."""
    copy_durations(connection, "durations", parts)
    if not parts or not is_time_to_look():
        return
    keys = _columns(DURATION_KEY, [part[:_KEY] for part in parts])
    if many := connection.execute(_SQL["many_durations"], {**keys, "parts": MAX_PARTS}).fetchall():
        taken = connection.execute(_SQL["take_durations"], _columns(DURATION_KEY, many)).fetchall()
        copy_durations(connection, "durations", add_up(map(from_values, taken)))


def put_lease(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Write the state of a lease, unless a later one is there."""
    with transaction(connection, place):
        connection.execute(_SQL["put_lease"], lease._asdict())


def add_lease(connection: psycopg.Connection, place: Place, lease: Lease) -> None:
    """Write a lease, if it is not there."""
    with transaction(connection, place):
        connection.execute(_SQL["add_lease"], lease._asdict())


def is_retryable(error: Exception) -> bool:
    """Whether `error` came from the server's state or the way to it, and not from a row."""
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] not in _FAULTS_OF_A_ROW


def _id_of_execution(values: tuple[Any, ...]) -> bytes:
    key: bytes = values[EXECUTION_TABLE_COLUMNS.index("execution_id")]
    return key


def _of_spans(keys: Sequence[Key]) -> dict[str, Any]:
    stored = [(encode(execution_id), *key) for execution_id, *key in keys]
    columns = _columns(("execution_id", "started_ns", "span_id"), stored)
    return {**columns, "execution_ids": sorted(set(columns["execution_id"]))}


def _of_terms(stored: Sequence[tuple[int, int, bytes]]) -> dict[str, Any]:
    columns = _columns(("term", "started_ns", "execution_id"), stored)
    return {**columns, "execution_ids": sorted(set(columns["execution_id"]))}


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _copy(connection: psycopg.Connection, target: str, rows: Iterable[tuple[object, ...]]) -> None:
    rows = list(rows)
    if not rows:
        return
    with connection.cursor().copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
