"""What spans recorded by others mean: GenAI conventions, OpenInference, OpenLLMetry, and any other span.

A span is judged by itself, when it is written: whether it is a tool's span, an agent's, or a model call's, and what it
is called. What it stands for in the record of an execution depends on the others (`rows.standing`).
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
_NONE: Final[Mapping[str, str]] = {}


class Convention(NamedTuple):
    """A vocabulary of attributes. Of several keys, the first that a span has is taken."""

    name: str
    """What is stored of it."""
    marker: str
    """The attribute that says what the span is."""
    tools: frozenset[str]
    """The marker's values, in lower case, that mean a tool call."""
    kinds: Mapping[str, str] = _NONE
    """The kind of step that the marker's values, in lower case, mean."""
    workflow_names: tuple[str, ...] = ()
    step_names: tuple[str, ...] = ()
    version: str = ""
    tool_names: tuple[str, ...] = ()
    call_id: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


CONVENTIONS: Final = (
    Convention(
        name="openinference",
        marker="openinference.span.kind",
        tools=frozenset({"tool"}),
        kinds={"agent": "agent", "chain": "chain", "llm": "chat"},
        workflow_names=("agent.name",),
        tool_names=("tool.name",),
        call_id="tool_call.id",
        inputs=("input.value",),
        outputs=("output.value",),
    ),
    Convention(
        name="openllmetry",
        marker="traceloop.span.kind",
        tools=frozenset({"tool"}),
        kinds={"agent": "agent", "workflow": "chain", "task": "chain"},
        workflow_names=("traceloop.entity.name",),
        step_names=("traceloop.entity.name",),
        version="traceloop.entity.version",
        tool_names=("traceloop.entity.name",),
        inputs=("traceloop.entity.input",),
        outputs=("traceloop.entity.output",),
    ),
    Convention(
        name="genai",
        marker="gen_ai.operation.name",
        tools=frozenset({"execute_tool"}),
        kinds={
            "invoke_agent": "agent",
            "create_agent": "agent",
            "invoke_workflow": "chain",
            "chat": "chat",
            "generate_content": "chat",
            "text_completion": "chat",
            "plan": "plan",
        },
        workflow_names=("gen_ai.workflow.name", "gen_ai.agent.name"),
        tool_names=("gen_ai.tool.name",),
        call_id="gen_ai.tool.call.id",
        inputs=("gen_ai.tool.call.arguments", "gen_ai.input.messages"),
        outputs=("gen_ai.tool.call.result", "gen_ai.output.messages"),
    ),
)
VERSION: Final = 1
"""Raised whenever a span may be judged otherwise than before: `db reindex` judges the spans of older stores anew."""
ERROR_CATEGORY: Final = "unexpected"
"""The category of errors that no registry has sorted."""
UNKNOWN: Final = Convention(name="", marker="", tools=frozenset())
BY_NAME: Final = {convention.name: convention for convention in (*CONVENTIONS, UNKNOWN)}

PAYLOAD_KEYS: Final = frozenset(key for convention in CONVENTIONS for key in convention.inputs + convention.outputs)
"""Attributes of others that are heavy, and kept apart from what lists need."""


class Reading(NamedTuple):
    """What a span of others is, judged by itself."""

    kind: RowKind
    convention: Convention
    execution_type: str | None = None
    workflow_name: str | None = None
    workflow_version: str | None = None
    step_id: str | None = None
    step_kind: str | None = None
    tool_name: str | None = None


_PLAIN: Final = Reading(RowKind.SPAN, UNKNOWN)


def is_entry(span: SpanData) -> bool:
    """Whether the trace begins, or enters this process, with this span."""
    return span.parent_span_id is None or span.flags & _REMOTE_PARENT == _REMOTE_PARENT


def read(span: SpanData) -> Reading:
    """Say what a span is that does not carry this package's own kind."""
    attributes = span.attributes
    convention, said = UNKNOWN, ""
    for candidate in CONVENTIONS:
        value = attributes.get(candidate.marker)
        if isinstance(value, str):
            convention, said = candidate, value.lower()
            break
    is_tool = said in convention.tools
    step_kind = convention.kinds.get(said)
    if EXECUTION_ID in attributes and not (span.parent_span_id is None and SEQUENCE not in attributes):
        if is_tool:
            return Reading(RowKind.INNER_CALL, convention, tool_name=_tool_name(span, convention))
        if step_kind is None:
            return _PLAIN
        return Reading(RowKind.INNER_STEP, convention, step_id=_step_name(span, convention), step_kind=step_kind)
    entry = is_entry(span)
    if is_tool:
        return Reading(
            RowKind.ENTRY_CALL if entry else RowKind.OTHER_CALL,
            convention,
            execution_type=ExecutionType.DIRECT.value if entry else None,
            tool_name=_tool_name(span, convention),
        )
    if not entry:
        return Reading(RowKind.OTHER_STEP, convention, step_id=_step_name(span, convention), step_kind=step_kind)
    return Reading(
        RowKind.ENTRY,
        convention,
        execution_type=ExecutionType.WORKFLOW.value,
        workflow_name=text(attributes, convention.workflow_names) or span.name,
        workflow_version=text(attributes, (convention.version,)),
        step_id=_step_name(span, convention),
        step_kind=step_kind,
    )


def _tool_name(span: SpanData, convention: Convention) -> str:
    return text(span.attributes, convention.tool_names) or span.name


def _step_name(span: SpanData, convention: Convention) -> str:
    return text(span.attributes, convention.step_names) or span.name


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
