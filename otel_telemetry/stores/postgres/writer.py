"""Writing rows through a raw psycopg connection.

The rows of the executions are locked first, in the order of their keys; whatever else is written belongs to them. Those
that turn out to be concerned as well are locked without waiting. Where another session has inserted one of the new
executions meanwhile, or holds one of those that are concerned as well, all is done once more.

Many rows are copied. Few are inserted, in a pipeline: the statements of a transaction then go to the server together,
as far as none of them depends on the answer to another.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.rows import ExecutionRow, SpanRow, add_up, term
from otel_telemetry.rows.derived import TRACE
from otel_telemetry.rows.durations import DURATION_KEY
from otel_telemetry.rows.execution_key import decode, encode
from otel_telemetry.stores.ddl import named
from otel_telemetry.stores.duration_parts import MAX_PARTS, from_values, is_time_to_look
from otel_telemetry.stores.held import key_of
from otel_telemetry.stores.merging import merge
from otel_telemetry.stores.postgres.driver import psycopg
from otel_telemetry.stores.statements import (
    DURATION_COLUMNS,
    EXECUTION_TABLE_COLUMNS,
    SPAN_COLUMNS,
    TERM_COLUMNS,
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
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.leases import Lease
    from otel_telemetry.rows import Durations
    from otel_telemetry.stores.changes import Changes, Written
    from otel_telemetry.stores.held import Key
    from otel_telemetry.stores.postgres.url import Place

_SQL: Final = named("postgresql")
_ATTEMPTS: Final = 100
"""How often a batch is begun anew, because other sessions were first."""
_FEW: Final = 8
"""So many rows go faster in a pipeline of inserts than copied."""
_HAS_PIPELINES: Final = psycopg.Pipeline.is_supported()
"""Not so with a libpq before 14."""
_INSERTS: Final = {
    "executions": ("add_execution", EXECUTION_TABLE_COLUMNS),
    "spans": ("add_span", SPAN_COLUMNS),
    "terms": ("add_term", TERM_COLUMNS),
    "durations": ("add_durations", DURATION_COLUMNS),
}
_KEY: Final = len(DURATION_KEY)

# Classes of SQLSTATE that a value in a row can cause: data exception, constraint violation, limit exceeded.
_FAULTS_OF_A_ROW: Final = frozenset({"22", "23", "54"})


@contextmanager
def transaction(connection: psycopg.Connection, place: Place, *, pipelined: bool = False) -> Iterator[None]:
    """Commit what is done inside, or roll it all back. Tables are those of the store.

    Args:
        connection: in autocommit mode.
        place: the store that it leads to.
        pipelined: whether statements wait for each other only where their results are fetched.
    """
    try:
        with _pipeline(connection) if pipelined else nullcontext():
            for statement in place.begin if pipelined else (psycopg.sql.SQL("; ").join(place.begin),):
                connection.execute(statement)
            yield
            connection.execute("COMMIT")
    except BaseException:
        # Where the connection is lost, so is the transaction, and the first error says more.
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _pipeline(connection: psycopg.Connection) -> Iterator[None]:
    with connection.pipeline() as pipeline:
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):  # what follows from the error: the driver would log it
                pipeline.sync()
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

    A trace and its caller that two sessions write at the same moment do not see each other. So each looks again when
    it has committed: the later one finds the other, and a further transaction brings them together.

    Args:
        connection: open, in autocommit mode.
        place: the store that it leads to.
        rows: what to write.
        known_resources: keys of resources that are there.
        lease: the state of the lease of this process, if it has changed.
    """

    def write(rows: Sequence[SpanRow], traces: Sequence[str], *, pipelined: bool) -> tuple[Changes, Tables]:
        def attempt(tables: Tables) -> Changes:
            with transaction(connection, place, pipelined=pipelined):
                add_resources(connection, rows, known_resources)
                changes = merge(rows, tables, traces)
                apply(connection, changes)
                if lease is not None:
                    connection.execute(_SQL["put_lease"], lease._asdict())
            return changes

        return _tried(connection, attempt, list(map(key_of, rows)) if pipelined else [])

    changes, tables = write(rows, [], pipelined=len(rows) <= _FEW and _HAS_PIPELINES)
    if missed := _missed(connection, place, changes, tables):
        write([], missed, pipelined=False)
    return changes.written


def _tried(
    connection: psycopg.Connection, write: Callable[[Tables], Changes], ahead: Sequence[Key] = ()
) -> tuple[Changes, Tables]:
    """Run a transaction, once more for each time that another session was first."""
    concerned: frozenset[str] = frozenset()
    for attempt in range(1, _ATTEMPTS + 1):
        tables = Tables(connection, concerned, waits=False, ahead=ahead)
        try:
            return write(tables), tables
        except (psycopg.errors.UniqueViolation, psycopg.errors.LockNotAvailable) as error:
            was_second = tables.is_held_up or isinstance(error, psycopg.errors.UniqueViolation)
            if attempt == _ATTEMPTS or not was_second:
                raise
            concerned = tables.asked
    raise AssertionError  # it has returned or raised


def _missed(connection: psycopg.Connection, place: Place, changes: Changes, tables: Tables) -> list[str]:
    """Return the traces with a caller that was not there before this transaction, or not seen, and is now."""
    if not changes.entered and not changes.calling:
        return []
    with transaction(connection, place, pipelined=_HAS_PIPELINES):
        # what was locked has been seen
        calling = [trace for trace in changes.calling if not tables.has_locked(trace)]
        missed = tables.entered(calling) if calling else []
        if changes.entered:
            pairs = tables.own_in_traces([bytes.fromhex(trace) for trace in changes.entered])
            missed += [trace_id.hex() for trace_id, mate in pairs if not tables.has_locked(mate)]
    return missed


def add_resources(connection: psycopg.Connection, rows: Iterable[SpanRow], known_resources: AbstractSet[int]) -> None:
    """Write the resources of rows that are not there yet, in the order of their ids."""
    resources = {row.resource_id: row.resource for row in rows if row.resource_id not in known_resources}
    for key, resource in sorted(resources.items()):
        values = {"resource_id": key, "schema_url": resource.schema_url, "attributes": canonical(resource.attributes)}
        connection.execute(_SQL["add_resource"], values)


def apply(connection: psycopg.Connection, changes: Changes) -> None:
    """Write what has changed. To be called inside a transaction."""
    _add(connection, "executions", sorted(map(stored_execution, changes.inserted), key=_id_of_execution))
    updates: dict[str, list[dict[str, Any]]] = {}
    for old, new in changes.updated:
        name = update_of(old, new)
        values = dict(zip((*UPDATES[name], "execution_id"), set_by(name, new), strict=True))
        updates.setdefault(name, []).append(values)
    for name, given in updates.items():
        _execute_for_each(connection, name, given)
    _remove_spans(connection, changes.replaced_spans)
    _add(connection, "spans", list(map(stored_span, changes.spans)))
    if changes.dropped_terms:
        connection.execute(_SQL["remove_terms"], _of_terms(sorted(changes.dropped_terms)))
    _add(connection, "terms", sorted(changes.new_terms))
    if len(changes.more_terms) == 1:
        connection.execute(_SQL["add_term"], dict(zip(TERM_COLUMNS, changes.more_terms[0], strict=True)))
    elif changes.more_terms:
        connection.execute(_SQL["add_terms"], _of_terms(sorted(changes.more_terms)))
    add_durations(connection, changes.tally.parts())


def replace_spans(connection: psycopg.Connection, rows: Sequence[SpanRow]) -> None:
    """Write rows of spans in the place of those with the same keys."""
    _remove_spans(connection, rows)
    _add(connection, "spans", list(map(stored_span, rows)))


def add_kept_durations(connection: psycopg.Connection, parts: Iterable[Durations]) -> None:
    """Add to what is counted of executions that retention removed."""
    _copy(connection, "durations_kept", DURATION_COLUMNS, map(stored_durations, parts))


def _remove_spans(connection: psycopg.Connection, rows: Sequence[SpanRow]) -> None:
    if rows:
        connection.execute(_SQL["remove_spans"], _of_spans(list(map(key_of, rows))))


class Tables:
    """What the tables hold, as a transaction sees it: see `held.Held`.

    Args:
        connection: in a transaction.
        concerned: executions to lock with the first that are asked for, because they will be asked for later.
        waits: whether to wait for those that are asked for later all the same. Out of the order of keys, two sessions
            could wait for each other.
        ahead: spans whose states will be asked for: in a pipeline, that is done together with the first question.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        concerned: frozenset[str] = frozenset(),
        *,
        waits: bool = True,
        ahead: Sequence[Key] = (),
    ) -> None:
        self._connection = connection
        self._waits = waits
        self._locked: dict[str, ExecutionRow] = {}
        self._concerned = concerned
        self._ahead = ahead
        self._states: psycopg.Cursor[Any] | None = None
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
                cursor = self._ask(statement, {"execution_ids": sorted(map(encode, missing))})
                if is_first and self._ahead:
                    self._states = self._ask_for_states(self._ahead)
                found = cursor.fetchall()
            except psycopg.errors.LockNotAvailable:
                self.is_held_up = not is_first
                raise
            rows = map(read_execution, found)
            self._locked.update((row.execution_id, row) for row in rows)
        return {execution_id: self._locked[execution_id] for execution_id in wanted & self._locked.keys()}

    def has_locked(self, execution_id: str) -> bool:
        """Whether the row of this execution was there and locked."""
        return execution_id in self._locked

    def entered(self, execution_ids: Sequence[str]) -> list[str]:
        """Return those of these that are traces of which a caller may be there, and none is known."""
        keys = sorted(map(encode, execution_ids))
        return [decode(key) for (key,) in self._all("entered", {"execution_ids": keys})]

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
        asked = self._states if self._states is not None and set(keys) <= set(self._ahead) else None
        cursor = asked or self._ask_for_states(keys)
        self._states = None
        rows = map(read_span, cursor.fetchall())
        return {key_of(row): row for row in rows}

    def _ask_for_states(self, keys: Sequence[Key]) -> psycopg.Cursor[Any]:
        if len(keys) == 1:
            ((execution_id, started_ns, span_id),) = keys
            asked = {"execution_id": encode(execution_id), "started_ns": started_ns, "span_id": span_id}
            return self._ask("state", asked)
        return self._ask("states", _of_spans(keys))

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans."""
        rows = map(read_span, self._all("spans", _of_spans(keys)))
        return {key_of(row): row for row in rows}

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return all rows of these executions, without payload."""
        found: dict[str, list[SpanRow]] = {execution_id: [] for execution_id in execution_ids}
        for values in self._all("spans_of", {"execution_ids": sorted(map(encode, execution_ids))}):
            row = read_span(values)
            found[row.execution_id].append(row)
        return found

    def _all(self, name: str, asked: dict[str, Any]) -> list[Any]:
        return self._ask(name, asked).fetchall()

    def _ask(self, name: str, asked: dict[str, Any]) -> psycopg.Cursor[Any]:
        return self._connection.execute(_SQL[name], asked, binary=True)


def add_durations(connection: psycopg.Connection, parts: Sequence[Durations]) -> None:
    """Add counted durations, and now and then add up the parts of a key."""
    _add(connection, "durations", list(map(stored_durations, parts)))
    if not parts or not is_time_to_look():
        return
    keys = _columns(DURATION_KEY, [part[:_KEY] for part in parts])
    if many := connection.execute(_SQL["many_durations"], {**keys, "parts": MAX_PARTS}).fetchall():
        taken = connection.execute(_SQL["take_durations"], _columns(DURATION_KEY, many)).fetchall()
        _add(connection, "durations", list(map(stored_durations, add_up(map(from_values, taken)))))


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
    columns = _columns(TERM_COLUMNS, stored)
    return {**columns, "execution_ids": sorted(set(columns["execution_id"]))}


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _add(connection: psycopg.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert new rows into a table: few, which may be in a pipeline, or many."""
    statement, columns = _INSERTS[table]
    if _is_pipelined(connection):
        _execute_for_each(connection, statement, [dict(zip(columns, row, strict=True)) for row in rows])
    else:
        _copy(connection, table, columns, rows)


def _is_pipelined(connection: psycopg.Connection) -> bool:
    return connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF


def _execute_for_each(connection: psycopg.Connection, name: str, given: Sequence[dict[str, Any]]) -> None:
    if len(given) == 1:
        connection.execute(_SQL[name], given[0])
    elif given:
        with connection.cursor() as cursor:
            cursor.executemany(_SQL[name], given)


def _copy(
    connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    rows = list(rows)
    if not rows:
        return
    with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
