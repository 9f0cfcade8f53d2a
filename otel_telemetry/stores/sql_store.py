"""The read side of a store in a database, by SQLAlchemy Core: one set of statements for SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Engine,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from otel_telemetry.errors import StoreError, StoreUnavailableError
from otel_telemetry.query import Filter, FinishedRun, Lease, OrderBy, Position
from otel_telemetry.rows import (
    CALL_KINDS,
    COLUMNS,
    EXECUTION_COLUMNS,
    Durations,
    ExecutionRow,
    RowKind,
    RowStatus,
    SpanRow,
    counts_of,
    doubles,
)
from otel_telemetry.rows.durations import KINDS_OF_STEPS, STEP, TOOL_CALL
from otel_telemetry.rows.execution import HAS_BOTH_CALLS, REMOTE, TOP
from otel_telemetry.semconv import PROBLEMS
from otel_telemetry.stores.duration_parts import from_sums, from_values
from otel_telemetry.stores.predicates import Page, counting, listing, matching
from otel_telemetry.stores.schema import (
    IS_LISTED,
    IS_OPEN,
    durations,
    durations_kept,
    executions,
    leases,
    meta,
    resources,
    spans,
)
from otel_telemetry.stores.untraced import untraced
from span_processors.data import ResourceData

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_IDS_PER_STATEMENT: Final = 10_000
"""SQLite binds 32,766 values to a statement, PostgreSQL 65,535."""
FEW = 5_000
"""So many entries are looked up one by one before that takes a tenth of a second."""
_ROWS_PER_FETCH: Final = 5_000
_EXECUTIONS_AT_ONCE: Final = 1_000
_HOURS_AT_ONCE: Final[Any] = literal_column("1000")
"""So many hours are added up to one text, which is some megabytes."""
_NO_SUCH_TABLE: Final = frozenset({"42P01", "3F000"})
_LOST: Final = ResourceData(0, {PROBLEMS: ["the stored resource of the span could not be read"]})

_RESOURCE_ID: Final = COLUMNS.index("resource_id")
_HEAVY: Final = ("document", "payload")


def _select(table: FromClause, *, leave_out: Collection[str] = ()) -> Select[Any]:
    return select(*(null().label(name) if name in leave_out else table.c[name] for name in COLUMNS))


# Made once: that takes longer than SQLite takes to answer.
_SPANS: Final = _select(spans)
_HEADS: Final = _select(spans, leave_out=("payload",))
_HEAD_KEY: Final = tuple_(spans.c.execution_id, spans.c.started_ns, spans.c.span_id)
_FIRST_HEADS: Final = _HEADS.join_from(
    executions,
    spans,
    and_(
        spans.c.execution_id == executions.c.execution_id,
        spans.c.started_ns == executions.c.started_ns,
        spans.c.span_id == executions.c.who_span_id,
    ),
).where(executions.c.execution_id.in_(bindparam("ids", expanding=True)))
_LIGHT: Final = _select(spans, leave_out=_HEAVY)
_OF_EXECUTION: Final = _SPANS.where(spans.c.execution_id == bindparam("id"))
_OF_EXECUTIONS: Final = _SPANS.where(spans.c.execution_id.in_(bindparam("ids", expanding=True)))
_READ_INTO: Final = select(executions.c.execution_id, executions.c.covered_by).where(
    executions.c.covered_by.in_(bindparam("ids", expanding=True))
)
_EXECUTIONS: Final = select(*(executions.c[name] for name in EXECUTION_COLUMNS))


def _number(kind: int) -> Any:
    return literal_column(str(int(kind)))


_IS_CALL: Final = spans.c.kind.in_([_number(kind) for kind in sorted(CALL_KINDS)])
_IS_ROOT: Final = and_(
    spans.c.span_id == executions.c.who_span_id,
    spans.c.started_ns == executions.c.started_ns,
    executions.c.who_rank.in_([literal_column(str(TOP)), literal_column(str(REMOTE))]),
)
_IS_STEP: Final = or_(
    spans.c.kind.in_([_number(kind) for kind in (RowKind.STEP, RowKind.INNER_STEP, RowKind.OTHER_STEP)]),
    and_(spans.c.kind == _number(RowKind.ENTRY), ~_IS_ROOT),
)
_covered: Final = executions.alias("covered")
# Where a span's part depends on others, Python judges it; everywhere else its kind says it.
_IS_SIMPLE: Final = and_(
    executions.c.flags.op("&")(literal_column(str(HAS_BOTH_CALLS))) != literal_column(str(HAS_BOTH_CALLS)),
    ~exists().where(_covered.c.covered_by == executions.c.execution_id),
)
_NAME_OF_RUN: Final = case((_IS_CALL, spans.c.tool_name), else_=spans.c.step_id)
_RUNS: Final = (
    select(
        case(
            (_IS_CALL, literal_column(str(TOOL_CALL))),
            *(
                (spans.c.step_kind == literal_column(f"'{name}'"), literal_column(str(number)))
                for name, number in KINDS_OF_STEPS.items()
                if name is not None
            ),
            else_=literal_column(str(STEP)),
        ),
        _NAME_OF_RUN,
        spans.c.status == literal_column(str(int(RowStatus.FAILED))),
        spans.c.ended_ns - spans.c.started_ns,
        spans.c.execution_id,
    )
    .select_from(executions.join(spans, spans.c.execution_id == executions.c.execution_id))
    .where(
        _IS_SIMPLE,
        spans.c.ended_ns.is_not(None),
        _NAME_OF_RUN.is_not(None),
        or_(_IS_CALL, and_(_IS_STEP, spans.c.status != literal_column(str(int(RowStatus.SKIPPED))))),
    )
    .execution_options(yield_per=_ROWS_PER_FETCH)
)


class SQLSpanStore:
    """A `SpanStore` over the tables of `schema`. It only ever reads.

    Args:
        engine: leads to the database; connections are taken from it for one call each, and cannot write.
        owns_engine: whether `close` disposes of it.
    """

    def __init__(self, engine: Engine, *, owns_engine: bool = True) -> None:
        self._engine = engine
        self._owns_engine = owns_engine
        self._resources: dict[int, ResourceData] = {}

    def executions(
        self,
        where: Filter,
        *,
        live_leases: frozenset[int],
        order_by: OrderBy = "-started_at",
        after: Position | None = None,
        limit: int = 50,
    ) -> list[ExecutionRow]:
        """Return the executions that match; see `SpanStore.executions`."""
        with untraced(), self._connection() as connection:
            statement = listing(Page(where, live_leases, order_by, after, limit), _few(connection))
            return list(map(ExecutionRow._make, connection.execute(statement)))

    def heads(self, executions: Sequence[ExecutionRow]) -> dict[str, list[SpanRow]]:
        """Return the spans that say who each execution is and how it stands; see `SpanStore.heads`."""
        ids = [row.execution_id for row in executions]
        # most executions have one span that says all of it
        others = sorted({key for row in executions for key in _other_heads(row)})
        found: dict[str, list[SpanRow]] = {}
        with untraced(), self._connection() as connection:
            for start in range(0, len(ids), _IDS_PER_STATEMENT):
                for row in self._rows(connection, _FIRST_HEADS, {"ids": ids[start : start + _IDS_PER_STATEMENT]}):
                    found.setdefault(row.execution_id, []).append(row)
            for start in range(0, len(others), _IDS_PER_STATEMENT // 4):
                some = others[start : start + _IDS_PER_STATEMENT // 4]
                chosen = spans.c.execution_id.in_(sorted({execution_id for execution_id, *_ in some}))
                for row in self._rows(connection, _HEADS.where(chosen, _HEAD_KEY.in_(some))):
                    found.setdefault(row.execution_id, []).append(row)
        return found

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return every row of these executions; see `SpanStore.spans`."""
        found: dict[str, list[SpanRow]] = {}
        with untraced(), self._connection() as connection:
            for start in range(0, len(execution_ids), _IDS_PER_STATEMENT):
                ids = list(dict.fromkeys(execution_ids[start : start + _IDS_PER_STATEMENT]))
                homes: dict[str, str | None] = dict.fromkeys(ids)
                homes.update(_homes(connection, ids))
                if len(homes) == 1:
                    rows = self._rows(connection, _OF_EXECUTION, {"id": ids[0]})
                else:
                    rows = self._rows(connection, _OF_EXECUTIONS, {"ids": list(homes)})
                for row in rows:
                    found.setdefault(homes[row.execution_id] or row.execution_id, []).append(row)
            # what is read into another execution is none by itself
            hidden = self._not_listed(connection, list(found))
        for execution_id in hidden:
            del found[execution_id]
        for of_one in found.values():
            of_one.sort(key=lambda row: (row.started_ns, row.sequence or 0, row.span_id))
        return found

    def _not_listed(self, connection: Connection, ids: list[str]) -> list[str]:
        traces = [execution_id for execution_id in ids if len(execution_id) == _TRACE_ID_LENGTH]
        if not traces:
            return []
        statement = select(executions.c.execution_id).where(
            executions.c.execution_id.in_(traces), executions.c.covered_by.is_not(None)
        )
        return list(connection.execute(statement).scalars())

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        """Return how many executions match."""
        with untraced(), self._connection() as connection:
            return int(connection.execute(counting(where, live_leases, _few(connection))).scalar_one())

    def runs(self, where: Filter, *, live_leases: frozenset[int]) -> Iterator[FinishedRun]:
        """Stream the runs of tools and steps of the executions that match; see `SpanStore.runs`."""
        condition = matching(where, live_leases)
        with ExitStack() as stack:
            connection = stack.enter_context(self._connection())
            with untraced():  # not while the caller has its turn
                # The cursor is the server's, and has to be closed where the reader stops in the middle.
                result = stack.enter_context(connection.execute(_RUNS.where(condition)))
            for kind, name, failed, lasted_ns, execution_id in result:
                yield FinishedRun(kind, name, bool(failed), lasted_ns, execution_id)
        with untraced(), self._connection() as connection:
            others = list(map(ExecutionRow._make, connection.execute(_EXECUTIONS.where(condition, ~_IS_SIMPLE))))
        for start in range(0, len(others), _EXECUTIONS_AT_ONCE):
            yield from self._runs_of(others[start : start + _EXECUTIONS_AT_ONCE])

    def _runs_of(self, rows: Sequence[ExecutionRow]) -> Iterator[FinishedRun]:
        ids = [row.execution_id for row in rows]
        own: dict[str, list[SpanRow]] = {execution_id: [] for execution_id in ids}
        adopted: dict[str, list[SpanRow]] = {execution_id: [] for execution_id in ids}
        with untraced(), self._connection() as connection:
            homes = _homes(connection, ids)
            for row in self._rows(connection, _LIGHT.where(spans.c.execution_id.in_([*ids, *homes]))):
                (adopted[homes[row.execution_id]] if row.execution_id in homes else own[row.execution_id]).append(row)
        for execution in rows:
            mine, others = own[execution.execution_id], adopted[execution.execution_id]
            for run in counts_of(execution, mine, doubles([*mine, *others]), others).runs:
                yield FinishedRun(*run, execution.execution_id)

    def durations(
        self,
        *,
        kind: int | None = None,
        hours: tuple[int | None, int | None] = (None, None),
        workflow_name: Sequence[str] = (),
        workflow_version: Sequence[str] = (),
        by_name: bool = False,
    ) -> list[Durations]:
        """Return how often each tool and step ran for how long; see `SpanStore.durations`."""
        parts = []
        for table in (durations, durations_kept):
            statement = select(*(table.c[name] for name in Durations._fields))
            if kind is not None:
                statement = statement.where(table.c.kind == kind)
            if hours[0] is not None:
                statement = statement.where(table.c.hour >= hours[0])
            if hours[1] is not None:
                statement = statement.where(table.c.hour < hours[1])
            if workflow_name:
                statement = statement.where(table.c.workflow_name.in_(workflow_name))
            if workflow_version:
                statement = statement.where(table.c.workflow_version.in_(workflow_version))
            parts.append(statement)
        found = union_all(*parts)
        with untraced(), self._connection() as connection:
            if by_name:
                return [from_sums(row) for row in connection.execute(_by_name(found))]
            return [from_values(row) for row in connection.execute(found)]

    def leases(self) -> list[Lease]:
        """Return the processes that have not closed their lease, and the closed ones that open executions name."""
        named = select(executions.c.lease_id).where(IS_LISTED, IS_OPEN, executions.c.lease_id.is_not(None))
        statement = select(*(leases.c[name] for name in Lease._fields)).where(
            or_(leases.c.closed_ns.is_(None), leases.c.lease_id.in_(named))
        )
        with untraced(), self._connection() as connection:
            return [Lease(*row) for row in connection.execute(statement)]

    def processes(self) -> list[Lease]:
        """Return every process that ever recorded here."""
        with untraced(), self._connection() as connection:
            return [Lease(*row) for row in connection.execute(select(*(leases.c[name] for name in Lease._fields)))]

    def version(self) -> str:
        """Return the version of the store's schema."""
        with untraced(), self._connection() as connection:
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())

    def conventions(self) -> int:
        """Return the version of the conventions that the store's spans were judged by."""
        with untraced(), self._connection() as connection:
            return int(connection.execute(select(meta.c.value).where(meta.c.key == "conventions")).scalar() or 0)

    def close(self) -> None:
        """Let go of connections."""
        if self._owns_engine:
            self._engine.dispose()

    def _rows(
        self, connection: Connection, statement: Select[Any], asked: dict[str, Any] | None = None
    ) -> list[SpanRow]:
        rows = connection.execute(statement, asked).all()
        self._learn_resources(connection, {row[_RESOURCE_ID] for row in rows})
        known = self._resources
        return [SpanRow._make((*row, known[row[_RESOURCE_ID]], ())) for row in rows]

    def _learn_resources(self, connection: Connection, resource_ids: set[int]) -> None:
        """Read the resources that are not known yet: they never change, and few processes make many spans."""
        missing = sorted(resource_ids - self._resources.keys())
        for start in range(0, len(missing), _IDS_PER_STATEMENT):
            keys = missing[start : start + _IDS_PER_STATEMENT]
            statement = select(resources).where(resources.c.resource_id.in_(keys))
            found = {row.resource_id: _resource(row) for row in connection.execute(statement)}
            self._resources.update((key, found.get(key, _LOST._replace(key=key))) for key in keys)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                try:
                    yield connection
                except DBAPIError:
                    connection.invalidate()  # a fresh one may do better
                    raise
        except DBAPIError as error:
            # From the driver's own error: SQLAlchemy's shows the statement with what was asked for.
            raise _explained(error, self._engine) from error.orig
        except SQLAlchemyError as error:
            raise StoreError(f"{_place(self._engine)} could not be read: {error}") from error


_TRACE_ID_LENGTH: Final = 32


def _homes(connection: Connection, execution_ids: Sequence[str]) -> dict[str, str]:
    """Return the traces that are read into these executions, each with its execution."""
    found = connection.execute(_READ_INTO, {"ids": list(execution_ids)})
    return {row.execution_id: row.covered_by for row in found}


def _few(connection: Connection) -> Any:
    def few(rows: Select[Any]) -> bool:
        some = rows.limit(FEW + 1).subquery()
        return bool(connection.execute(select(func.count()).select_from(some)).scalar_one() <= FEW)

    return few


def _other_heads(row: ExecutionRow) -> Iterable[tuple[str, int, int]]:
    """Yield the spans that say how an execution stands, and its metadata, where these are others than the first."""
    first = row.started_ns, row.who_span_id
    if (state := (row.state_started_ns, row.state_span_id)) != first:
        yield (row.execution_id, *state)
    if row.metadata_started_ns is not None and row.metadata_span_id is not None:
        metadata = row.metadata_started_ns, row.metadata_span_id
        if metadata not in {first, state}:
            yield (row.execution_id, *metadata)


def _by_name(parts: CompoundSelect[Any]) -> Select[Any]:
    """Return what adds up the parts of each kind and name, those of so many hours at once, and joins their buckets."""
    part, slow = parts.subquery("part"), parts.subquery("slow")
    key = part.c.kind, part.c.name, (part.c.hour // _HOURS_AT_ONCE)
    longest = select(
        slow.c.kind,
        slow.c.name,
        (slow.c.hour // _HOURS_AT_ONCE).label("hours"),
        func.max(slow.c.longest_ns).label("longest_ns"),
    ).group_by(slow.c.kind, slow.c.name, "hours")
    top = longest.subquery("top")
    added = {
        "hour": func.min(part.c.hour),
        "workflow_name": literal_column("''"),
        "workflow_version": literal_column("''"),
        "kind": part.c.kind,
        "name": part.c.name,
        "failed": cast(func.sum(part.c.failed), BigInteger),
        "longest_ns": func.max(part.c.longest_ns),
        "slowest": func.max(case((part.c.longest_ns == top.c.longest_ns, part.c.slowest))),
        "buckets": func.aggregate_strings(part.c.buckets, ","),
    }
    return (
        select(*(added[name].label(name) for name in Durations._fields))
        .join_from(part, top, and_(key[0] == top.c.kind, key[1] == top.c.name, key[2] == top.c.hours))
        .group_by(*key)
    )


def _resource(row: Row[Any]) -> ResourceData:
    try:
        return ResourceData(row.resource_id, orjson.loads(row.attributes), row.schema_url)
    except orjson.JSONDecodeError:
        return _LOST._replace(key=row.resource_id)


def _explained(error: DBAPIError, engine: Engine) -> StoreError:
    """Say what happened in the driver's words, and what to do."""
    place, reason = _place(engine), str(error.orig).partition("\n")[0]
    if getattr(error.orig, "sqlstate", None) in _NO_SUCH_TABLE or "no such table" in reason:
        return StoreUnavailableError(f"{place} is not a store of otel-telemetry ({reason}): record something first")
    if isinstance(error, OperationalError | InterfaceError) or "not a database" in reason:
        return StoreUnavailableError(f"{place} cannot be reached ({reason}): check that it is there and may be read")
    return StoreError(f"{place} could not be read ({reason}): check it with the database's own tools")


def _place(engine: Engine) -> str:
    """Name the database, without user, password or options."""
    url = engine.url
    return " ".join(filter(None, ("the", engine.dialect.name, "store", url.host, url.database)))
