"""What spans say of their execution, in plain words: slow, and made from nothing that a store uses for the same.

Only what has no meaning by itself is taken from there: the digests that decide between equals, the buckets of a
histogram, the number that stands for the way an execution went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from otel_telemetry.rows import ExecutionRow, RowKind, RowStatus, Run, SpanRow, Standing, claim, metadata_of
from otel_telemetry.rows.execution import tie_of
from otel_telemetry.rows.row import default_name
from otel_telemetry.rows.variant import MOST, Activity, variant_of
from otel_telemetry.semconv import SCOPE_NAME

_OTHERS_CALLS: Final = (RowKind.INNER_CALL, RowKind.OTHER_CALL, RowKind.ENTRY_CALL)
_ENTRIES: Final = (RowKind.ENTRY, RowKind.ENTRY_CALL)
_IN_TRACE: Final = (RowKind.OTHER_STEP, RowKind.OTHER_CALL, *_ENTRIES)
_SAYS_WHO, _BARE, _TOP, _REMOTE, _STANDS_IN, _EXISTS = 6, 5, 4, 3, 2, 1
_OURS: Final = (_SAYS_WHO, _BARE, _EXISTS)
_IN_ITS_OWN: Final[dict[int, Standing]] = {
    **dict.fromkeys((RowKind.STEP, RowKind.INNER_STEP, RowKind.OTHER_STEP, RowKind.ENTRY), Standing.STEP),
    **dict.fromkeys((RowKind.TOOL_CALL, *_OTHERS_CALLS), Standing.TOOL_CALL),
}
"""What spans of these kinds are in their own execution, where they are not that execution."""
_RUNS_OF_KINDS: Final = {"agent": 20, "chain": 21, "chat": 22, "plan": 23}
_STEP_RUN, _CALL_RUN = 2, 3


# which state of a span stands


def standing_states(written: Iterable[SpanRow]) -> dict[str, list[SpanRow]]:
    """Return, by execution, each span in the state that stands, whatever states of it were written.

    An end stands in the place of a start, and a later end in that of an earlier one. Where both are alike: what a
    process of ours holds, then what was imported as interrupted; what was begun; and last a digest.
    """
    states: dict[str, dict[tuple[int, int], SpanRow]] = {}
    for row in written:
        spans = states.setdefault(row.execution_id, {})
        place = row.started_ns, row.span_id
        there = spans.get(place)
        if there is None or _weight(row) > _weight(there):
            spans[place] = row
    return {execution_id: list(spans.values()) for execution_id, spans in states.items()}


def _weight(row: SpanRow) -> tuple[Any, ...]:
    end = (0, 0) if row.ended_ns is None else (1, row.ended_ns)
    lease = 0 if row.lease_id is None else 1 if row.lease_id == 0 else 2
    return *end, lease, row.status != RowStatus.PENDING, tie_of(row)


# who an execution is


def rank_of(row: SpanRow) -> int:
    """Return how much a span has to say about who its execution is."""
    if row.kind == RowKind.EXECUTION:
        return _SAYS_WHO if row.workflow_name is not None or row.execution_type == "direct" else _BARE
    if row.kind in _ENTRIES:
        return _TOP if row.parent_span_id is None else _REMOTE
    return _STANDS_IN if row.kind in _IN_TRACE else _EXISTS


def row_of_execution(spans: Sequence[SpanRow]) -> ExecutionRow:
    """Return what the spans of an execution say together, without what is derived."""
    best = max(map(rank_of, spans))
    who = min((row for row in spans if rank_of(row) == best), key=_place)
    ours = [row for row in spans if row.kind == RowKind.EXECUTION]
    described = [row for row in ours if metadata_of(row)]
    state_rank, segment, state, ended, state_tie = best, 0, who, who.ended_ns, tie_of(who)
    status, code, category, lease = who.status, who.error_code, who.error_category, who.lease_id
    if ours:
        state = max(ours, key=lambda row: (row.attempt or 1, *_place(row)))
        state_rank, segment, ended, state_tie = _SAYS_WHO, state.attempt or 1, state.ended_ns, tie_of(state)
        status, code, category, lease = state.status, state.error_code, state.error_category, state.lease_id
    elif best == _EXISTS:  # it runs, as long as the process of its newest span does
        state = max(spans, key=_place)
        lease = state_tie = state.lease_id or 0
        ended, status, code, category = None, RowStatus.RUNNING, None, None
    newest = max(described, key=_place) if described else None
    return ExecutionRow(
        execution_id=who.execution_id,
        who_rank=best,
        started_ns=who.started_ns,
        who_span_id=who.span_id,
        who_ended_ns=who.ended_ns,
        who_tie=tie_of(who),
        trace_id=who.trace_id,
        execution_type=who.execution_type,
        workflow_name=_name_of(who, best),
        workflow_version=who.workflow_version,
        caller_id=who.caller_id,
        parent_execution_id=who.parent_execution_id,
        resource_id=who.resource_id,
        state_rank=state_rank,
        segment=segment,
        state_started_ns=state.started_ns,
        state_span_id=state.span_id,
        ended_ns=ended,
        state_tie=state_tie,
        status=int(status),
        error_code=code,
        error_category=category,
        lease_id=lease,
        metadata_started_ns=None if newest is None else newest.started_ns,
        metadata_span_id=None if newest is None else newest.span_id,
        metadata_ended_ns=None if newest is None else newest.ended_ns,
        metadata_tie=None if newest is None else claim(newest).metadata_tie,
        flags=(1 if any(row.kind == RowKind.TOOL_CALL for row in spans) else 0)
        + (2 if any(row.kind in _OTHERS_CALLS for row in spans) else 0)
        + (4 if any(row.scope is None for row in spans) else 0)
        + (8 if len({_place(row) for row in ours}) > 1 else 0),
        duration_ns=None if ended is None else ended - who.started_ns,
        spans=len(spans),
    )


def _name_of(who: SpanRow, rank: int) -> str | None:
    if rank == _EXISTS:
        return who.name if who.name is not None else default_name(who.kind, None, who.step_id, who.tool_name)
    if rank == _STANDS_IN:
        return who.step_id if who.step_id is not None else who.tool_name or who.name
    return None if who.kind == RowKind.ENTRY_CALL else who.workflow_name


def _place(row: SpanRow) -> tuple[int, int]:
    return row.started_ns, row.span_id


# which execution a trace is a part of


def caller_of(trace: ExecutionRow, spans: Sequence[SpanRow], ours: Mapping[str, Sequence[SpanRow]]) -> str | None:
    """Return the execution of ours that a trace is read into, or None.

    Args:
        trace: the execution named after the trace.
        spans: its spans.
        ours: the spans of each execution of ours that has some in this trace.
    """
    if trace.execution_id != trace.trace_id.hex() or trace.who_rank >= _TOP:
        return None
    holders = {
        row.span_id: execution_id
        for execution_id, rows in sorted(ours.items())
        for row in rows
        if row.trace_id == trace.trace_id
    }
    parents = {row.span_id: row.parent_span_id for row in _last_first(spans)}
    above: int | None = trace.who_span_id
    for _ in spans:  # no way out is longer, except in a circle
        if above in parents:
            above = parents[above]
    if above not in holders or above in parents:
        return None
    callers = {holders[p] for p in parents.values() if p is not None and p in holders and p not in parents}
    if len(callers) == 1:
        return holders[above]
    mates = {execution_id: row_of_execution(rows) for execution_id, rows in ours.items()}
    outermost = [
        (row.started_ns, execution_id) for execution_id, row in mates.items() if row.parent_execution_id is None
    ]
    return min(outermost)[1] if outermost else holders[above]


# what spans are in their execution


class Told:
    """An execution with all that its spans, and those of the traces that are read into it, make of it.

    Args:
        row: what the spans say of it.
        own: the spans that are kept under its id.
        adopted: those of the traces.
    """

    def __init__(self, row: ExecutionRow, own: Sequence[SpanRow], adopted: Sequence[SpanRow]) -> None:
        spans = [*own, *adopted]
        self.spans = sorted(spans, key=lambda span: (span.started_ns, span.sequence or 0, span.span_id))
        """In the order of `SpanStore.spans`."""
        doubles = _doubles(spans)
        self.parts = [(span, _standing(row, span, doubles)) for span in self.spans]
        """Each span, and what it stands for."""
        self.steps = [span for span, what in self.parts if what is Standing.STEP]
        self.calls = [span for span, what in self.parts if what in {Standing.TOOL_CALL, Standing.DIRECT}]
        counted = [span for span, what in self.parts if what not in {Standing.SPAN, Standing.SEGMENT}]
        self.errors = {(span.error_code, span.error_category) for span in counted} - {(None, None)}
        """The code and the category of each."""
        self.tools = {span.tool_name for span in (*self.steps, *self.calls) if span.tool_name is not None}
        self.step_ids = {span.step_id for span in self.steps if span.step_id is not None}
        self.kinds = {span.step_kind for span in self.steps if span.step_kind is not None}
        self.scopes = {span.scope or SCOPE_NAME for span in spans}
        self.traces = {span.trace_id.hex() for span in spans}
        described = row.metadata_started_ns, row.metadata_span_id
        self.metadata = {
            item for span in own if (span.started_ns, span.span_id) == described for item in metadata_of(span)
        }
        self.runs: list[Run] = [
            *(
                (_RUNS_OF_KINDS.get(span.step_kind or "", _STEP_RUN), span.step_id, *_ending(span))
                for span in self.steps
                if span.step_id is not None and span.ended_ns is not None and span.status != RowStatus.SKIPPED
            ),
            *(
                (_CALL_RUN, span.tool_name, *_ending(span))
                for span in self.calls
                if span.tool_name is not None and span.ended_ns is not None
            ),
        ]
        """What has ended and is counted by how long it took."""
        repeats = Counter(span.call_hash for span in self.calls if span.call_hash is not None)
        known = row.ended_ns is not None and row.who_rank not in {_STANDS_IN, _EXISTS} and row.spans <= MOST
        self.row = row._replace(
            steps=len(self.steps),
            tool_calls=len(self.calls),
            retries=sum((span.attempt or 1) > 1 for span in self.steps),
            max_repeat=max(repeats.values(), default=0) if known else None,
            variant=self._variant() if known else None,
        )

    def _variant(self) -> int:
        # of several spans with one id, the first by time
        steps = {span.span_id: _activity(span, span.step_id) for span in _last_first(self.steps)}
        outside = [
            (_activity(span, span.tool_name), span.parent_span_id)
            for span in self.calls
            if span.parent_span_id not in steps
        ]
        return variant_of(steps, outside, {span.span_id: span.parent_span_id for span in _last_first(self.spans)})


def _last_first(spans: Iterable[SpanRow]) -> list[SpanRow]:
    return sorted(spans, key=lambda span: (span.started_ns, span.parent_span_id or 0), reverse=True)


def _standing(execution: ExecutionRow, span: SpanRow, doubles: set[tuple[int, int]]) -> Standing:
    kind, adopted = span.kind, span.execution_id != execution.execution_id
    what = _IN_ITS_OWN.get(kind, Standing.SPAN)
    if adopted and kind in _IN_TRACE:  # as if it were inside: an agent, chain, model call or plan is a step
        what = Standing.TOOL_CALL if kind in _OTHERS_CALLS else Standing.STEP if span.step_kind else Standing.SPAN
    elif kind == RowKind.EXECUTION and not adopted:
        newest = _place(span) == (execution.state_started_ns, execution.state_span_id)
        what = Standing.EXECUTION if newest else Standing.SEGMENT
    is_root = not adopted and _is_root(execution, span)
    if is_root:
        what = Standing.DIRECT if kind == RowKind.ENTRY_CALL else Standing.EXECUTION
    if _place(span) in doubles:
        what = Standing.EXECUTION if is_root else Standing.SPAN
    return what


def _is_root(execution: ExecutionRow, span: SpanRow) -> bool:
    """Whether an execution of others is this span."""
    return (
        span.kind in _ENTRIES
        and execution.who_rank in {_TOP, _REMOTE}
        and _place(span) == (execution.started_ns, execution.who_span_id)
    )


def _doubles(spans: Sequence[SpanRow]) -> set[tuple[int, int]]:
    """Return the tool spans of others that record the same call as one of ours, right above or right below it."""
    ours = [span for span in spans if span.kind == RowKind.TOOL_CALL]
    return {
        _place(theirs)
        for theirs in spans
        if theirs.kind in _OTHERS_CALLS
        for call in ours
        if call.tool_name == theirs.tool_name
        and (call.parent_span_id == theirs.span_id or theirs.parent_span_id == call.span_id)
    }


def _ending(span: SpanRow) -> tuple[bool, int]:
    return span.status == RowStatus.FAILED, (span.ended_ns or 0) - span.started_ns


def _activity(span: SpanRow, name: str | None) -> Activity:
    return Activity(span.started_ns, span.sequence or 0, span.span_id, span.ended_ns, name or span.name or "")


def step_of(call: SpanRow, told: Told) -> SpanRow | None:
    """Return the step that a call belongs to, or None.

    That is the first step above it, if the call names that one or none; else the last attempt of the step it names
    that began before it, or the first of all.
    """
    parents = {span.span_id: span.parent_span_id for span in told.spans}
    steps = {span.span_id: span for span in told.steps}
    above = call.parent_span_id
    for _ in told.spans:
        if above in parents and above not in steps:
            above = parents[above]
    nearest = None if above is None else steps.get(above)
    own = call.kind == RowKind.TOOL_CALL
    if not own or call.step_id is None or (nearest is not None and nearest.step_id == call.step_id):
        return nearest
    attempts = [span for span in told.steps if span.step_id == call.step_id]
    before = [span for span in attempts if span.started_ns <= call.started_ns]
    return before[-1] if before else attempts[0] if attempts else None
