"""Filters as SQL: the same statements for SQLite and PostgreSQL.

An execution is found by its own row or by its terms; the database never parses a document. Text alone is looked for in
the spans, by position (`instr`, `strpos`). All comparisons are between integers, between bytes, or between texts.

A list comes in the order of an index. Where several values of one thing are asked for, each value is a branch with an
order and a limit of its own, so that two values take as long as twice one, and not as long as sorting all that have
either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from otel_telemetry.fields import INDEXED
from otel_telemetry.query import JSON_COLUMNS, TEXT_COLUMNS, Filter, OrderBy, Position
from otel_telemetry.rows import EXECUTION_COLUMNS, execution_key, index_value, metadata_term, search_text, term
from otel_telemetry.rows import derived as kinds
from otel_telemetry.rows.execution import DELETED, HAS_OWN_SCOPE, OWN_RANKS
from otel_telemetry.semconv import SCOPE_NAME
from otel_telemetry.stores.schema import IS_LISTED, IS_OPEN, executions, spans, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

Few: TypeAlias = "Callable[[Select[Any]], bool]"
"""Says whether a statement has few rows."""
Group: TypeAlias = "tuple[int, ...]"
"""Terms of which an execution has one at least."""

_BRANCHES: Final = 20
"""Values of one filter that are looked for one by one."""
_SPLIT: Final = tuple(dict.fromkeys(("workflow_name", "status", *INDEXED)))
"""Filters that some index of executions begins with."""
_c: Final = executions.c
_COLUMNS: Final = [_c[name] for name in EXECUTION_COLUMNS]
_entry: Final = terms.alias("entry")
_some: Final = spans.alias("some")
_covered: Final = executions.alias("covered")
_OWN: Final = _c.who_rank.in_([literal_column(str(rank)) for rank in sorted(OWN_RANKS)])


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


class Page(NamedTuple):
    """Which executions are to be listed."""

    where: Filter
    live_leases: frozenset[int]
    """The leases of the processes that are alive."""
    order_by: OrderBy
    after: Position | None
    """Where the page before ended."""
    limit: int


def listing(page: Page, few: Few) -> Select[Any]:
    """Return the statement that lists the executions that match: `EXECUTION_COLUMNS`, in order.

    Args:
        page: what is asked.
        few: says whether a statement has few rows, which decides what is looked for first.
    """
    where, order_by, limit = page.where, page.order_by, page.limit
    groups = term_groups(where)
    by_start = order_by.endswith("started_at")
    leading = _leading(where, groups, few, by_start=by_start)
    if leading is not None and 1 < len(leading) <= _BRANCHES and by_start:
        branches = [_branch(page, groups, leading, (one,)) for one in leading]
        return _united(branches, order_by, limit, distinct=True)
    split = _split(where) if leading is None else None
    if split is not None:
        branches = [_branch(page._replace(where=one), groups, None, ()) for one in split]
        return _united(branches, order_by, limit, distinct=False)
    return _branch(page, groups, leading, leading or ())


def counting(where: Filter, live_leases: frozenset[int], few: Few) -> Select[Any]:
    """Return the statement that counts the executions that match."""
    groups = term_groups(where)
    if len(groups) == 1 and _without_terms(where) == Filter():  # the terms alone say it
        entries = select(_entry.c.execution_id).where(_entry.c.term.in_(groups[0]), *_window(where, _entry))
        counted = func.count() if len(groups[0]) == 1 else func.count(_entry.c.execution_id.distinct())
        return entries.with_only_columns(counted)
    leading = _leading(where, groups, few, by_start=False)
    statement, conditions = _matching(where, live_leases, groups, leading, leading or ())
    counted = func.count() if leading is None or len(leading) == 1 else func.count(_c.execution_id.distinct())
    return statement.with_only_columns(counted).where(*conditions)


def matching(where: Filter, live_leases: frozenset[int]) -> ColumnElement[bool]:
    """Return the condition on a row of `executions` that it matches."""
    groups = term_groups(where)
    return and_(IS_LISTED, *_on_row(where, live_leases), *map(_has_term, groups), *_on_text(where))


def _without_terms(where: Filter) -> Filter:
    """Return what is asked besides terms and the time of their executions' start."""
    return replace(
        where,
        tool_name=(), step_id=(), error_code=(), error_category=(), kind=(), metadata={},
        started_after_ns=None, started_before_ns=None,
    )  # fmt: skip


def term_groups(where: Filter) -> list[Group]:
    """Return the terms that are asked for: an execution has one of each group."""
    groups: list[Group] = [(metadata_term(key, index_value(value)),) for key, value in where.metadata.items()]
    named = ((kinds.TOOL, where.tool_name), (kinds.STEP, where.step_id), (kinds.STEP_KIND, where.kind))
    groups += [tuple([term(kind, value) for value in values]) for kind, values in named if values]
    if where.error_code and where.error_category:
        pairs = [(code, category) for code in where.error_code for category in where.error_category]
        groups.append(tuple([term(kinds.ERROR, category, code) for code, category in pairs]))
    elif where.error_code:
        groups.append(tuple([term(kinds.ERROR_CODE, value) for value in where.error_code]))
    elif where.error_category:
        groups.append(tuple([term(kinds.ERROR_CATEGORY, value) for value in where.error_category]))
    return groups


def _leading(where: Filter, groups: Sequence[Group], few: Few, *, by_start: bool) -> Group | None:
    """Return the terms that lead to the executions, where that is better than to look through the executions.

    It is where there are few entries, and where nothing else is asked and their order is the one that is wanted.
    """
    others = _without_terms(where)
    for group in groups:
        if by_start and len(groups) == 1 and others == Filter():
            return group
        if few(select(_entry.c.term).where(_entry.c.term.in_(group), *_window(where, _entry))):
            return group
    return None


def _branch(page: Page, groups: Sequence[Group], leading: Group | None, led_by: Group) -> Select[Any]:
    where, live_leases, order_by, after, limit = page
    statement, conditions = _matching(where, live_leases, groups, leading, led_by)
    # in the columns of the table that leads, or its order would not be seen
    place: Any = _entry.c if leading is not None and order_by.endswith("started_at") else _c
    if leading is not None and len(led_by) > 1:
        statement = statement.distinct()
        place = _c
    columns = [place.started_ns, place.execution_id]
    if order_by.endswith("duration"):
        conditions.append(_c.duration_ns.is_not(None))
        columns.insert(0, _c.duration_ns)
    if after is not None:
        here = tuple_(*columns)
        there = tuple_(*after[-len(columns) :], types=[column.type for column in columns])
        conditions.append(here < there if order_by.startswith("-") else here > there)
    return statement.where(*conditions).order_by(*_ordered(columns, order_by)).limit(limit)


def _matching(
    where: Filter, live_leases: frozenset[int], groups: Sequence[Group], leading: Group | None, led_by: Group
) -> tuple[Select[Any], list[ColumnElement[bool]]]:
    conditions = [IS_LISTED, *_on_row(where, live_leases), *_on_text(where)]
    conditions += [_has_term(group) for group in groups if group is not leading]
    if leading is None:
        return select(*_COLUMNS), conditions
    joined = _entry.join(executions, _c.execution_id == _entry.c.execution_id)
    led = _entry.c.term == led_by[0] if len(led_by) == 1 else _entry.c.term.in_(led_by)
    return select(*_COLUMNS).select_from(joined), [led, *_window(where, _entry), *conditions]


def _united(branches: Sequence[Select[Any]], order_by: OrderBy, limit: int, *, distinct: bool) -> Select[Any]:
    parts = [select(branch.subquery()) for branch in branches]
    found = (union(*parts) if distinct else union_all(*parts)).subquery("found")
    columns = [found.c.started_ns, found.c.execution_id]
    if order_by.endswith("duration"):
        columns.insert(0, found.c.duration_ns)
    chosen = [found.c[name] for name in EXECUTION_COLUMNS]
    return select(*chosen).order_by(*_ordered(columns, order_by)).limit(limit)


def _ordered(columns: Sequence[Any], order_by: OrderBy) -> list[Any]:
    return [column.desc() if order_by.startswith("-") else column.asc() for column in columns]


def _split(where: Filter) -> list[Filter] | None:
    """Return the filter once for each value of the first thing of which several are asked for."""
    for name in _SPLIT:
        values = getattr(where, name)
        if 1 < len(values) <= _BRANCHES:
            ones: list[dict[str, Any]] = [{name: (value,)} for value in values]
            return [replace(where, **one) for one in ones]
    return None


def _window(where: Filter, table: Any) -> Iterator[ColumnElement[bool]]:
    if where.started_after_ns is not None:
        yield table.c.started_ns >= where.started_after_ns
    if where.started_before_ns is not None:
        yield table.c.started_ns < where.started_before_ns


def _on_row(where: Filter, live_leases: frozenset[int]) -> Iterator[ColumnElement[bool]]:
    for column, values in where.row_conditions().items():
        yield _is_one_of(_c[column], values)
    if where.execution_id_prefix is not None:
        yield or_(*(_between(begin, end) for begin, end in execution_key.ranges(where.execution_id_prefix)))
    yield from _window(where, executions)
    if where.min_duration_ns is not None:
        yield _c.duration_ns >= where.min_duration_ns
    if where.max_duration_ns is not None:
        yield _c.duration_ns <= where.max_duration_ns
    if where.interrupted is not None:
        interrupted = and_(IS_OPEN, _c.lease_id.is_not(None), _c.lease_id.not_in(sorted(live_leases)))
        yield interrupted if where.interrupted else ~interrupted
    if where.top_level is not None:
        yield _c.parent_execution_id.is_(None) if where.top_level else _c.parent_execution_id.is_not(None)
    if where.foreign is not None:
        yield ~_OWN if where.foreign else _OWN
    if where.trace_id:
        yield _c.execution_id.in_(_in_traces(where.trace_id))
    if where.scope:
        yield _in_scopes(where.scope)


def _between(begin: bytes, end: bytes | None) -> ColumnElement[bool]:
    key = type_coerce(_c.execution_id, LargeBinary)
    from_begin: ColumnElement[bool] = key >= literal(begin, LargeBinary)
    return from_begin if end is None else and_(from_begin, key < literal(end, LargeBinary))


def _is_one_of(column: ColumnElement[Any], values: Sequence[str | int]) -> ColumnElement[bool]:
    """Return whether a column has one of these values: of one alone, in the words that SQLAlchemy finds first."""
    return column == values[0] if len(values) == 1 else column.in_(values)


def _in_traces(trace_ids: Sequence[str]) -> Any:
    other = executions.alias("other")
    own = select(other.c.execution_id).where(
        *_listed(other), other.c.trace_id.in_([bytes.fromhex(text) for text in trace_ids])
    )
    elsewhere = [term(kinds.TRACE, text) for text in trace_ids]
    return union(own, select(_entry.c.execution_id).where(_entry.c.term.in_(elsewhere)))


def _listed(table: Any) -> tuple[ColumnElement[bool], ...]:
    """Return `IS_LISTED` of another name of the table, in the words of the indexes."""
    return table.c.who_rank < literal_column(str(DELETED)), table.c.covered_by.is_(None)


def _in_scopes(scopes: Sequence[str]) -> ColumnElement[bool]:
    conditions = [_has_term(tuple([term(kinds.SCOPE, name) for name in scopes]))]
    if SCOPE_NAME in scopes:
        conditions.append(_c.flags.op("&")(HAS_OWN_SCOPE) != 0)
    return or_(*conditions)


def _has_term(group: Group) -> ColumnElement[bool]:
    """Return whether an execution has one of these terms: a look-up by the whole key of each."""
    entry = terms.alias("term_of_it")
    return exists().where(
        _is_one_of(entry.c.term, group),
        entry.c.started_ns == _c.started_ns,
        entry.c.execution_id == _c.execution_id,
    )


def _on_text(where: Filter) -> Iterator[ColumnElement[bool]]:
    if where.text is None:
        return
    escaped = search_text(where.text)
    found = or_(
        *(_Position(_some.c[column], where.text) > 0 for column in TEXT_COLUMNS),
        *(_Position(_some.c[column], escaped) > 0 for column in JSON_COLUMNS),
    )
    read_into_it = _some.join(_covered, _covered.c.execution_id == _some.c.execution_id)
    yield or_(
        exists().where(_some.c.execution_id == _c.execution_id, found),
        exists(
            select(literal_column("1")).select_from(read_into_it).where(_covered.c.covered_by == _c.execution_id, found)
        ),
    )
