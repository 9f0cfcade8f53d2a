"""The statements of the write path, in SQLAlchemy Core; they are compiled ahead (`ddl`), for it loads no SQLAlchemy.

What is locked, is locked by the rows of the executions, in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ClauseElement,
    ColumnElement,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from otel_telemetry.leases import Lease
from otel_telemetry.rows import COLUMNS, EXECUTION_COLUMNS, Durations, RowKind
from otel_telemetry.rows.durations import DURATION_KEY
from otel_telemetry.rows.execution import BURIED, DELETED, OWN_RANKS, TOP
from otel_telemetry.stores.schema import (
    IS_LISTED,
    IS_OPEN,
    ExecutionId,
    durations,
    durations_kept,
    executions,
    leases,
    meta,
    resources,
    spans,
    terms,
)
from otel_telemetry.stores.statements import TERM_COLUMNS, UPDATES

SPAN_KEY: Final = ("execution_id", "started_ns", "span_id")
_HEAVY: Final = frozenset({"document", "payload"})
_OWN: Final = executions.c.who_rank.in_([literal_column(str(rank)) for rank in sorted(OWN_RANKS)])


def _is(table: Table, *names: str) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(name, type_=_raw(table, name)) for name in names))


def _raw(table: Table, name: str) -> Any:
    """Return the type of what is stored: ids come encoded."""
    return LargeBinary() if isinstance(table.c[name].type, ExecutionId) else table.c[name].type


def _values(table: Table) -> dict[str, Any]:
    return {name: bindparam(name, type_=_raw(table, name)) for name in table.c.keys()}  # noqa: SIM118  (no mapping)


def _light(table: Any = spans) -> list[Any]:
    """Return a span's columns without the heavy ones."""
    return [null().label(name) if name in _HEAVY else table.c[name] for name in COLUMNS]


def _lean(table: Any = spans) -> list[Any]:
    """Return the same, of an execution's own span with the document, which holds its metadata."""
    document = case((table.c.kind == literal_column(str(int(RowKind.EXECUTION))), table.c.document)).label("document")
    return [document if name == "document" else column for name, column in zip(COLUMNS, _light(table), strict=True)]


def _all(table: Any = spans) -> list[Any]:
    return [table.c[name] for name in COLUMNS]


def _put_lease(dialect: Any) -> ClauseElement:
    statement = dialect.insert(leases).values({name: bindparam(name) for name in Lease._fields})
    # Of two accounts the later one stands, also where another process finds the earlier one in a spill.
    later: ClauseElement = statement.on_conflict_do_update(
        index_elements=["lease_id"],
        set_={name: statement.excluded[name] for name in ("heartbeat_ns", "closed_ns", "account")},
        where=(statement.excluded.heartbeat_ns >= leases.c.heartbeat_ns) | leases.c.account.is_(None),
    )
    return later


def _update(columns: Sequence[str]) -> ClauseElement:
    values = _values(executions)
    changed = {name: values[name] for name in executions.c.keys() if name in columns}  # noqa: SIM118  (no mapping)
    return update(executions).values(changed).where(_is(executions, "execution_id"))


def _shared(dialect: Any) -> dict[str, ClauseElement]:
    names = [durations.c[name] for name in Durations._fields]
    return {
        **{name: _update(columns) for name, columns in UPDATES.items()},
        "add_lease": dialect.insert(leases).values(_values(leases)).on_conflict_do_nothing(),
        "put_lease": _put_lease(dialect),
        "add_execution": insert(executions).values(_values(executions)),
        "add_span": insert(spans).values(_values(spans)),
        "add_durations": insert(durations).values(_values(durations)),
        "add_resource": dialect.insert(resources).values(_values(resources)).on_conflict_do_nothing(),
        "durations_of": select(*names).where(_is(durations, *DURATION_KEY)),
        "remove_spans_of": delete(spans).where(_is(spans, "execution_id")),
        "keep_durations": insert(durations_kept).from_select(
            Durations._fields,
            select(*names).where(durations.c.hour < bindparam("hour", type_=durations.c.hour.type)),
        ),
        "remove_durations_before": delete(durations).where(
            durations.c.hour < bindparam("hour", type_=durations.c.hour.type)
        ),
        "add_kept_durations": insert(durations_kept).values(_values(durations_kept)),
        "started_before": select(executions.c.execution_id, executions.c.status, executions.c.lease_id)
        .where(IS_LISTED, executions.c.started_ns < bindparam("started_ns", type_=executions.c.started_ns.type))
        .order_by(executions.c.started_ns, executions.c.execution_id),
        "remove_tombstones": delete(executions).where(
            executions.c.who_rank == literal_column(str(DELETED)),
            executions.c.started_ns < bindparam("started_ns", type_=executions.c.started_ns.type),
        ),
        "remove_executions": delete(executions).where(executions.c.who_rank != literal_column(str(DELETED))),
        "remove_terms_of_all": delete(terms),
        "remove_all_durations": delete(durations),
        "ids_of_spans": select(spans.c.execution_id).distinct().order_by(spans.c.execution_id),
        "set_meta": dialect.insert(meta)
        .values(_values(meta))
        .on_conflict_do_update(index_elements=["key"], set_={"value": dialect.insert(meta).excluded.value}),
    }


def of_sqlite() -> dict[str, ClauseElement]:
    """Return the statements for SQLite: each looks up or writes one row, so each is prepared once."""
    put = "OR REPLACE"
    execution = [executions.c[name] for name in EXECUTION_COLUMNS]
    return {
        **_shared(sqlite),
        "two_executions": select(*execution).where(
            executions.c.execution_id.in_(
                [bindparam("one", type_=LargeBinary()), bindparam("other", type_=LargeBinary())]
            )
        ),
        "own_in_trace": union(
            select(executions.c.execution_id).where(IS_LISTED, _OWN, _is(executions, "trace_id")),
            select(executions.c.execution_id)
            .join_from(terms, executions, terms.c.execution_id == executions.c.execution_id)
            .where(IS_LISTED, _OWN, _is(terms, "term")),
        ),
        "covered": select(executions.c.execution_id).where(_is(executions, "covered_by")),
        "state": select(*_light()).where(_is(spans, *SPAN_KEY)),
        "span": select(*_all()).where(_is(spans, *SPAN_KEY)),
        "spans_of": select(*_lean()).where(_is(spans, "execution_id")),
        "whole_spans_of": select(*_all()).where(_is(spans, "execution_id")),
        "put_span": insert(spans).prefix_with(put).values(_values(spans)),
        "add_term": insert(terms).prefix_with("OR IGNORE").values(_values(terms)),
        "remove_term": delete(terms).where(_is(terms, *TERM_COLUMNS)),
        "count_durations": select(func.count()).select_from(durations).where(_is(durations, *DURATION_KEY)),
        "remove_durations": delete(durations).where(_is(durations, *DURATION_KEY)),
    }


def _array(name: str, type_: Any) -> Any:
    return bindparam(name, type_=ARRAY(type_))


def _given(**columns: Any) -> Any:
    """Return a table of the values that are given, an array for each column."""
    arrays = [_array(name, type_) for name, type_ in columns.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


def _same(table: Any, given: Any, names: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(*(table.c[name].op("=")(given.c[name]) for name in names))


def _in_partitions(table: Any) -> ColumnElement[bool]:
    """Return a condition by which only the partitions of the given executions are looked at."""
    return _any(table.c.execution_id, "execution_ids")


def _any(column: Any, name: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = column.op("=")(any_(_array(name, LargeBinary())))
    return condition


def _in_day(column: Any) -> ColumnElement[bool]:
    """Return a condition on ids of one day; `first_of_day` gives its bounds."""
    first, next_first = (bindparam(name, type_=LargeBinary()) for name in ("first", "next_first"))
    condition: ColumnElement[bool] = and_(column.op(">=")(first), column.op("<")(next_first))
    return condition


def _of_days() -> dict[str, ClauseElement]:
    """Return the statements that empty a day: what is in the way, and the tombstones of what goes."""
    is_there = executions.c.who_rank < literal_column(str(DELETED))
    alive = executions.c.lease_id.op("=")(any_(_array("live_leases", BigInteger())))
    later = executions.c.started_ns >= bindparam("before_ns", type_=BigInteger())
    buried = {name: null() if value is None else literal_column(str(value)) for name, value in BURIED.items()}
    bury = update(executions).values({name: buried[name] for name in executions.c.keys() if name in buried})  # noqa: SIM118  (no mapping)
    return {
        "staying_of_day": select(executions.c.execution_id)
        .where(_in_day(executions.c.execution_id), is_there)
        .where(or_(later, executions.c.covered_by.is_not(None), and_(IS_OPEN, alive)))
        .limit(literal_column("1")),
        "covered_by_day": select(executions.c.execution_id).where(_in_day(executions.c.covered_by)),
        "bury_covered_by_day": bury.where(_in_day(executions.c.covered_by)),
        "bury_day": bury.where(_in_day(executions.c.execution_id), is_there),
    }


def of_postgresql() -> dict[str, ClauseElement]:
    """Return the statements for PostgreSQL: each takes many rows, as an array for each column."""
    big, text, key = BigInteger(), Text(), LargeBinary()
    span = _given(execution_id=key, started_ns=big, span_id=big)
    term = _given(term=big, started_ns=big, execution_id=key)
    trace = _given(trace_id=key, term=big)
    execution = [executions.c[name] for name in EXECUTION_COLUMNS]
    locked = select(*execution).where(_in_partitions(executions)).order_by(executions.c.execution_id)
    more = select(term.c.term, term.c.started_ns, term.c.execution_id)
    names = {"hour": big, "workflow_name": text, "workflow_version": text, "kind": SmallInteger(), "name": text}
    counted = _given(**names)
    many = (
        select(*(durations.c[name] for name in DURATION_KEY))
        .join_from(durations, counted, _same(durations, counted, DURATION_KEY))
        .group_by(*(durations.c[name] for name in DURATION_KEY))
        .having(func.count() >= bindparam("parts", type_=big))
    )
    # What another session adds up at this moment is left to it.
    ctid: Any = literal_column("durations.ctid")
    free = (
        select(ctid)
        .join_from(durations, counted, _same(durations, counted, DURATION_KEY))
        .with_for_update(skip_locked=True, of=durations)
    )
    return {
        **_shared(postgresql),
        **_of_days(),
        "lock_executions": locked.with_for_update(key_share=True),
        "lock_more_executions": locked.with_for_update(key_share=True, nowait=True),
        "own_in_traces": union(
            select(trace.c.trace_id, executions.c.execution_id)
            .join_from(trace, executions, executions.c.trace_id.op("=")(trace.c.trace_id))
            .where(IS_LISTED, _OWN),
            select(trace.c.trace_id, executions.c.execution_id)
            .join_from(trace, terms, terms.c.term.op("=")(trace.c.term))
            .join(executions, terms.c.execution_id == executions.c.execution_id)
            .where(IS_LISTED, _OWN),
        ),
        "covered": select(executions.c.execution_id).where(_any(executions.c.covered_by, "execution_ids")),
        # The same of one: what the server plans is a third of it.
        "state": select(*_light()).where(_is(spans, *SPAN_KEY)),
        "states": select(*_light()).join_from(spans, span, _same(spans, span, SPAN_KEY)).where(_in_partitions(spans)),
        "spans": select(*_all()).join_from(spans, span, _same(spans, span, SPAN_KEY)).where(_in_partitions(spans)),
        "spans_of": select(*_lean()).where(_in_partitions(spans)),
        "whole_spans_of": select(*_all()).where(_in_partitions(spans)),
        "remove_spans": delete(spans).where(_in_partitions(spans), _same(spans, span, SPAN_KEY)),
        "add_term": postgresql.insert(terms).values(_values(terms)).on_conflict_do_nothing(),
        "add_terms": postgresql.insert(terms).from_select(list(TERM_COLUMNS), more).on_conflict_do_nothing(),
        "remove_terms": delete(terms).where(_in_partitions(terms), _same(terms, term, TERM_COLUMNS)),
        "entered": select(executions.c.execution_id).where(
            _in_partitions(executions),
            executions.c.covered_by.is_(None),
            executions.c.who_rank < literal_column(str(TOP)),
        ),
        "many_durations": many,
        "take_durations": delete(durations)
        .where(ctid.op("=")(any_(func.array(free.scalar_subquery()))))
        .returning(*(durations.c[name] for name in Durations._fields)),
    }


STATEMENTS: Final = {"sqlite": of_sqlite, "postgresql": of_postgresql}
