"""What is stored of rows: tuples in the order of the tables' columns, ids encoded, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from otel_telemetry.fields import INDEXED, WHO_COLUMNS
from otel_telemetry.rows import COLUMNS, EXECUTION_COLUMNS, Durations, ExecutionRow, SpanRow
from otel_telemetry.rows.execution_key import decode, encode

SPAN_COLUMNS: Final = (
    *("started_ns", "span_id", "resource_id", "ended_ns", "parent_span_id", "sequence", "lease_id", "call_hash"),
    *("attempt", "kind", "status", "trace_id", "execution_id", "name", *WHO_COLUMNS, "step_id", "step_kind"),
    *("tool_name", "error_code", "error_category", "scope", "document", "payload"),
)
"""Those of the table `spans`, in order."""
EXECUTION_TABLE_COLUMNS: Final = (
    *("started_ns", "who_span_id", "who_tie", "resource_id", "state_started_ns", "state_span_id", "state_tie"),
    *("segment", "spans", "steps", "tool_calls", "retries", "waiting_ns", "who_ended_ns", "ended_ns", "duration_ns"),
    *("lease_id", "metadata_started_ns", "metadata_span_id", "metadata_ended_ns", "metadata_tie", "variant"),
    *("max_repeat", "who_rank", "state_rank", "status", "flags", "execution_id", "trace_id", "covered_by"),
    *WHO_COLUMNS,
    *("error_code", "error_category"),
)
"""Those of the table `executions`, in order."""
_INDEXED: Final = frozenset(
    {*INDEXED, "started_ns", "duration_ns", "lease_id", "who_rank", "status", "trace_id", "covered_by"}
)
"""Columns that some index of `executions` holds or depends on: SQLite writes the index whenever one of them is set."""
_AT_THE_END: Final = frozenset({"status", "duration_ns"})


def _set(left_alone: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in EXECUTION_TABLE_COLUMNS if name not in left_alone and name != "execution_id")


UPDATES: Final = {
    "update_progress": _set(_INDEXED),
    "update_end": _set(_INDEXED - _AT_THE_END),
    "update_execution": _set(frozenset()),
}
"""The statements that update an execution, and the columns that each sets: the fewest that have changed."""
TERM_COLUMNS: Final = ("term", "started_ns", "execution_id")
"""Those of the table `terms`, in order: all are its key."""
DURATION_COLUMNS: Final = (
    *("hour", "failed", "longest_ns", "kind", "workflow_name", "workflow_version", "name", "slowest", "buckets"),
)
"""Those of the tables `durations` and `durations_kept`, in order."""

_SPAN_WIDTH: Final = len(SPAN_COLUMNS)
_SPAN_ID: Final = SPAN_COLUMNS.index("execution_id")
_OF_SPAN: Final = itemgetter(*map(COLUMNS.index, SPAN_COLUMNS))
_EXECUTION_ID: Final = EXECUTION_TABLE_COLUMNS.index("execution_id")
_COVERED_BY: Final = EXECUTION_TABLE_COLUMNS.index("covered_by")
_OF_EXECUTION: Final = itemgetter(*map(EXECUTION_COLUMNS.index, EXECUTION_TABLE_COLUMNS))
_WHERE_FOUND: Final = itemgetter(*map(EXECUTION_COLUMNS.index, sorted(_INDEXED - _AT_THE_END)))
_SETTERS: Final = {name: itemgetter(*map(EXECUTION_COLUMNS.index, columns)) for name, columns in UPDATES.items()}
_OF_DURATIONS: Final = itemgetter(*map(Durations._fields.index, DURATION_COLUMNS[:-1]))


def stored_span(row: SpanRow) -> tuple[Any, ...]:
    """Return what is stored of a span's row, in the order of `SPAN_COLUMNS`."""
    values = _OF_SPAN(row)
    return (*values[:_SPAN_ID], encode(row.execution_id), *values[_SPAN_ID + 1 :])


def flat_spans(rows: Sequence[SpanRow]) -> list[Any]:
    """Return what is stored of spans' rows, one after the other."""
    values = list(chain.from_iterable(map(_OF_SPAN, rows)))
    values[_SPAN_ID::_SPAN_WIDTH] = [encode(row.execution_id) for row in rows]
    return values


def read_span(values: Sequence[Any]) -> SpanRow:
    """Return the row of a span that was read in the order of `COLUMNS`, without its resource."""
    return SpanRow._make((decode(values[0]), *values[1:], None, ()))


def stored_execution(row: ExecutionRow) -> tuple[Any, ...]:
    """Return what is stored of an execution's row, in the order of `EXECUTION_TABLE_COLUMNS`."""
    values = list(_OF_EXECUTION(row))
    values[_EXECUTION_ID] = encode(row.execution_id)
    if row.covered_by is not None:
        values[_COVERED_BY] = encode(row.covered_by)
    return tuple(values)


def update_of(old: ExecutionRow, new: ExecutionRow) -> str:
    """Return the name of the statement that sets all that has changed."""
    if _WHERE_FOUND(old) == _WHERE_FOUND(new):
        return "update_progress" if (old.status, old.duration_ns) == (new.status, new.duration_ns) else "update_end"
    return "update_execution"


def set_by(name: str, row: ExecutionRow) -> tuple[Any, ...]:
    """Return what an update is given: the columns that it sets, then the key."""
    values = _SETTERS[name](row)
    if name == "update_execution" and row.covered_by is not None:
        at = UPDATES[name].index("covered_by")
        values = (*values[:at], encode(row.covered_by), *values[at + 1 :])
    return (*values, encode(row.execution_id))


def read_execution(values: Sequence[Any]) -> ExecutionRow:
    """Return the row of an execution that was read in the order of `EXECUTION_COLUMNS`."""
    covered_by = values[-1]
    return ExecutionRow._make((decode(values[0]), *values[1:-1], None if covered_by is None else decode(covered_by)))


def stored_durations(part: Durations) -> tuple[Any, ...]:
    """Return what is stored of counted durations, in the order of `DURATION_COLUMNS`."""
    # a list without quotes, which one would have to be escaped on its way into PostgreSQL
    buckets = ",".join([f"{bucket},{n}" for bucket, n in part.buckets.items()])
    return (*_OF_DURATIONS(part), f"[{buckets}]")
