"""Records as text: a line for a list, a tree of one execution, a report on why it failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from otel_telemetry.cli import story
from otel_telemetry.cli.text import Segment, View, cells, columns, cut, duration, line, safe
from otel_telemetry.fields import ASKED, WHO
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionSummary,
    JsonValue,
    SpanRecord,
    StepRecord,
    ToolCallRecord,
)
from otel_telemetry.semconv import FIRST_ITEM_MS, ITEM_COUNT, OUTCOME

COLOURS = {
    "completed": "green",
    "failed": "red",
    "running": "cyan",
    "pending": "cyan",
    "cancelled": "yellow",
    story.INTERRUPTED: "magenta",
    "skipped": "yellow",
}
DIM = "bright_black"
_WIDE = 120
"""Cells from which on a terminal line has room for a whole id."""
_SHORT_ID = 18
"""Characters of an id that hold its milliseconds and counter: enough to name one."""
_NAME_IN_LIST = 24
"""Cells that a workflow's name or version gets in a list on a terminal."""
_LINES = 8
"""Lines of a terminal that one cause or parameter may fill in a report."""
_HASH = 12
"""Digits shown of a code hash."""
_IN_THE_HEAD = ("type", "workflow_name", "workflow_version")
_BELOW_THE_HEAD = {
    field.name: ASKED[field.name].option.removeprefix("--") for field in WHO if field.name not in _IN_THE_HEAD
}
"""What else says who an execution is, and what it is called."""
_NAME = 12
"""Cells that a name gets however deep it stands."""


def listing(runs: Sequence[ExecutionSummary], view: View) -> Iterator[str]:
    """Draw one line a run: status, start, duration, workflow, version, id, and the failing step with its error."""
    short = view.width is not None and view.width < _WIDE
    room = None if view.width is None else _NAME_IN_LIST
    rows: list[list[Segment]] = []
    for run in runs:
        status = story.state(run)
        rows.append(
            [
                (status, COLOURS[status]),
                (view.time(run.started_at), None),
                (_lasted(run, status, view), None),
                (cut(safe(story.title(run)), room), None),
                (cut(safe(run.workflow_version or ""), room), None),
                (safe(run.execution_id[:_SHORT_ID] if short else run.execution_id), DIM),
                (safe(error_line(run.error)), "red"),
            ]
        )
    return (line(row, view.width) for row in columns(rows, right=frozenset({2})))


def picture(record: ExecutionRecord, view: View, *, full: bool = False) -> Iterator[str]:
    """Draw an execution as a tree: names, status, start (after the execution's), duration, parameters, errors.

    Each error stands once, at the innermost part that reports it. With `full`, payloads follow, unabridged.
    """
    root = story.tree(record)
    yield line(_head(record, view))
    for key, value in _facts(record, full=full):
        yield line([(f"  {key:<9}", DIM), (value, None)], view.width)
    yield from _below(root, "  ", view, full=full)
    rows = list(_rows(root))
    cells_of_rows = [_cells(node, prefix, record, view) for node, prefix, _ in rows]
    for row, (node, _, indent) in zip(columns(cells_of_rows, right=frozenset({2, 3})), rows, strict=True):
        yield line(row, view.width)
        yield from _below(node, indent, view, full=full)


def reasons(record: ExecutionRecord, failure: story.Failure, view: View) -> Iterator[str]:
    """Draw why an execution failed: the path to the failing part, causes with the root first, its parameters."""
    yield line(_head(record, view))
    facts: list[tuple[str, str, str | None]] = [
        ("at", " > ".join(safe(story.title(part)) for part in failure.path), None)
    ]
    if not failure.causes:
        cause = "the process that ran it went away" if record.interrupted else "no error was reported"
        facts.append(("cause", cause, "red"))
    for i, error in enumerate(failure.causes):
        facts.append(("then" if i else "cause", _error_text(error), None if i else "red"))
        if not i and error.detail:
            facts += [("", text, DIM) for text in named({k: v for k, v in error.detail.items() if k != "type"})]
    for i, text in enumerate(named(failure.parameters)):
        facts.append(("" if i else "with", text, None))
    for key, value, colour in facts:
        yield line([(f"  {key:<7}", DIM), (value, colour)], view.width and view.width * _LINES)


def named(value: JsonValue) -> Iterator[str]:
    """Write each member of an object as ``name=value``, safe to print; anything else as JSON; None as nothing."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield f"{safe(key)}={compact(member)}"
    elif value is not None:
        yield compact(value)


def compact(value: JsonValue) -> str:
    """Write `value` as one line of JSON that is safe to print."""
    return safe(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def _head(record: ExecutionRecord, view: View) -> list[Segment]:
    status = story.state(record)
    lasted = _lasted(record, status, view)
    return [
        (safe(story.title(record)), None),
        (f" {safe(record.workflow_version)}" if record.workflow_version else "", None),
        (f"  {status}", COLOURS[status]),
        (f"  {view.full_time(record.started_at)}" + (f"  {lasted}" if lasted else ""), None),
        (f"  {safe(record.execution_id)}", DIM),
    ]


def _facts(record: ExecutionRecord, *, full: bool) -> Iterator[tuple[str, str]]:
    for name, key in _BELOW_THE_HEAD.items():
        if text := getattr(record, name):
            yield key, safe(text)
    if record.metadata:
        yield "metadata", " ".join(named(record.metadata))
    if not full:
        for key, value in (("inputs", record.inputs), ("outputs", record.outputs)):
            if value is not None:
                yield key, " ".join(named(value))


def _rows(root: story.Node) -> Iterator[tuple[story.Node, str, str]]:
    """Yield each part below the root with the branch that leads to it and the indent of what is said below it."""
    stack = [(child, "", child is root.children[-1]) for child in reversed(root.children)]
    while stack:
        node, stem, last = stack.pop()
        inner = stem + ("   " if last else "│  ")
        yield node, stem + ("└─ " if last else "├─ "), inner + ("│  " if node.children else "   ")
        stack += [(child, inner, child is node.children[-1]) for child in reversed(node.children)]


def _cells(node: story.Node, branch: str, record: ExecutionRecord, view: View) -> list[Segment]:
    part = node.part
    name = safe(story.title(part))
    if view.width is not None:
        name = cut(name, max(_NAME, view.width // 2 - cells(branch)))
    offset = (part.started_at - record.started_at) / 1e6
    return [
        (branch + name, DIM if isinstance(part, SpanRecord) else None),
        (node.state, COLOURS[node.state]),
        ("" if node.state == "skipped" else f"{'' if offset < 0 else '+'}{duration(offset)}", DIM),
        ("" if node.state == "skipped" else _lasted(part, node.state, view), None),
        (_detail(node), None),
    ]


def _detail(node: story.Node) -> str:
    match node.part:
        case ToolCallRecord() as call:
            return " ".join(filter(None, [*named(call.params), _items(call)]))
        case StepRecord(skip_reason=str(reason)):
            return safe(reason)
        case StepRecord() as step:
            calls = [child.part.tool_name for child in node.children if isinstance(child.part, ToolCallRecord)]
            facts = (
                [safe(step.tool_name), *named(step.tool_params)]
                if step.tool_name and step.tool_name not in calls
                else []
            )
            if step.code_hash:
                facts.append(f"code {safe(step.code_hash[:_HASH])}")
            return " ".join(filter(None, [*facts, _items(step)]))
    return ""


def _items(part: StepRecord | ToolCallRecord) -> str:
    """Say how many items a generator yielded, after how long the first, and how it ended if that was early."""
    attributes = part.span.attributes if part.span else {}
    facts = []
    if (count := attributes.get(ITEM_COUNT)) is not None:
        facts.append(f"{compact(count)} item{'' if count == 1 else 's'}")
    if isinstance(first_ms := attributes.get(FIRST_ITEM_MS), float):
        facts.append(f"first after {duration(first_ms)}")
    if isinstance(outcome := attributes.get(OUTCOME), str) and outcome != story.CANCELLED:  # that is its state
        facts.append(safe(outcome))
    return ", ".join(facts)


def _below(node: story.Node, indent: str, view: View, *, full: bool) -> Iterator[str]:
    for i, error in enumerate(node.own_errors()):
        yield line([(indent, None), (("caused by " if i else "") + _error_text(error), "red")], view.width)
    for problem in node.part.problems:
        yield line([(indent, None), (f"note: {safe(problem)}", "yellow")], view.width)
    if full:
        for key, value in _payloads(node.part):
            text = json.dumps(value, ensure_ascii=False, indent=2)
            first, *rest = (safe(row) for row in text.split("\n"))
            yield line([(indent, None), (f"{key} ", DIM), (first, None)])
            yield from (line([(indent, None), (row, None)]) for row in rest)


def _payloads(part: story.Part) -> Iterable[tuple[str, JsonValue]]:
    match part:
        case ExecutionRecord():
            pairs = [("inputs", part.inputs), ("outputs", part.outputs)]
        case StepRecord():
            pairs = [("params", part.tool_params), ("result", part.tool_result)]
        case ToolCallRecord():
            pairs = [("params", part.params), ("result", part.result)]
        case _:
            pairs = []
    return [(key, value) for key, value in pairs if value is not None]


def _lasted(part: story.Part | ExecutionSummary, status: str, view: View) -> str:
    if part.duration_ms is None and status in story.OPEN:
        return duration(view.elapsed(part.started_at)) + "…"
    return duration(part.duration_ms)


def _error_text(error: ErrorRecord) -> str:
    traits = (_type_of(error), error.category, "retryable" if error.retryable else None)
    return safe(_with_message(f"{error.code} ({', '.join(filter(None, traits))})", error))


def _type_of(error: ErrorRecord) -> str | None:
    """Return the name of the exception's class, by which whoever wrote the code knows it."""
    found = (error.detail or {}).get("type")
    return found if isinstance(found, str) else None


def error_line(error: ErrorRecord | None) -> str:
    """Say in one line where a run failed and what with; None as nothing. Not yet safe to print."""
    if error is None:
        return ""
    where = error.step_id or error.tool_name
    return (f"{where}: " if where else "") + _with_message(_type_of(error) or error.code, error)


def _with_message(text: str, error: ErrorRecord) -> str:
    return f"{text}: {error.message}" if error.message else text
