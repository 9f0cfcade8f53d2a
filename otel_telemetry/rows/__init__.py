"""Spans as stored rows: which attributes become columns, and how a row becomes a span again.

`row_of` runs in the thread that ends a span, so it does little: it takes the attributes that are asked
for often out of the span's dict, and writes the rest as one ASCII JSON document. `data_of` is its inverse, to the
last attribute: ``data_of(row_of(span)) == span``.
"""

from otel_telemetry.rows.convert import data_of, metadata_of, opened, row_of
from otel_telemetry.rows.derived import Counts, Derived, counts_of, derive, metadata_term, term
from otel_telemetry.rows.document import Parsed
from otel_telemetry.rows.durations import Durations, Run, Tally, add_up
from otel_telemetry.rows.execution import (
    EXECUTION_COLUMNS,
    ExecutionRow,
    claim,
    extend,
    fold,
    greatest,
    is_greater,
    join,
    tombstone,
)
from otel_telemetry.rows.row import (
    CALL_KINDS,
    COLUMNS,
    INTERRUPTED_LEASE,
    MAX_TEXT,
    OPEN_STATUSES,
    RowKind,
    RowStatus,
    SpanRow,
    default_name,
)
from otel_telemetry.rows.standing import Standing, doubles, stands
from otel_telemetry.rows.text import index_value, search_text, stored_id, with_digest

__all__ = [
    "CALL_KINDS",
    "COLUMNS",
    "EXECUTION_COLUMNS",
    "INTERRUPTED_LEASE",
    "MAX_TEXT",
    "OPEN_STATUSES",
    "Counts",
    "Derived",
    "Durations",
    "ExecutionRow",
    "Parsed",
    "RowKind",
    "RowStatus",
    "Run",
    "SpanRow",
    "Standing",
    "Tally",
    "add_up",
    "claim",
    "counts_of",
    "data_of",
    "default_name",
    "derive",
    "doubles",
    "extend",
    "fold",
    "greatest",
    "index_value",
    "is_greater",
    "join",
    "metadata_of",
    "metadata_term",
    "opened",
    "row_of",
    "search_text",
    "stands",
    "stored_id",
    "term",
    "tombstone",
    "with_digest",
]
