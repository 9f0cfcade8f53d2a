"""The records of executions and of all that is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from otel_telemetry.records.error import ErrorRecord, JsonValue  # noqa: TC001  (for whoever asks for the fields' types)
from otel_telemetry.records.kinds import ExecutionStatus, ExecutionType, StepStatus, StepType, ToolCallSource


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    time_ns: int
    attributes: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLink:
    """A pointer from one span to another. Ids are lower-case hexadecimal."""

    trace_id: str
    span_id: str
    trace_state: str = ""
    flags: int = 1
    attributes: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanResource:
    """The entity that produced a span: a service, a host, a process."""

    attributes: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    schema_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanScope:
    """The instrumentation that recorded a span."""

    name: str = ""
    version: str = ""
    schema_url: str = ""
    attributes: dict[str, JsonValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanInfo:
    """The OpenTelemetry side of a record: its ids, and all that the other fields do not say.

    Ids are lower-case hexadecimal (32 and 16 digits). `attributes` holds only what no field of the record was
    read from, except where the span is `foreign`: recorded by others, under their conventions. Then it holds
    everything, and the record's fields are a reading of it. `resource` and `scope` are None where they equal those
    of the execution's own span.

    Where several spans claim to be one execution, its record says what all of them say together. Then `started_at` is
    when this one began, and `attributes` also has what it says otherwise than the record; None for what it does not.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    name: str
    foreign: bool = False
    kind: str = "internal"
    status_code: str = "unset"
    status_message: str | None = field(default=None, repr=False)
    trace_state: str = ""
    flags: int = 1
    attributes: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    events: tuple[SpanEvent, ...] = field(default=(), repr=False)
    links: tuple[SpanLink, ...] = field(default=(), repr=False)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    resource: SpanResource | None = field(default=None, repr=False)
    scope: SpanScope | None = field(default=None, repr=False)
    started_at: int | None = None


def _milliseconds(started_at: int | None, completed_at: int | None) -> float | None:
    if started_at is None or completed_at is None:
        return None
    return (completed_at - started_at) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallRecord:
    """One call of a tool. `sequence` orders the spans of an execution where their times tie."""

    call_id: str
    tool_name: str
    started_at: int
    completed_at: int | None = None
    duration_ms: float | None = field(init=False, default=None, compare=False)
    params: JsonValue = field(default=None, repr=False)
    result: JsonValue = field(default=None, repr=False)
    error: ErrorRecord | None = None
    execution_id: str
    step_id: str | None = None
    source: ToolCallSource = ToolCallSource.TOOL_STEP
    sequence: int | None = None
    span: SpanInfo | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_ms", _milliseconds(self.started_at, self.completed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One attempt of a step. A retry is a second record with the same `step_id` and the next `attempt`.

    `kind` is ``step`` for a step of a workflow. What an agent framework records is a step too, of the kind ``agent``,
    ``chain``, ``chat`` (a model call) or ``plan``.
    """

    step_id: str
    step_type: StepType = StepType.CODE
    status: StepStatus = StepStatus.RUNNING
    skip_reason: str | None = field(default=None, repr=False)
    started_at: int
    completed_at: int | None = None
    duration_ms: float | None = field(init=False, default=None, compare=False)
    tool_name: str | None = None
    tool_params: JsonValue = field(default=None, repr=False)
    tool_result: JsonValue = field(default=None, repr=False)
    code_hash: str | None = None
    tool_calls: tuple[ToolCallRecord, ...] = field(default=(), repr=False)
    error: ErrorRecord | None = None
    attempt: int = 1
    kind: str = "step"
    sequence: int | None = None
    span: SpanInfo | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_ms", _milliseconds(self.started_at, self.completed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """A span inside an execution that is neither execution, step nor tool call (an HTTP request, a query)."""

    started_at: int
    completed_at: int | None = None
    duration_ms: float | None = field(init=False, default=None, compare=False)
    sequence: int | None = None
    span: SpanInfo
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_ms", _milliseconds(self.started_at, self.completed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One execution with everything nested.

    `steps` are in the order they started. `tool_calls` are those made outside any step (a DIRECT
    execution has just one). `spans` are the other spans recorded inside. `interrupted` says that the status
    was not final when the process that ran the execution went away. `rootless` says that the execution's own span
    is missing, and that what is known was gathered from the spans inside. `problems` lists, in words, what could
    not be stored or read back as it was.
    """

    execution_id: str
    type: ExecutionType = ExecutionType.WORKFLOW
    workflow_name: str | None = None
    workflow_version: str | None = None
    status: ExecutionStatus = ExecutionStatus.RUNNING
    started_at: int
    completed_at: int | None = None
    duration_ms: float | None = field(init=False, default=None, compare=False)
    inputs: JsonValue = field(default=None, repr=False)
    outputs: JsonValue = field(default=None, repr=False)
    steps: tuple[StepRecord, ...] = field(default=(), repr=False)
    error: ErrorRecord | None = None
    caller_id: str | None = None
    metadata: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    interrupted: bool = False
    rootless: bool = False
    parent_execution_id: str | None = None
    tool_calls: tuple[ToolCallRecord, ...] = field(default=(), repr=False)
    spans: tuple[SpanRecord, ...] = field(default=(), repr=False)
    sequence: int | None = None
    span: SpanInfo | None = field(default=None, repr=False)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_ms", _milliseconds(self.started_at, self.completed_at))

    def all_tool_calls(self) -> Iterator[ToolCallRecord]:
        """Yield every tool call, those of the steps first, each step's in order."""
        for step in self.steps:
            yield from step.tool_calls
        yield from self.tool_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSummary:
    """One line about an execution: what a list shows, read without touching any payload or child."""

    execution_id: str
    type: ExecutionType
    workflow_name: str | None
    workflow_version: str | None
    status: ExecutionStatus
    started_at: int
    completed_at: int | None = None
    duration_ms: float | None = field(init=False, default=None, compare=False)
    error: ErrorRecord | None = None
    caller_id: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)
    interrupted: bool = False
    parent_execution_id: str | None = None
    trace_id: str | None = None
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration_ms", _milliseconds(self.started_at, self.completed_at))
