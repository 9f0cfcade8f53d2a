"""The spans of one execution, each with what it stands for and what is odd about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry import semconv
from otel_telemetry.codec import table
from otel_telemetry.codec.foreign import foreign_fields
from otel_telemetry.codec.nesting import circles
from otel_telemetry.codec.span_info import Origin, info_of
from otel_telemetry.rows import RowKind, Standing, opened
from otel_telemetry.rows.columns import KIND_NAMES
from otel_telemetry.rows.conventions import is_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from otel_telemetry.records import JsonValue
    from otel_telemetry.rows import ExecutionRow, SpanRow
    from span_processors.data import SpanData

_TABLES: Final = {
    Standing.SPAN: table.SPAN,
    Standing.SEGMENT: table.SPAN,
    Standing.EXECUTION: table.EXECUTION,
    Standing.STEP: table.STEP,
    Standing.TOOL_CALL: table.TOOL_CALL,
}
_TOO_LONG: Final = "is too long: its beginning and a digest stand for it"
_CIRCULAR: Final = "its parents lead back to itself"
# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_SPAN: Final = Standing.SPAN
_SEGMENT: Final = Standing.SEGMENT
_EXECUTION: Final = Standing.EXECUTION
_FIRST_OF_OTHERS: Final = int(RowKind.INNER_STEP)


class Part:
    """A span, what it stands for, and what is odd about it, in words.

    Attributes:
        foreign: whether others recorded what it stands for. A mere span is nobody's.
        interrupted: whether it says so of an execution that has no span of ours to say it.
        marked: whether it says so because `encode` had it say so: that is the execution's then, and not the span's.
    """

    __slots__ = ("convention", "foreign", "interrupted", "marked", "odd", "row", "span", "stands")

    def __init__(self, row: SpanRow, stands: Standing) -> None:
        self.row = row
        self.span, self.convention = opened(row)
        self.stands = stands
        own_kind = row.kind < _FIRST_OF_OTHERS
        self.foreign = not own_kind and (stands is not _SPAN or row.kind >= RowKind.OTHER_STEP)
        own_execution = own_kind and row.kind == RowKind.EXECUTION
        self.interrupted = self.span.attributes.get(semconv.INTERRUPTED) is True and not own_execution
        self.marked = False
        self.odd: tuple[str, ...] = ()
        span = self.span
        if span.end_ns is not None and span.end_ns < span.start_ns:
            self.odd += ("ended before it started",)
        if span.parent_span_id == span.span_id:
            self.odd += (_CIRCULAR,)
        said = span.attributes.get(semconv.EXECUTION_ID)
        if said is not None and said != row.execution_id:
            self.odd += (f"{semconv.EXECUTION_ID} {_TOO_LONG if isinstance(said, str) else 'is not text'}",)
        if stands is _SEGMENT:
            self.odd += ("is another span of an execution with the same id",)

    def shown(self, rest: dict[str, JsonValue] | None = None, *, stands: Standing | None = None) -> dict[str, Any]:
        """Return the fields of the record without its `SpanInfo`, and put the attributes that they lack into `rest`.

        Args:
            rest: where to put them; None where nobody asks for them.
            stands: what to take the span for; by default what it stands for.
        """
        span, stands = self.span, self.stands if stands is None else stands
        own = _TABLES[_EXECUTION if stands is Standing.DIRECT else stands]
        fields, problems = table.load(table.SPAN if self.foreign else own, span.attributes, rest)
        if "problems" in fields:
            problems[:0] = fields["problems"]
        if self.foreign and stands is not _SPAN:
            fields = foreign_fields(self.row, span, self.convention, stands)
            if self.row.sequence is not None:
                fields["sequence"] = self.row.sequence
        parent = fields.get("parent_execution_id")
        if parent is not None and parent == self.row.execution_id:
            problems.append("names itself as its parent")
        elif parent is not None and parent != self.row.parent_execution_id:
            fields["parent_execution_id"] = self.row.parent_execution_id
            problems.append(f"{semconv.PARENT_EXECUTION_ID} {_TOO_LONG}")
            if rest is not None:
                rest[semconv.PARENT_EXECUTION_ID] = parent
        if self.odd:
            problems += self.odd
        fields["problems"] = tuple(dict.fromkeys(problems)) if problems else ()
        fields["started_at"] = span.start_ns
        fields["completed_at"] = span.end_ns
        return fields

    def fields(self, execution_id: str, origin: Origin | None = None) -> dict[str, Any]:
        """Return the fields of the record, for its constructor.

        Args:
            execution_id: the execution whose record it becomes part of.
            origin: what recorded the execution's own span; None for that span.
        """
        rest: dict[str, JsonValue] = {}
        fields = self.shown(rest)
        if self.foreign:
            rest = self.span.attributes
        else:
            rest.pop(semconv.PROBLEMS, None)  # whatever stood there is a problem now
            said = fields.get("execution_id", rest.pop(semconv.EXECUTION_ID, None))
            if said is None:
                said = self.row.execution_id
            if said != execution_id:  # of a trace that is read into it, or too long
                rest[semconv.EXECUTION_ID] = said
        if self.marked:
            rest = {key: value for key, value in rest.items() if key != semconv.INTERRUPTED}
        fields["span"] = info_of(self.span, rest, foreign=self.foreign, origin=origin)
        return fields


def find_mark(parts: Sequence[Part]) -> bool:
    """Say of the span that `encode` marked as interrupted that it did, and return whether any is."""
    interrupted = [part for part in parts if part.interrupted]
    if len(interrupted) == 1:
        (part,) = interrupted
        said = {key: value for key, value in part.span.attributes.items() if key != semconv.INTERRUPTED}
        at = to_mark([other.span._replace(attributes=said) if other is part else other.span for other in parts])
        part.marked = at is not None and parts[at] is part
    return bool(interrupted)


def to_mark(spans: Sequence[SpanData]) -> int | None:
    """Return which span to mark as interrupted, where no table of ours can say it of an execution: its place.

    It is the first by time that says nothing of it itself and that no other could be taken for, in any order of spans.
    """
    uses = Counter((span.start_ns, span.span_id) for span in spans)
    free = [
        (uses[span.start_ns, span.span_id], span.start_ns, span.span_id, at)
        for at, span in enumerate(spans)
        if semconv.INTERRUPTED not in span.attributes
        and span.attributes.get(semconv.KIND) != KIND_NAMES[RowKind.EXECUTION]
    ]
    return min(free)[-1] if free else None


def mark_oddities(parts: Sequence[Part], parents: Mapping[int, int | None], execution: ExecutionRow) -> None:
    """Say what is odd about the place of each span in an execution, given the parent of each."""
    circular = circles(parents)
    uses = Counter(part.span.span_id for part in parts) if len(parents) < len(parts) else {}
    # where the id of ours is a trace's id too: the traces that are ours
    ours = {part.row.trace_id for part in parts if part.row.kind == RowKind.EXECUTION} if execution.is_own else set()
    for part in parts:
        if not part.foreign and not uses and not circular:
            continue
        span = part.span
        if span.span_id in uses and uses[span.span_id] > 1:
            part.odd += ("another span has the same id",)
        if span.span_id in circular and _CIRCULAR not in part.odd:
            part.odd += (_CIRCULAR,)
        if part.foreign:
            part.odd += _oddities_of_others(part, parents, is_stranger=_is_stranger(part.row, ours))


def _oddities_of_others(part: Part, parents: Mapping[int, int | None], *, is_stranger: bool) -> tuple[str, ...]:
    """Say what is odd about the place of a span that others recorded."""
    span = part.span
    parent, odd = span.parent_span_id, tuple[str, ...]()
    if not is_entry(span) and parent not in parents:
        odd = (f"its parent {parent:016x} is not there",)
    if is_stranger:
        return (*odd, "its trace has the id of this execution, which did not record it")
    if part.stands in {_EXECUTION, Standing.DIRECT}:
        if parent in parents and _CIRCULAR not in part.odd:
            return (*odd, f"its parent {parent:016x} is there: the execution's own span is an earlier one, or missing")
    elif parent is None:
        return (*odd, "is another root of the same trace")
    return odd


def _is_stranger(row: SpanRow, ours: AbstractSet[bytes]) -> bool:
    """Whether a span is in a trace of others whose id happens to be that of an execution of ours."""
    is_of_trace = row.kind >= RowKind.OTHER_STEP and row.execution_id == row.trace_id.hex()
    return bool(ours) and is_of_trace and row.trace_id not in ours
