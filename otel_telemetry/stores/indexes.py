"""The indexes of a store's tables, apart from these: a reader needs no definition of them, and it costs time to load.

An index costs every write that it applies to, so each has a reader, named beside it. Spans and terms have none but
their keys: an execution is found by its own row or by a term. Indexed texts are at most `rows.MAX_TEXT` characters
long, because PostgreSQL's indexes take no more than 2,704 bytes.
"""

from __future__ import annotations

from sqlalchemy import Index, literal_column

from otel_telemetry.fields import INDEXED
from otel_telemetry.rows.execution import DELETED
from otel_telemetry.stores.schema import IS_LISTED, IS_OPEN, METADATA, durations, durations_kept, executions

__all__ = ["METADATA"]

_c = executions.c
_PLACE = (_c.started_ns, _c.execution_id)
# SQLite looks at what a partial index implies all the same: with it in the index, a count needs nothing else.
_LISTED = (_c.who_rank, _c.covered_by)


def _index(name: str, *columns: object, where: object) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)  # type: ignore[arg-type]


_index("executions_by_start", *_PLACE, *_LISTED, where=IS_LISTED)  # the list of executions, and their count
# top_level. The order of names is that in which they are made; of two that fit alike, SQLite takes the last.
_index("executions_top", *_PLACE, where=IS_LISTED & _c.parent_execution_id.is_(None))
_index(
    "executions_by_workflow_and_status",  # those of a workflow that failed, the commonest question of all
    *(_c.workflow_name, _c.status, *_PLACE),
    where=IS_LISTED,
)
_index("executions_by_status", _c.status, *_PLACE, *_LISTED, where=IS_LISTED)  # status
_index("executions_open", *_PLACE, _c.lease_id, where=IS_LISTED & IS_OPEN)  # interrupted
_index("executions_by_duration", _c.duration_ns, *_PLACE, where=IS_LISTED & _c.duration_ns.is_not(None))  # min/max
_index("executions_by_trace", _c.trace_id, where=IS_LISTED)  # trace_id, and what may be read into each other
_index("executions_deleted", _c.started_ns, where=_c.who_rank == literal_column(str(DELETED)))  # retention
_index("executions_covered", _c.covered_by, where=_c.covered_by.is_not(None))  # the spans of an execution
for _name, _of_field in INDEXED.items():  # the filter of the same name; hardly an execution is without a workflow
    _column = _c[_name]
    _where = IS_LISTED if _name == "workflow_name" else IS_LISTED & _column.is_not(None)
    _index(_of_field, _column, *_PLACE, where=_where)
for _table in (durations, durations_kept):
    Index(  # a window of statistics, and the parts that are to be added up
        f"{_table.name}_by_key",
        *(_table.c[name] for name in ("hour", "workflow_name", "workflow_version", "kind", "name")),
    )
