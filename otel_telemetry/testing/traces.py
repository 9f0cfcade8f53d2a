"""Random executions, as rows: our own, of others, nested, orphaned, told twice and in several states."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from otel_telemetry import semconv as names
from otel_telemetry.rows import SpanRow, row_of
from otel_telemetry.testing.rows import DEAD_LEASE, LIVE_LEASE
from span_processors.data import CleanText, EventData, ResourceData, ScopeData, SpanData
from span_processors.redaction import canonical

T0: Final = 1_763_800_000_000_000_000
_HOUR: Final = 3_600_000_000_000
_RESOURCES: Final = (ResourceData.of({"service.name": "engine"}), ResourceData.of({"service.name": "web"}))
OWN: Final = ScopeData(names.SCOPE_NAME)
OTHERS: Final = (ScopeData("web"), ScopeData("agents", "2.0"))
REMOTE: Final = 0x301
_TOOLS: Final = ("pay", "search")
_STEPS: Final = ("load", "charge", "charge#2")
_FAILED: Final = 2
_TOOL_SPANS: Final[tuple[Callable[[str], dict[str, Any]], ...]] = (
    lambda tool: {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool},
    lambda tool: {"openinference.span.kind": "TOOL", "tool.name": tool, "input.value": '{"n":1}'},
    lambda tool: {"traceloop.span.kind": "tool", "traceloop.entity.name": tool},
)
"""How others say that they called a tool."""
_AGENT_SPANS: Final[tuple[dict[str, Any], ...]] = (
    {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"},
    {"gen_ai.operation.name": "chat"},
    {"gen_ai.operation.name": "plan"},
    {"openinference.span.kind": "CHAIN"},
    {"traceloop.span.kind": "task", "traceloop.entity.name": "summarise"},
)
"""How they say that a span is an agent, a model call, a plan or a chain."""


def rows_of(seed: int, prefix: str = "") -> list[SpanRow]:
    """Return the rows of a few executions and traces.

    Args:
        seed: decides all of it.
        prefix: what the execution ids begin with that are no UUIDs.
    """
    choose = random.Random(seed)  # noqa: S311  (nothing is to be kept secret)
    while not (rows := _Story(choose, prefix).rows()):  # nothing of it was ever stored
        pass
    return rows


def batches_of(seed: int, rows: Sequence[SpanRow]) -> list[list[SpanRow]]:
    """Return the rows in some order and in some batches, each once at least and some of them twice."""
    order = random.Random(seed)  # noqa: S311  (as above)
    todo = [*rows, *(row for row in rows if order.random() < 0.3)]
    order.shuffle(todo)
    batches = []
    while todo:
        size = order.choice((1, 1, 2, 3, 50))
        batches.append(todo[:size])
        todo = todo[size:]
    return batches


class _Story:
    def __init__(self, choose: random.Random, prefix: str) -> None:
        self._random = choose
        self._prefix = prefix
        self._rows: list[SpanRow] = []
        self._tools: dict[int, str] = {}
        """The tools that spans of ours called."""

    def rows(self) -> list[SpanRow]:
        for number in range(self._random.randrange(1, 4)):
            if self._random.random() < 0.65:
                self._own(number)
            else:
                self._trace(self._random.getrandbits(120) + 1, [])
        return self._rows

    # what we record

    def _own(self, number: int) -> None:
        pick = self._random
        execution_id = pick.choice((f"{self._prefix}run-{number}", _uuid7(pick)))
        trace_id = pick.getrandbits(120) + 1
        before: list[int] = []
        for claim in range(pick.choice((1, 1, 1, 1, 2, 3))):
            parent = pick.choice((None, None, pick.getrandbits(60) + 1))
            inside = self._segment(execution_id, trace_id, claim, parent)
            if pick.random() < 0.3:  # a child of it, in the same trace
                child = f"{execution_id}-child"[:250]
                inside += self._segment(child, trace_id, claim, pick.choice(inside), parent_execution=execution_id)
            if pick.random() < 0.4:  # it called a service, by plain headers; a caller of another trace is none
                self._trace(trace_id, [*inside, *pick.sample(before, min(2, len(before)))])
            if pick.random() < 0.7:
                trace_id = pick.getrandbits(120) + 1
                before += inside

    def _segment(
        self, execution_id: str, trace_id: int, claim: int, parent: int | None, *, parent_execution: str | None = None
    ) -> list[int]:
        pick = self._random
        start = T0 + pick.randrange(3) * _HOUR + pick.choice((claim * 100 + pick.randrange(40), 0))
        root, lasted = pick.getrandbits(63) + 1, pick.randrange(1, 60)
        attributes = self._said(execution_id, parent_execution)
        code = _FAILED if attributes[names.STATUS] == "failed" else 0
        span = self._span(trace_id, root, parent, start, start + lasted, "invoke_workflow", attributes, code=code)
        lease = pick.choice((LIVE_LEASE, DEAD_LEASE))
        self._rows += [row_of(state, lease if pick.random() < 0.9 else None) for state in self._states(span)]
        return self._inside(execution_id, trace_id, root, start, lasted, lease)

    def _said(self, execution_id: str, parent_execution: str | None) -> dict[str, Any]:
        """Return what an execution says of itself."""
        pick = self._random
        status = pick.choice(("completed", "completed", "failed", "cancelled"))
        attributes: dict[str, Any] = {
            names.EXECUTION_ID: execution_id,
            names.KIND: "execution",
            names.STATUS: status,
            names.EXECUTION_TYPE: pick.choice(("workflow", "workflow", "workflow", "direct")),
            names.OPERATION_NAME: names.SpanName.EXECUTION,
            names.SEQUENCE: 0,
        }
        for chance, key, values in (
            (0.7, names.INPUTS, [CleanText(canonical({"n": n})) for n in range(9)]),
            (0.3, names.CALLER_ID, ["ann", "bob"]),
            (0.8, names.WORKFLOW_NAME, ["invoice", "refund"]),
            (0.5, names.WORKFLOW_VERSION, ["1", "2"]),
            (0.6, names.METADATA, [CleanText(canonical({"order": n})) for n in range(2)]),
            (1.0 if parent_execution is not None else 0.0, names.PARENT_EXECUTION_ID, [parent_execution]),
            (1.0 if status == "failed" else 0.0, names.ERROR, [self._error()]),
        ):
            if pick.random() < chance:
                attributes[key] = pick.choice(values)
        return attributes

    def _states(self, span: SpanData) -> list[SpanData]:
        """Return what is told of an execution's own span, which may have been lost."""
        pick = self._random
        states = pick.choice(([span], [started(span), span], [started(span), span], [started(span)], []))
        if len(states) == 2 and names.METADATA in span.attributes and pick.random() < 0.3:
            early = {**states[0].attributes, names.METADATA: CleanText(canonical({"order": 7, "early": True}))}
            states = [states[0]._replace(attributes=early), span]
        if len(states) == 2 and pick.random() < 0.3:  # the end says less than the start
            said = {names.WORKFLOW_NAME: "invoice", names.METADATA: CleanText(canonical({"order": 1}))}
            said = dict(pick.sample(list(said.items()), pick.choice((1, 2))))
            states[0] = states[0]._replace(attributes={**states[0].attributes, **said})
            left = {key: value for key, value in span.attributes.items() if key not in said}
            states[1] = span = span._replace(attributes=left)
        if states and pick.random() < 0.1:  # it was only planned, and that is told as the start is
            planned = {**started(span).attributes, names.STATUS: "pending"}
            states = [started(span)._replace(attributes=planned), *states]
        if states and pick.random() < 0.15:  # ended twice
            again = {**span.attributes, names.STATUS: "completed"}
            states = [*states, span._replace(end_ns=(span.end_ns or 0) + pick.choice((0, 1)), attributes=again)]
        return states

    def _inside(  # noqa: PLR0917  (private, and called once)
        self, execution_id: str, trace_id: int, root: int, start: int, lasted: int, lease: int | None
    ) -> list[int]:
        pick = self._random
        places = [root]
        calls: list[tuple[str, str, int, int | None]] = []
        for sequence in range(1, pick.randrange(1, 7)):
            kind = pick.choice(("step", "step", "call", "call", "tool of others", "tool of others", "agent", "span"))
            span_id, parent, tool = pick.getrandbits(63) + 1, pick.choice(places), pick.choice(_TOOLS)
            if kind in {"call", "tool of others"}:
                doubled = [call for call in calls if call[0] != kind]
                if doubled and pick.random() < 0.7:  # the same call, recorded by both: inside or around what is there
                    other = pick.choice(doubled)
                    _, tool, inner, outer = other
                    if outer is None or pick.random() < 0.5:
                        parent = inner
                    else:
                        span_id = outer
                        calls.remove(other)
                    tool = pick.choice((tool, tool, tool, *_TOOLS))
                    calls.append((kind, tool, span_id, None))
                else:
                    around = pick.choice((None, pick.getrandbits(63) + 1))  # not there, or not yet
                    parent = around or parent
                    calls.append((kind, tool, span_id, around))
                if kind == "call":
                    self._tools[span_id] = tool
            span = self._inner(kind, execution_id, (trace_id, span_id, parent), start + pick.randrange(lasted), tool)
            span.attributes[names.SEQUENCE] = sequence
            places.append(span_id)
            states = pick.choice(([span], [span], [started(span), span], [started(span)]))
            if len(states) == 2 and kind in {"tool of others", "agent"} and pick.random() < 0.3:
                early = self._inner("span", execution_id, (trace_id, span_id, parent), span.start_ns, tool)
                early.attributes[names.SEQUENCE] = sequence
                states = [started(early)._replace(scope=span.scope), span]
                if pick.random() < 0.3:  # what it was is taken back
                    states = [started(span), early._replace(scope=span.scope)]
            if pick.random() < 0.1:
                states = [*states, span._replace(end_ns=(span.end_ns or 0) + pick.choice((0, 3)), name="other")]
            self._rows += [row_of(state, lease if pick.random() < 0.9 else None) for state in states]
        return places

    def _inner(self, kind: str, execution_id: str, ids: tuple[int, int, int], began: int, tool: str) -> SpanData:
        """Return a span inside an execution of ours; `ids` are those of its trace, itself and its parent."""
        pick = self._random
        code = pick.choice((0, 0, _FAILED))
        attributes: dict[str, Any] = {names.EXECUTION_ID: execution_id}
        scope, name = OWN, "x"
        if kind == "step":
            step = pick.choice(_STEPS)
            attributes |= {names.KIND: "step", names.STEP_ID: step, names.ATTEMPT: pick.choice((1, 1, 2))}
            attributes[names.STATUS] = "failed" if code else pick.choice(("completed", "completed", "skipped"))
            if pick.random() < 0.2:
                attributes[names.TOOL_NAME] = tool
            name = f"step {step}"
        elif kind == "call":
            attributes |= {names.KIND: "tool_call", names.TOOL_NAME: tool, names.CALL_HASH: pick.randrange(3)}
            attributes |= {names.OPERATION_NAME: "execute_tool", names.TOOL_SOURCE: "code_block"}
            if pick.random() < 0.3:
                attributes[names.STEP_ID] = pick.choice(_STEPS)
            name = f"execute_tool {tool}"
        else:
            scope = pick.choice(OTHERS)
            if kind == "tool of others":
                attributes |= pick.choice(_TOOL_SPANS)(tool)
            elif kind == "agent":
                attributes |= pick.choice(_AGENT_SPANS)
        if code and scope is OWN:
            attributes[names.ERROR] = self._error()
        return self._span(*ids, began, began + pick.randrange(1, 9), name, attributes, code=code, scope=scope)

    def _error(self) -> CleanText:
        pick = self._random
        code, category = pick.choice(("declined", "timeout")), pick.choice(("payment", "network"))
        return CleanText(canonical({"code": code, "category": category, "message": "no"}))

    # what others record

    def _trace(self, trace_id: int, callers: Sequence[int]) -> None:
        pick = self._random
        ids: list[int] = []
        start = T0 + pick.randrange(2) * _HOUR
        for _ in range(pick.randrange(1, 6)):
            span_id = pick.getrandbits(63) + 1
            place = pick.choice(("entry", "entry", "inside", "inside", "top" if not callers else "entry"))
            outside = [*callers, 99]
            parent = None if place == "top" else pick.choice(outside if place == "entry" or not ids else [*ids, 98])
            kind = pick.choice(("plain", "plain", "tool", "agent", "ours"))
            attributes: dict[str, Any] = {}
            scope, name = pick.choice(OTHERS), pick.choice(("GET /", "load"))
            if kind == "tool":  # perhaps the other side of a call of ours
                tool = self._tools.get(parent or 0) if pick.random() < 0.7 else None
                tool = tool or pick.choice(_TOOLS)
                attributes = pick.choice(_TOOL_SPANS)(tool)
            elif kind == "agent":
                attributes = dict(pick.choice(_AGENT_SPANS))
            elif kind == "ours":  # below plain headers, a step of ours keeps the id of the trace
                attributes = {
                    names.EXECUTION_ID: f"{trace_id:032x}",
                    names.KIND: "step",
                    names.STEP_ID: "handler",
                    names.ATTEMPT: 1,
                    names.STATUS: "completed",
                }
                scope, name = OWN, "step handler"
                if pick.random() < 0.3:  # and so does a call
                    tool = pick.choice(_TOOLS)
                    attributes = {names.EXECUTION_ID: f"{trace_id:032x}", names.KIND: "tool_call"}
                    attributes |= {names.TOOL_NAME: tool, names.CALL_HASH: 1}
                    name = f"execute_tool {tool}"
            began = start + pick.randrange(50)
            span = self._span(
                trace_id, span_id, parent, began, began + pick.randrange(1, 20), name, attributes,
                code=pick.choice((0, 0, _FAILED)), scope=scope, flags=REMOTE if place == "entry" else 1,
            )  # fmt: skip
            ids.append(span_id)
            states = pick.choice(([span], [span], [started(span), span], [started(span)]))
            if len(states) == 2 and scope is not OWN and pick.random() < 0.3:  # what it is, is said late
                early: dict[str, Any] = {}
                late: dict[str, Any] = attributes
                if pick.random() < 0.5:  # or is taken back
                    early, late = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay"}, {}
                span = span._replace(attributes=late)
                states = [states[0]._replace(name="early", attributes=early), span]
            if pick.random() < 0.1:
                states = [*states, span._replace(name="other", end_ns=(span.end_ns or 0) + 3)]
            lease = pick.choice((LIVE_LEASE, DEAD_LEASE, None)) if scope is OWN else None
            self._rows += [row_of(state, lease) for state in states]

    def _span(self, *place: Any, **more: Any) -> SpanData:
        return span_of(*place, **more, resource=self._random.choice(_RESOURCES))


def span_of(  # noqa: PLR0917  (in the order of SpanData)
    trace_id: int,
    span_id: int,
    parent: int | None,
    start: int,
    end: int | None,
    name: str,
    attributes: dict[str, Any],
    *,
    code: int = 0,
    scope: ScopeData = OWN,
    flags: int = 1,
    resource: ResourceData = _RESOURCES[0],
) -> SpanData:
    """Return a span; one that failed (`code` 2) tells of an exception."""
    failed = EventData("exception", end or start, {"exception.type": "ValueError", "exception.message": "no"}, 0)
    return SpanData(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        trace_state="",
        flags=flags,
        name=name,
        kind=0,
        start_ns=start,
        end_ns=end,
        status_code=code,
        status_message=None,
        attributes=attributes,
        events=(failed,) if code else (),
        links=(),
        dropped_attributes=0,
        dropped_events=0,
        dropped_links=0,
        resource=resource,
        scope=scope,
    )


def started(span: SpanData) -> SpanData:
    """Return what is told of a span when it starts."""
    attributes = {key: value for key, value in span.attributes.items() if key != names.ERROR}
    if names.STATUS in attributes:
        attributes[names.STATUS] = "running"
    return span._replace(end_ns=None, status_code=0, events=(), attributes=attributes)


def _uuid7(choose: random.Random) -> str:
    digits = f"{1_763_800_000_000 + choose.randrange(1000):012x}7{choose.getrandbits(76):019x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def cases(first: int, count: int) -> Iterator[tuple[int, list[SpanRow]]]:
    """Yield the seeds of cases, each with its rows; no two have an execution in common."""
    for seed in range(first, first + count):
        yield seed, rows_of(seed, f"case-{seed}-")
