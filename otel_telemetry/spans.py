"""Spans as stored rows: which attributes become columns, and how a row becomes a span again.

`row_of` runs in the thread that ends a span, so it does little: it takes the attributes that are asked
for often out of the span's dict, and writes the rest as one ASCII JSON document. `data_of` is its inverse, to the
last attribute: ``data_of(row_of(span)) == span``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from span_processors import ResourceData, SpanData


class RowKind(IntEnum):
    """What a stored span is."""

    SPAN = 0
    EXECUTION = 1
    STEP = 2
    TOOL_CALL = 3


class RowStatus(IntEnum):
    """Status of an execution or step as stored; for a tool call or another span: running, completed or failed."""

    PENDING = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4
    SKIPPED = 5


class SpanRow(NamedTuple):
    """One row of the span table, then what is stored beside it. Key: (execution_id, span_id, started_ns).

    `started_ns` is in the key so that a table partitioned by time can keep it, and so that two spans to which a
    broken id generator gave one id are never merged.
    """

    execution_id: str
    span_id: int
    """Signed 64 bits."""
    started_ns: int
    trace_id: bytes
    parent_span_id: int | None
    kind: int
    status: int
    ended_ns: int | None
    sequence: int | None
    name: str | None
    """None where it is the usual name for the kind (`default_name`)."""
    execution_type: str | None
    workflow_name: str | None
    workflow_version: str | None
    caller_id: str | None
    parent_execution_id: str | None
    step_id: str | None
    attempt: int | None
    tool_name: str | None
    error_code: str | None
    error_category: str | None
    fingerprint: int | None
    """Signed 64 bits: of a tool call its tool and parameters, of an ended execution its path of steps."""
    lease_id: int | None
    """The process that records the span; None for an imported span, which no process of ours can end."""
    resource_id: int
    document: str | None
    """ASCII JSON object: whatever the columns do not say. None where there is nothing more to say."""
    payload: str | None
    """ASCII JSON object from the short names of `semconv.PAYLOAD_KEYS` to their values."""
    # beside the row
    resource: ResourceData
    metadata: tuple[tuple[str, str], ...] = ()
    """Of an execution: its metadata as (key, index_value(value)), for the index table."""


COLUMNS: Final = SpanRow._fields[: SpanRow._fields.index("resource")]
"""The names of the columns, in order."""


def row_of(span: SpanData, lease_id: int | None) -> SpanRow:
    """Turn a redacted span into the row that stands for it.

    Spans of other conventions (GenAI, OpenInference, OpenLLMetry) get their kind and columns from those. A
    span that names no execution belongs to the execution of its trace, whose id is the trace id in hexadecimal.
    """
    raise NotImplementedError


def data_of(row: SpanRow) -> SpanData:
    """Turn a row back into the span it was made of. Total: an unreadable document becomes a problem attribute."""
    raise NotImplementedError


def index_value(value: object) -> str:
    """The text under which a metadata value is indexed: canonical ASCII JSON, or its hash where that is over 200 bytes."""
    raise NotImplementedError


def search_text(text: str) -> str:
    """The form in which `text` occurs in a document or payload: escaped as ASCII JSON, without the quotes."""
    raise NotImplementedError
