"""The stored row of a span, as a value."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from otel_telemetry.semconv import SpanName
from span_processors.data import ResourceData  # noqa: TC001  (a field's type, for whoever asks the row for its hints)

MAX_TEXT: Final = 256
"""Characters that a text column holds at most; a longer attribute stays in the document (indexes cannot hold it)."""

INTERRUPTED_LEASE: Final = 0
"""The lease of an imported execution that was interrupted where it was recorded: of no process, so never alive."""


class RowKind(IntEnum):
    """What a stored span is, judged from that span alone when it is written (`rows.convert`).

    The first four are this package's own spans, or mere spans. The others were recorded by others; what such a span
    stands for in a record is judged from the whole execution (`rows.standing`).
    """

    SPAN = 0
    """Any other span: of ours, or of others inside one of our executions."""
    EXECUTION = 1
    STEP = 2
    TOOL_CALL = 3
    INNER_STEP = 10
    """An agent, chain, model call or plan of others inside one of our executions."""
    INNER_CALL = 11
    """A tool's span of others inside one of our executions."""
    OTHER_STEP = 12
    """A span in a trace of others."""
    OTHER_CALL = 13
    """A tool's span in a trace of others."""
    ENTRY = 14
    """A span where a trace of others begins or enters a process: the execution itself, if it is the best such span."""
    ENTRY_CALL = 15
    """The same, a tool's span: a tool call always, and an execution of type DIRECT if it is the best such span."""


FOREIGN_KINDS: Final = frozenset({RowKind.OTHER_STEP, RowKind.OTHER_CALL, RowKind.ENTRY, RowKind.ENTRY_CALL})
"""Spans in a trace of others."""
INNER_KINDS: Final = frozenset({RowKind.INNER_STEP, RowKind.INNER_CALL})
"""Spans of others inside one of our executions, that may be more than mere spans."""


CALL_KINDS: Final = frozenset(map(int, (RowKind.TOOL_CALL, RowKind.INNER_CALL, RowKind.OTHER_CALL, RowKind.ENTRY_CALL)))
"""What a tool call is, or may be."""


class RowStatus(IntEnum):
    """Status of an execution or step as stored; for a tool call or another span: running, completed or failed."""

    PENDING = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    CANCELLED = 4
    SKIPPED = 5


OPEN_STATUSES: Final = frozenset({int(RowStatus.PENDING), int(RowStatus.RUNNING)})
"""What an execution has not ended in."""


class SpanRow(NamedTuple):
    """One row of the span table, then what is stored beside it. Key: (execution_id, span_id, started_ns).

    `started_ns` is in the key so that the spans of an execution lie in time order, and so that two spans to which a
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
    step_kind: str | None
    """What kind of step a span of others is, such as ``agent`` or ``chat``; None for ``step``."""
    attempt: int | None
    tool_name: str | None
    error_code: str | None
    error_category: str | None
    call_hash: int | None
    """Signed 64 bits: of a tool call its tool and parameters (`rows.hashing.call_hash`)."""
    scope: str | None
    """Name of the instrumentation scope; None for this package's own."""
    lease_id: int | None
    """The process that records the span. None for an imported span, which no process of ours can end; but
    `INTERRUPTED_LEASE` where it says that it was interrupted."""
    resource_id: int
    document: str | None
    """ASCII JSON object: whatever the columns do not say (`document.Document`). None where there is nothing more."""
    payload: str | None
    """ASCII JSON object of the heavy attributes: JSON by its short name in `fields.PAYLOAD_KEYS`, others in full."""
    # beside the row
    resource: ResourceData
    metadata: tuple[tuple[str, str], ...] = ()
    """Of an execution: its metadata as (key, index_value(value)), for the index table."""


COLUMNS: Final = SpanRow._fields[: SpanRow._fields.index("resource")]
"""The names of the columns, in order."""


# an enum's members are slow to get at in Python 3.11, and this is asked for every span
_EXECUTION: Final = int(RowKind.EXECUTION)
_STEP: Final = int(RowKind.STEP)
_TOOL_CALL: Final = int(RowKind.TOOL_CALL)


def default_name(kind: int, workflow_name: str | None, step_id: str | None, tool_name: str | None) -> str | None:
    """Return how a span of this kind is usually named, or None for a span that is none of ours."""
    if kind == _TOOL_CALL:
        return f"{SpanName.TOOL_CALL} {tool_name}"
    if kind == _STEP:
        return f"{SpanName.STEP} {step_id}"
    if kind == _EXECUTION:
        return f"{SpanName.EXECUTION} {workflow_name}" if workflow_name else SpanName.EXECUTION
    return None
