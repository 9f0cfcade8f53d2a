"""Spans as stored rows: which attributes become columns, and how a row becomes a span again.

`row_of` runs in the thread that ends a span, so it does little: it takes the attributes that are asked
for often out of the span's dict, and writes the rest as one ASCII JSON document. `data_of` is its inverse, to the
last attribute: ``data_of(row_of(span)) == span``.
"""

from otel_telemetry.rows.convert import data_of, row_of
from otel_telemetry.rows.document import Parsed
from otel_telemetry.rows.durations import RUN_COLUMNS, Durations, add_up, count_runs, runs_of, what_ran
from otel_telemetry.rows.row import COLUMNS, INTERRUPTED_LEASE, MAX_TEXT, RowKind, RowStatus, SpanRow, default_name
from otel_telemetry.rows.text import index_value, search_text

__all__ = [
    "COLUMNS",
    "INTERRUPTED_LEASE",
    "MAX_TEXT",
    "RUN_COLUMNS",
    "Durations",
    "Parsed",
    "RowKind",
    "RowStatus",
    "SpanRow",
    "add_up",
    "count_runs",
    "data_of",
    "default_name",
    "index_value",
    "row_of",
    "runs_of",
    "search_text",
    "what_ran",
]
