"""What a record tells: the state of each part, what ran inside what, and why it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionSummary,
    JsonValue,
    SpanRecord,
    StepRecord,
    StepStatus,
    ToolCallRecord,
)
from otel_telemetry.semconv import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Part: TypeAlias = ExecutionRecord | StepRecord | ToolCallRecord | SpanRecord
OPEN = frozenset({"pending", "running"})
INTERRUPTED = "interrupted"
CANCELLED = "cancelled"


def state(part: Part | ExecutionSummary, *, interrupted: bool = False) -> str:
    """Name where `part` stands: its status; ``interrupted`` where it is open and the process that ran it is gone.

    A step or call that was stopped is ``cancelled``, for which their records have no status of its own.
    """
    if isinstance(part, ExecutionRecord | ExecutionSummary | StepRecord):
        status = part.status.value
    elif _error(part) is not None or (isinstance(part, SpanRecord) and part.span.status_code == "error"):
        status = "failed"
    else:
        status = "running" if part.completed_at is None else "completed"
    if isinstance(part, ExecutionRecord | ExecutionSummary):
        interrupted = part.interrupted
    elif status == "failed" and part.span and part.span.attributes.get(OUTCOME) == CANCELLED:
        return CANCELLED
    return INTERRUPTED if interrupted and status in OPEN else status


def title(part: Part | ExecutionSummary) -> str:
    """Name `part`: an execution by its workflow, a step by its id, a tool call by its tool, a span by its name."""
    match part:
        case ExecutionRecord() | ExecutionSummary():
            return part.workflow_name or f"({part.type.value})"
        case StepRecord():
            return part.step_id if part.attempt == 1 else f"{part.step_id} (attempt {part.attempt})"
        case ToolCallRecord():
            return part.tool_name
        case SpanRecord():
            return part.span.name


@dataclass(slots=True)
class Node:
    """A part of an execution and what ran inside it, in the order in which it started."""

    part: Part
    state: str
    children: list[Node] = field(default_factory=list)

    @property
    def error(self) -> ErrorRecord | None:
        """The error that the part ended with."""
        return _error(self.part)

    def own_errors(self) -> list[ErrorRecord]:
        """List the errors of the part that none of its children has reported, outermost first."""
        below = {identity(error) for child in self.children for error in _chain(child.error)}
        return [error for error in _chain(self.error) if identity(error) not in below]


def tree(record: ExecutionRecord) -> Node:
    """Arrange an execution by what ran inside what.

    The parents of the spans decide. Where one is missing, or would close a loop, the record's own nesting does.
    """
    root = Node(record, state(record))
    nodes = [root]
    homes = {id(root): root}

    def add(part: Part, home: Node) -> Node:
        node = Node(part, state(part, interrupted=record.interrupted))
        nodes.append(node)
        homes[id(node)] = home
        return node

    for step in record.steps:
        home = add(step, root)
        for call in step.tool_calls:
            add(call, home)
    outside_steps: tuple[Part, ...] = (*record.tool_calls, *record.spans)
    for part in outside_steps:
        add(part, root)
    spans: dict[str, Node] = {}
    for node in nodes:
        if node.part.span:
            spans.setdefault(node.part.span.span_id, node)
    parents = {id(node): spans.get(_parent_id(node.part), homes[id(node)]) for node in nodes}
    _cut_loops(nodes, parents, root)
    for node in nodes[1:]:
        parents[id(node)].children.append(node)
    for node in nodes:
        node.children.sort(key=lambda child: (child.part.started_at, child.part.sequence or 0))
    return root


def _parent_id(part: Part) -> str:
    return (part.span and part.span.parent_span_id) or ""


def _cut_loops(nodes: Sequence[Node], parents: dict[int, Node], root: Node) -> None:
    rooted = {id(root)}
    for node in nodes:
        trail: set[int] = set()
        at = node
        while id(at) not in rooted:
            trail.add(id(at))
            if id(parents[id(at)]) in trail:
                parents[id(at)] = root
            at = parents[id(at)]
        rooted |= trail


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an execution failed.

    `path` leads from the execution to the innermost part that failed. `causes` are all errors on that path, the root
    cause first, none twice. `parameters` belong to `parameters_of`, the last part of the path that has any.
    """

    path: tuple[Part, ...]
    causes: tuple[ErrorRecord, ...]
    parameters_of: Part
    parameters: JsonValue


def failure(record: ExecutionRecord) -> Failure | None:
    """Find out why `record` failed or what it was doing when it was interrupted; None where it did neither."""
    node = tree(record)
    if node.state not in {"failed", CANCELLED, INTERRUPTED}:
        return None
    nodes = [node]
    while (culprit := _culprit(node)) is not None:
        node = culprit
        nodes.append(node)
    causes = {identity(error): error for node in reversed(nodes) for error in reversed(list(_chain(node.error)))}
    bearer = next((n.part for n in reversed(nodes) if parameters(n.part) is not None), record)
    return Failure(
        path=tuple(n.part for n in nodes),
        causes=tuple(causes.values()),
        parameters_of=bearer,
        parameters=parameters(bearer),
    )


def parameters(part: Part) -> JsonValue:
    """Return what `part` was given."""
    match part:
        case ExecutionRecord():
            return part.inputs
        case StepRecord():
            return part.tool_params
        case ToolCallRecord():
            return part.params
        case SpanRecord():
            return None


def identity(error: ErrorRecord) -> tuple[str, str]:
    """What makes two reports the same error: an exception passes call, step and execution, and each records it."""
    return error.code, error.message


def _culprit(node: Node) -> Node | None:
    """The child that `node` failed with: one that shares its error, else the last that failed for good."""
    theirs = {identity(error) for error in _chain(node.error)}
    shared = [child for child in node.children if theirs & {identity(error) for error in _chain(child.error)}]
    if shared:
        return shared[-1]
    wanted = {INTERRUPTED} if node.state == INTERRUPTED else {"failed", CANCELLED}
    steps = [child.part for child in node.children if isinstance(child.part, StepRecord)]
    recovered = {step.step_id for step in steps if step.status is StepStatus.COMPLETED}
    failed = [child for child in node.children if child.state in wanted and _step_id(child) not in recovered]
    named = [child for child in failed if node.error and node.error.step_id and _step_id(child) == node.error.step_id]
    return next(reversed(named or failed), None)


def _step_id(node: Node) -> str | None:
    return node.part.step_id if isinstance(node.part, StepRecord) else None


def _error(part: Part) -> ErrorRecord | None:
    return None if isinstance(part, SpanRecord) else part.error


def _chain(error: ErrorRecord | None) -> Iterator[ErrorRecord]:
    if error is not None:
        yield from error.chain()
