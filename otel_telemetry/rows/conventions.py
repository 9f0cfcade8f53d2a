"""What spans recorded by others mean: GenAI conventions, OpenInference, OpenLLMetry, and any other trace.

The root of a trace is an execution; below it, a tool's span is a tool call and every other span a step. A root is
a span without a parent, or one whose parent is known to be in another process: there the trace enters this one, and a
service whose callers are recorded elsewhere would have no execution to show otherwise. Where both sides of such a
call are in one store, they are two rows of one execution id. A span whose parent got lost stays a step, because
nothing on it tells; its trace is still found by its id.

A foreign span inside one of our executions is a mere span: the tool call that it may be was recorded by us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.records import ExecutionType
from otel_telemetry.rows.row import RowKind
from otel_telemetry.semconv import ERROR_TYPE, EXECUTION_ID, SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from span_processors.data import EventData, JsonValue, SpanData

_REMOTE_PARENT: Final = 0x300
"""OTLP's flag bits for: whether the parent is remote is known, and it is."""


class Convention(NamedTuple):
    """A vocabulary of attributes. Of several keys, the first that a span has is taken."""

    marker: str
    """The attribute that says what the span is."""
    tools: frozenset[str]
    """The marker's values, in lower case, that mean a tool call."""
    workflow_names: tuple[str, ...] = ()
    step_names: tuple[str, ...] = ()
    version: str = ""
    tool_names: tuple[str, ...] = ()
    call_id: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


CONVENTIONS: Final = (
    Convention(
        marker="openinference.span.kind",
        tools=frozenset({"tool"}),
        workflow_names=("agent.name",),
        tool_names=("tool.name",),
        call_id="tool_call.id",
        inputs=("input.value",),
        outputs=("output.value",),
    ),
    Convention(
        marker="traceloop.span.kind",
        tools=frozenset({"tool"}),
        workflow_names=("traceloop.entity.name",),
        step_names=("traceloop.entity.name",),
        version="traceloop.entity.version",
        tool_names=("traceloop.entity.name",),
        inputs=("traceloop.entity.input",),
        outputs=("traceloop.entity.output",),
    ),
    Convention(
        marker="gen_ai.operation.name",
        tools=frozenset({"execute_tool"}),
        workflow_names=("gen_ai.workflow.name", "gen_ai.agent.name"),
        tool_names=("gen_ai.tool.name",),
        call_id="gen_ai.tool.call.id",
        inputs=("gen_ai.tool.call.arguments", "gen_ai.input.messages"),
        outputs=("gen_ai.tool.call.result", "gen_ai.output.messages"),
    ),
)
ERROR_CATEGORY: Final = "unexpected"
"""The category of errors that no registry has sorted."""
UNKNOWN: Final = Convention(marker="", tools=frozenset())

PAYLOAD_KEYS: Final = frozenset(key for convention in CONVENTIONS for key in convention.inputs + convention.outputs)
"""Attributes of others that are heavy, and kept apart from what lists need."""


class Reading(NamedTuple):
    """What a span of others stands for."""

    kind: RowKind
    convention: Convention
    execution_type: str | None = None
    workflow_name: str | None = None
    workflow_version: str | None = None
    step_id: str | None = None
    tool_name: str | None = None


def is_root(span: SpanData) -> bool:
    """Whether the trace begins, or enters this process, with this span."""
    return span.parent_span_id is None or span.flags & _REMOTE_PARENT == _REMOTE_PARENT


def read(span: SpanData, *, root: bool | None = None) -> Reading:
    """Say what a span is that does not carry this package's own kind.

    Args:
        span: the span.
        root: whether its trace's execution is found by it, if the caller knows the whole trace; None: if `is_root`.
    """
    attributes = span.attributes
    if EXECUTION_ID in attributes and not (span.parent_span_id is None and SEQUENCE not in attributes):
        return Reading(RowKind.SPAN, UNKNOWN)
    convention = UNKNOWN
    for candidate in CONVENTIONS:
        if isinstance(attributes.get(candidate.marker), str):
            convention = candidate
            break
    is_tool = str(attributes.get(convention.marker)).lower() in convention.tools
    tool_name = (text(attributes, convention.tool_names) or span.name) if is_tool else None
    looks_like_root = is_root(span)
    if root and not looks_like_root:
        return Reading(RowKind.EXECUTION, convention, execution_type=ExecutionType.WORKFLOW.value)
    if root or (root is None and looks_like_root):
        return Reading(
            RowKind.EXECUTION,
            convention,
            execution_type=ExecutionType.DIRECT.value if is_tool else ExecutionType.WORKFLOW.value,
            workflow_name=None if is_tool else text(attributes, convention.workflow_names) or span.name,
            workflow_version=text(attributes, (convention.version,)),
            tool_name=tool_name,
        )
    if is_tool:
        return Reading(RowKind.TOOL_CALL, convention, tool_name=tool_name)
    return Reading(RowKind.STEP, convention, step_id=text(attributes, convention.step_names) or span.name)


def text(attributes: Mapping[str, JsonValue], keys: tuple[str, ...]) -> str | None:
    """Return the first of `keys` that holds text which is not empty, or an integer, as text."""
    for key in keys:
        value = attributes.get(key)
        if value.__class__ is int or (isinstance(value, str) and value):
            return str(value)
    return None


def exception_event(span: SpanData) -> EventData | None:
    """Return the last exception that was recorded on the span: the one that it ended with."""
    for event in reversed(span.events):
        if event.name == "exception":
            return event
    return None


def error_code(span: SpanData) -> str:
    """Return the code of a failed span of others: its error.type, or the type of its exception, or ``error``."""
    event = exception_event(span)
    exception_type = text(event.attributes, ("exception.type",)) if event else None
    return text(span.attributes, (ERROR_TYPE,)) or exception_type or "error"
