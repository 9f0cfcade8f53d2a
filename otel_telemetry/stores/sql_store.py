"""The read side of a store in a database, by SQLAlchemy Core: one set of statements for SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import Connection, Engine, FromClause, Row, Select, bindparam, func, null, or_, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from otel_telemetry.errors import StoreError, StoreUnavailableError
from otel_telemetry.query import Filter, Lease, OrderBy, Position
from otel_telemetry.rows import COLUMNS, Durations, SpanRow
from otel_telemetry.semconv import PROBLEMS
from otel_telemetry.stores.duration_parts import from_values
from otel_telemetry.stores.predicates import Matching, executions_that_match, order, ordered
from otel_telemetry.stores.schema import IS_OPEN, durations, leases, resources, spans
from otel_telemetry.stores.untraced import untraced
from span_processors.data import ResourceData

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_IDS_PER_STATEMENT: Final = 10_000
"""SQLite binds 32,766 values to a statement, PostgreSQL 65,535."""
FEW = 5_000
"""So many rows are looked up one by one before that takes a tenth of a second."""
_ROWS_PER_FETCH: Final = 5_000
_NO_SUCH_TABLE: Final = frozenset({"42P01", "3F000"})
_LOST: Final = ResourceData(0, {PROBLEMS: ["the stored resource of the span could not be read"]})

_RESOURCE_ID: Final = COLUMNS.index("resource_id")
# In the order of an index: where parts come and go, PostgreSQL's table has many more pages than parts.
_DURATIONS: Final = select(*(durations.c[name] for name in Durations._fields)).order_by(
    durations.c.kind, durations.c.name
)

_call: Final = spans.alias("call")


def _select(table: FromClause, *, leave_out: Collection[str] = ()) -> Select[Any]:
    return select(*(null().label(name) if name in leave_out else table.c[name] for name in COLUMNS))


# Made once: that takes longer than SQLite takes to answer.
_EXECUTIONS: Final = _select(spans)
_WITHOUT_PAYLOAD: Final = _select(spans, leave_out=("payload",))
_OF_EXECUTION: Final = _EXECUTIONS.where(spans.c.execution_id == bindparam("id"))
_OF_EXECUTIONS: Final = _EXECUTIONS.where(spans.c.execution_id.in_(bindparam("ids", expanding=True)))
_CALLS: Final = (
    _select(_call, leave_out=("document", "payload"))
    .where(_call.c.step_id.is_not(None) | _call.c.tool_name.is_not(None))
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
        payloads: bool = True,
    ) -> list[SpanRow]:
        """Return the execution rows that match; see `SpanStore.executions`."""
        with untraced(), self._connection() as connection:
            matching = _matches(connection, where, live_leases, order_by)
            leading = spans if matching.leading is None else matching.leading
            statement = (
                (_EXECUTIONS if payloads else _WITHOUT_PAYLOAD)
                .where(matching.condition, *ordered(order_by, after, leading))
                .order_by(*order(order_by, leading))
                .limit(limit)
            )
            return self._rows(connection, statement)

    def spans(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Return every row of these executions; see `SpanStore.spans`."""
        rows: list[SpanRow] = []
        with untraced(), self._connection() as connection:
            if len(execution_ids) == 1:
                rows = self._rows(connection, _OF_EXECUTION, {"id": execution_ids[0]})
            else:
                for start in range(0, len(execution_ids), _IDS_PER_STATEMENT):
                    ids = execution_ids[start : start + _IDS_PER_STATEMENT]
                    rows += self._rows(connection, _OF_EXECUTIONS, {"ids": ids})
        rows.sort(key=lambda row: (row.started_ns, row.sequence or 0, row.execution_id, row.span_id))
        return rows

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        """Return how many execution rows match."""
        with untraced(), self._connection() as connection:
            condition = _matches(connection, where, live_leases).condition
            return connection.execute(select(func.count()).select_from(spans).where(condition)).scalar_one()

    def calls(self, where: Filter, *, live_leases: frozenset[int]) -> Iterator[SpanRow]:
        """Stream the rows that name a step or a tool, of the executions that match; see `SpanStore.calls`."""
        with ExitStack() as stack:
            connection = stack.enter_context(self._connection())
            statement = _CALLS
            with untraced():  # not while the caller has its turn
                if where != Filter():
                    ids = select(spans.c.execution_id).where(_matches(connection, where, live_leases).condition)
                    statement = statement.where(_call.c.execution_id.in_(ids))
                # The cursor is the server's, and has to be closed where the reader stops in the middle.
                result = stack.enter_context(connection.execute(statement))
            for row in result:
                yield SpanRow._make((*row, ResourceData(row.resource_id, {}), ()))

    def durations(self) -> list[Durations]:
        """Return how often each tool and step ran for how long; see `SpanStore.durations`."""
        with untraced(), self._connection() as connection:
            return [from_values(row) for row in connection.execute(_DURATIONS)]

    def leases(self) -> list[Lease]:
        """Return the processes that have not closed their lease, and the closed ones that rows still name."""
        named = select(spans.c.lease_id).where(IS_OPEN, spans.c.lease_id.is_not(None))
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


def _matches(
    connection: Connection, where: Filter, live_leases: frozenset[int], order_by: OrderBy | None = None
) -> Matching:
    def few(rows: Select[Any]) -> bool:
        some = rows.limit(FEW + 1).subquery()
        return connection.execute(select(func.count()).select_from(some)).scalar_one() <= FEW

    return executions_that_match(where, live_leases, few, order_by)


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
