"""Executions made up at random, as hostile as real ones and worse, but always the same for the same seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from otel_telemetry import semconv
from otel_telemetry.formats import redacted
from otel_telemetry.rows import SpanRow, row_of
from span_processors.data import CleanText, EventData, LinkData, ResourceData, ScopeData, SpanData
from span_processors.redaction import Redactor, canonical

if TYPE_CHECKING:
    from random import Random

DEAD_LEASE = 41
"""A process that no store knows: what it left open was interrupted."""

T0 = 1_760_000_000_000_000_000

TEXTS = (
    "", " ", "a", "run", "=1+1", "@SUM(A1)", "línea\n二\t\r", "nul\0byte", "lone\ud800surrogate", "\U0001f600 pair",
    '"quoted" \\ back', "</script>", "\u2028\u2029\x7f\x85", "x" * 300, "é" * 300, "null", "1", "true", "[1, 2]", "{}",
    '{"a":1}', "password=" + "hunter2hunter2", "NaN", "base64:AAAA", "\ufeffbom", "e\u0301 decomposed", "'", "%00",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**40, 0.0, -0.0, 1.0, 1.5, 1e300, -1e-300,
    5e-324, 0.1, math.nan, math.inf, -math.inf,
)  # fmt: skip
KEYS = ("key", "", "=key", "api_key", "otel_telemetry.json", "otel_telemetry.kind", "dotted.key", "ключ", "a b", "\0")


def value(random: Random, depth: int = 0) -> Any:
    """Return any value: text, number, or maps and lists of such, now and then very deep."""
    roll = random.random()
    if depth == 0 and roll < 0.03:
        return _deep(random)
    if depth < 4 and roll < 0.2:
        return {random.choice(KEYS): value(random, depth + 1) for _ in range(random.randrange(4))}
    if depth < 4 and roll < 0.35:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    return random.choice((None, True, False, random.choice(TEXTS), random.choice(TEXTS), random.choice(NUMBERS)))


def _deep(random: Random) -> Any:
    inner: Any = "bottom"
    for _ in range(random.choice((15, 16, 17, 40, 62, 80))):
        inner = random.choice(([inner], {"k": inner}, {"otel_telemetry.json": inner}))
    return inner


def spans_of_executions(random: Random, number: int) -> list[tuple[SpanData, int | None]]:
    """Return the clean spans of so many executions, each span with the lease under which it is stored."""
    makers = (_workflow, _workflow, _workflow, _direct, _foreign_trace)
    redactor = Redactor()
    made: list[tuple[SpanData, int | None]] = []
    for _ in range(number):
        spans = random.choice(makers)(random, redactor)
        lease = random.choice((None, DEAD_LEASE))
        made += [(span, lease) for span in redacted(spans, redactor)]
    return made


def rows_of_executions(random: Random, number: int) -> list[SpanRow]:
    """Return the rows of so many executions."""
    return [row_of(span, lease) for span, lease in spans_of_executions(random, number)]


def _workflow(random: Random, redactor: Redactor) -> list[SpanData]:
    maker = _Maker(random, redactor)
    status = random.choice(("pending", "running", "completed", "failed", "cancelled"))
    ended = status in {"completed", "failed", "cancelled"}
    root = maker.span(
        "invoke_workflow",
        None,
        ended=ended,
        kind="execution",
        status=status,
        attributes={
            semconv.EXECUTION_TYPE: "workflow",
            semconv.OPERATION_NAME: "invoke_workflow",
            **maker.some(
                {
                    semconv.WORKFLOW_NAME: random.choice(TEXTS),
                    semconv.WORKFLOW_VERSION: random.choice(TEXTS),
                    semconv.CALLER_ID: random.choice(TEXTS),
                    semconv.PARENT_EXECUTION_ID: maker.execution_id[::-1],
                    semconv.METADATA: maker.payload({"k": value(random), random.choice(KEYS): value(random)}),
                    semconv.INPUTS: maker.payload(value(random)),
                    semconv.OUTPUTS: maker.payload(value(random)),
                    semconv.PROBLEMS: ["inputs.a: NaN stored as text"],
                    "engine.shard": random.choice(NUMBERS),
                }
            ),
        },
    )
    spans = [root]
    for position in range(random.randrange(5)):
        for attempt in range(1, random.choice((1, 1, 1, 3)) + 1):
            step = maker.step(root, f"step {position}", attempt)
            spans.append(step)
            spans += [maker.call(step, f"step {position}") for _ in range(random.randrange(3))]
            if random.random() < 0.2:
                spans.append(maker.inside(step))
    spans += [maker.call(root, None) for _ in range(random.randrange(2))]
    return spans


def _direct(random: Random, redactor: Redactor) -> list[SpanData]:
    maker = _Maker(random, redactor)
    root = maker.span(
        "execute_tool t",
        None,
        kind="execution",
        status=random.choice(("completed", "failed", "running")),
        attributes={semconv.EXECUTION_TYPE: "direct"},
    )
    return [root, maker.call(root, None)]


def _foreign_trace(random: Random, redactor: Redactor) -> list[SpanData]:
    maker = _Maker(random, redactor)
    maker.ours = False
    root = maker.span(random.choice(TEXTS), None, attributes=maker.foreign_attributes())
    spans = [root]
    for _ in range(random.randrange(5)):
        parent = random.choice(spans)
        spans.append(maker.span(random.choice(TEXTS), parent, attributes=maker.foreign_attributes()))
    return spans


class _Maker:
    """Makes the spans of one execution."""

    def __init__(self, random: Random, redactor: Redactor) -> None:
        self._random = random
        self._redactor = redactor
        self._sequence = 0
        self.ours = True
        self._trace_id = random.getrandbits(128) or 1
        self.execution_id = f"run-{random.getrandbits(48):012x}"
        self._start = T0 + random.randrange(3) * 1_000_000_000  # ties are common
        attributes = {"service.name": random.choice(("a", "b")), random.choice(KEYS): value(random)}
        self._resource = ResourceData.of(redactor.attributes(attributes), random.choice(("", "https://schema/1")))
        self._scopes = (
            ScopeData(semconv.SCOPE_NAME),
            ScopeData("lib", "1.0", "https://schema/2", {"scope": random.choice(TEXTS)}),
        )

    def some(self, attributes: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in attributes.items() if self._random.random() < 0.7}

    def payload(self, raw: Any) -> CleanText:
        return self._redactor.payload(raw)[0]

    def step(self, parent: SpanData, step_id: str, attempt: int) -> SpanData:
        random = self._random
        status = random.choice(("pending", "running", "completed", "completed", "failed", "skipped"))
        attributes: dict[str, Any] = {
            semconv.STEP_ID: step_id,
            semconv.STEP_TYPE: random.choice(("tool", "code")),
            semconv.ATTEMPT: attempt,
            **self.some(
                {
                    semconv.CODE_HASH: "ab" * 32,
                    semconv.TOOL_NAME: random.choice(TEXTS),
                    semconv.STEP_PARAMS: self.payload(value(random)),
                    semconv.STEP_RESULT: self.payload(value(random)),
                    "of.mine": value(random),
                }
            ),
        }
        if status == "skipped":
            attributes[semconv.SKIP_REASON] = random.choice(TEXTS)
        return self.span(
            f"step {step_id}",
            parent,
            ended=status not in {"pending", "running"},
            kind="step",
            status=status,
            attributes=attributes,
        )

    def call(self, parent: SpanData, step_id: str | None) -> SpanData:
        random = self._random
        tool = random.choice(TEXTS)
        attributes = {
            semconv.OPERATION_NAME: "execute_tool",
            semconv.TOOL_NAME: tool,
            semconv.TOOL_SOURCE: random.choice(("tool_step", "code_block")),
            **({} if step_id is None else {semconv.STEP_ID: step_id}),
            **self.some(
                {
                    semconv.TOOL_CALL_ID: random.choice(TEXTS),
                    semconv.TOOL_PARAMS: self.payload(value(random)),
                    semconv.TOOL_RESULT: self.payload(value(random)),
                    semconv.CALL_HASH: random.getrandbits(63),
                    semconv.ITEM_COUNT: 3,
                    semconv.ITEM_SAMPLE: self.payload([value(random)]),
                }
            ),
        }
        return self.span(f"execute_tool {tool}", parent, kind="tool_call", attributes=attributes)

    def inside(self, parent: SpanData) -> SpanData:
        return self.span("GET", parent, attributes=self.foreign_attributes())

    def foreign_attributes(self) -> dict[str, Any]:
        random = self._random
        return self.some(
            {
                "openinference.span.kind": random.choice(("TOOL", "CHAIN", "AGENT")),
                "input.value": random.choice(TEXTS),
                "output.value": value(random),
                "gen_ai.operation.name": random.choice(("execute_tool", "chat")),
                "gen_ai.tool.call.arguments": random.choice(TEXTS),
                "http.status": 200,
                random.choice(KEYS): value(random),
            }
        )

    def span(
        self,
        name: str,
        parent: SpanData | None,
        *,
        attributes: dict[str, Any],
        ended: bool | None = None,
        kind: str | None = None,
        status: str | None = None,
    ) -> SpanData:
        random = self._random
        failed = status == "failed" or (status is None and random.random() < 0.2)
        if ended is None:
            ended = status not in {"pending", "running"} and random.random() < 0.9
        own: dict[str, Any] = {semconv.KIND: kind} if kind else {}
        if self.ours:
            self._sequence += 1
            own |= {semconv.EXECUTION_ID: self.execution_id, semconv.SEQUENCE: self._sequence}
        if status:
            own[semconv.STATUS] = status
        if failed and kind:
            own[semconv.ERROR] = self._error()
        start = self._start + random.randrange(3) * 1_000_000
        return SpanData(
            trace_id=self._trace_id,
            span_id=random.getrandbits(64) or 1,
            parent_span_id=None if parent is None else parent.span_id,
            trace_state=random.choice(("", "", "vendor=1,other=x")),
            flags=random.choice((1, 1, 0, 0x101) if parent else (1, 0x301)),  # 0x300: its parent is in another process
            name=name,
            kind=random.randrange(5),
            start_ns=start,
            end_ns=start + random.choice((0, 1, 5_000_000, 10**12, -1_000)) if ended else None,
            status_code=2 if failed else random.choice((0, 1)),
            status_message=random.choice((None, "it broke: " + random.choice(TEXTS))) if failed else None,
            attributes=own | attributes,
            events=tuple(self._event(start) for _ in range(random.choice((0, 0, 1, 3)))),
            links=tuple(self._link() for _ in range(random.choice((0, 0, 0, 2)))),
            dropped_attributes=random.choice((0, 0, 7)),
            dropped_events=random.choice((0, 0, 7)),
            dropped_links=random.choice((0, 0, 7)),
            resource=self._resource,
            scope=random.choice(self._scopes),
        )

    def _error(self) -> CleanText:
        random = self._random
        error: dict[str, Any] = {"code": "timeout", "category": "network", "message": random.choice(TEXTS)}
        if random.random() < 0.5:
            error["detail"] = {"k": value(random)}
            error["retryable"] = True
            error["cause"] = {"code": "oserror", "category": "network", "message": random.choice(TEXTS)}
        return CleanText(canonical(self._redactor.value(error)[0]))

    def _event(self, start: int) -> EventData:
        random = self._random
        attributes = {"exception.type": "E", "exception.message": random.choice(TEXTS), "v": value(random)}
        return EventData(random.choice(("exception", "log", "")), start + 1, attributes, random.choice((0, 2)))

    def _link(self) -> LinkData:
        random = self._random
        return LinkData(
            random.getrandbits(128), random.getrandbits(64), random.choice(("", "a=b")), random.choice((0, 1, 0x300)),
            {random.choice(KEYS): value(random)}, random.choice((0, 2)),
        )  # fmt: skip
