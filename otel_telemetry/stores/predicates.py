"""Filters as SQL: the same predicates for SQLite and PostgreSQL.

The database never parses a document: text is found by position (`instr`, `strpos`), metadata through its index table.
All comparisons are between integers or between texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from otel_telemetry.query import JSON_COLUMNS, TEXT_COLUMNS, Filter, OrderBy, Position
from otel_telemetry.rows import index_value, search_text
from otel_telemetry.stores.schema import IS_EXECUTION, IS_OPEN, execution_metadata, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

DURATION: Final[ColumnElement[int]] = spans.c.ended_ns - spans.c.started_ns

_SURROGATES: Final = range(0xD800, 0xE000)
"""Code points that stand in no text that is stored."""
_some: Final = spans.alias("some")
"""Another row of the same execution."""


class _Position(FunctionElement[int]):
    """Where in its first argument the second is, from 1; 0 where it is not. Case-sensitive, without wildcards."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _instr(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _strpos(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


class Matching(NamedTuple):
    """How the executions that a filter means are found."""

    condition: ColumnElement[bool]
    """What holds of their rows."""
    leading: FromClause | None = None
    """The entries of the metadata index that lead to them in the order of their start, joined by `condition`."""


def executions_that_match(
    where: Filter, live_leases: frozenset[int], few: Callable[[Select[Any]], bool], order_by: OrderBy | None = None
) -> Matching:
    """Return the condition on `spans` that an execution's row fulfils when `Filter.matches` says yes.

    What is asked of an execution's other rows can be found from either end: from what was asked, or from the execution.
    The first is right where few rows fulfil it, the second where many do, and SQLite cannot tell without statistics.

    Args:
        where: what is asked.
        live_leases: the leases of the processes that are alive.
        few: says whether a statement has few rows.
        order_by: the order in which the first of them are wanted; None where all are.
    """
    metadata, leading = _on_metadata(where, few, order_by)
    condition = and_(
        IS_EXECUTION,
        *_on_row(where, live_leases),
        *metadata,
        *_on_spans(where, few),
        *_on_text(where),
    )
    return Matching(condition, leading)


def order(order_by: OrderBy, leading: FromClause = spans) -> list[ColumnElement[Any]]:
    """Return what to order by, in the columns of the table that leads."""
    down = order_by.startswith("-")
    return [column.desc() if down else column.asc() for column in _position_columns(order_by, leading)]


def ordered(order_by: OrderBy, after: Position | None, leading: FromClause = spans) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of having a place in the order, and of coming after `after` there."""
    if order_by.endswith("duration"):
        yield spans.c.ended_ns.is_not(None)
    if after is not None:
        columns = _position_columns(order_by, leading)
        here = tuple_(*columns)
        there = tuple_(*after[-len(columns) :], types=[column.type for column in columns])
        yield here < there if order_by.startswith("-") else here > there


def _position_columns(order_by: OrderBy, leading: FromClause) -> list[ColumnElement[Any]]:
    """Return the columns of a `Position`; where the value is the start, it is there once."""
    key = [leading.c.started_ns, leading.c.execution_id, leading.c.span_id]
    return [DURATION, *key] if order_by.endswith("duration") else [*key]


def _on_row(where: Filter, live_leases: frozenset[int]) -> Iterator[ColumnElement[bool]]:
    for column, values in where.row_conditions().items():
        yield _is_one_of(spans.c[column], values)
    if where.execution_id_prefix is not None:
        yield spans.c.execution_id >= where.execution_id_prefix
        if (end := _end_of_prefix(where.execution_id_prefix)) is not None:
            yield spans.c.execution_id < end
    if where.started_after_ns is not None:
        yield spans.c.started_ns >= where.started_after_ns
    if where.started_before_ns is not None:
        yield spans.c.started_ns < where.started_before_ns
    if where.min_duration_ns is not None:
        yield spans.c.ended_ns.is_not(None) & (where.min_duration_ns <= DURATION)
    if where.max_duration_ns is not None:
        yield spans.c.ended_ns.is_not(None) & (where.max_duration_ns >= DURATION)
    if where.interrupted is not None:
        interrupted = and_(IS_OPEN, spans.c.lease_id.is_not(None), spans.c.lease_id.not_in(sorted(live_leases)))
        yield interrupted if where.interrupted else ~interrupted


def _is_one_of(column: ColumnElement[Any], values: Sequence[str | int]) -> ColumnElement[bool]:
    """Return whether a column has one of these values: of one alone, in the words that SQLAlchemy finds first."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def _end_of_prefix(prefix: str) -> str | None:
    """Return the first text, by code point, after all that begin with `prefix`: an index finds what lies between."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


def _on_metadata(
    where: Filter, few: Callable[[Select[Any]], bool], order_by: OrderBy | None
) -> tuple[list[ColumnElement[bool]], FromClause | None]:
    # Where nothing else is asked, the first entries lead to the first executions: there is no need to count the rest.
    is_all = len(where.metadata) == 1 and where == Filter(metadata=where.metadata)
    are_first = is_all and order_by in ("-started_at", "started_at")
    conditions: list[ColumnElement[bool]] = []
    leading: FromClause | None = None
    for number, (key, value) in enumerate(where.metadata.items()):
        entry = execution_metadata.alias(f"entry_{number}")
        asked = (entry.c.key == key) & (entry.c.value == index_value(value))
        if leading is None and (are_first or few(select(entry.c.key).where(asked))):
            # In order already, because PostgreSQL expects less of the join than comes, and would sort all of it.
            rows = select(entry).where(asked).order_by(*order("-started_at", entry))
            leading = rows.subquery()
            conditions += _same_row(leading)
        else:
            conditions.append(exists().where(*_same_row(entry), asked))
    return conditions, leading


def _same_row(entry: FromClause) -> list[ColumnElement[bool]]:
    return [spans.c[column] == entry.c[column] for column in ("execution_id", "started_ns", "span_id")]


def _on_spans(where: Filter, few: Callable[[Select[Any]], bool]) -> Iterator[ColumnElement[bool]]:
    for kinds, columns in where.span_conditions():
        # Literals: both planners use a partial index only where the query repeats its condition.
        of_kind = or_(*(_some.c.kind == literal_column(str(int(kind))) for kind in kinds))
        asked = and_(of_kind, *(_is_one_of(_some.c[column], values) for column, values in columns.items()))
        rows = select(_some.c.execution_id).where(asked)
        yield spans.c.execution_id.in_(rows) if few(rows) else _some_row(asked)


def _on_text(where: Filter) -> Iterator[ColumnElement[bool]]:
    if where.text is not None:
        escaped = search_text(where.text)
        found = [_Position(_some.c[column], where.text) > 0 for column in TEXT_COLUMNS]
        found += [_Position(_some.c[column], escaped) > 0 for column in JSON_COLUMNS]
        yield _some_row(or_(*found))


def _some_row(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether some row of the execution fulfils `condition`, looked for among the rows of its id.

    As an aggregate, not as EXISTS: there the planners may begin with an index on what is asked, and compare every
    execution with all that fulfil it.
    """
    fulfilled = select(func.max(case((condition, 1), else_=0))).where(_some.c.execution_id == spans.c.execution_id)
    return fulfilled.correlate(spans).scalar_subquery() == 1
