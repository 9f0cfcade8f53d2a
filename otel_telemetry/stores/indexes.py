"""The indexes of a store's tables, apart from these: a reader needs no definition of them, and it costs time to load.

An index costs every write that it applies to, so each has a reader, named beside it, and all but the key are partial:
of a typical execution's 21 spans, one is the execution, five are steps and fifteen are tool calls. Indexed texts
are at most `spans.MAX_TEXT` characters long, because PostgreSQL's indexes take no more than 2,704 bytes.
"""

from __future__ import annotations

from sqlalchemy import Index

from otel_telemetry.stores.schema import (
    IS_EXECUTION,
    IS_OPEN,
    IS_STEP,
    METADATA,
    durations,
    execution_metadata,
    spans,
)

__all__ = ["METADATA"]


def _index(name: str, *columns: object, where: object) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)  # type: ignore[arg-type]


_index("executions_by_start", spans.c.started_ns, where=IS_EXECUTION)  # the list of executions
_index("executions_by_workflow", spans.c.workflow_name, spans.c.started_ns, where=IS_EXECUTION)  # workflow_name
_index(
    "executions_by_workflow_and_status",  # those of a workflow that failed, the commonest question of all
    *(spans.c.workflow_name, spans.c.status, spans.c.started_ns),
    where=IS_EXECUTION,
)
_index("executions_by_status", spans.c.status, spans.c.started_ns, where=IS_EXECUTION)  # status, interrupted
_index(
    "executions_by_caller", spans.c.caller_id, spans.c.started_ns, where=IS_EXECUTION & spans.c.caller_id.is_not(None)
)
_index(
    "executions_by_parent",  # parent_execution_id
    spans.c.parent_execution_id,
    where=IS_EXECUTION & spans.c.parent_execution_id.is_not(None),
)
_index(
    "executions_by_duration", spans.c.ended_ns - spans.c.started_ns, where=IS_EXECUTION & spans.c.ended_ns.is_not(None)
)  # min/max, order_by
_index("spans_open", spans.c.lease_id, where=IS_OPEN)  # what a process that is gone left behind
_index("spans_by_tool", spans.c.tool_name, where=spans.c.tool_name.is_not(None))  # tool_name
_index("steps_by_id", spans.c.step_id, where=IS_STEP)  # step_id
_index("spans_by_error_code", spans.c.error_code, where=spans.c.error_code.is_not(None))
_index("spans_by_error_category", spans.c.error_category, where=spans.c.error_category.is_not(None))
Index(
    "executions_by_metadata",  # metadata; it says all that is asked of its table
    *(execution_metadata.c[name] for name in ("key", "value", "started_ns", "execution_id", "span_id")),
)
Index("durations_by_name", durations.c.kind, durations.c.name)  # the parts that are to be added up
