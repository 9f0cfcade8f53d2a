"""The spans of one execution, each with what it stands for and what is odd about it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry import semconv
from otel_telemetry.codec import table
from otel_telemetry.codec.foreign import foreign_fields
from otel_telemetry.codec.nesting import circles
from otel_telemetry.codec.span_info import Origin, info_of
from otel_telemetry.rows import RowKind
from otel_telemetry.rows.conventions import is_root, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_telemetry.records import JsonValue
    from span_processors.data import SpanData

_TABLES: Final = {
    RowKind.SPAN: table.SPAN,
    RowKind.EXECUTION: table.EXECUTION,
    RowKind.STEP: table.STEP,
    RowKind.TOOL_CALL: table.TOOL_CALL,
}
# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_SPAN: Final = RowKind.SPAN
_EXECUTION: Final = RowKind.EXECUTION
_CIRCULAR: Final = "its parents lead back to itself"
_OWN_KINDS: Final = {"execution": RowKind.EXECUTION, "step": RowKind.STEP, "tool_call": RowKind.TOOL_CALL}


class Part:
    """A span, what it stands for, and what is odd about it, in words."""

    __slots__ = ("interrupted", "kind", "odd", "reading", "span")

    def __init__(self, span: SpanData) -> None:
        own = span.attributes.get(semconv.KIND)
        kind = _OWN_KINDS.get(own) if isinstance(own, str) else None
        reading = read(span) if kind is None else None
        self.span = span
        self.kind = reading.kind if reading is not None else kind or _SPAN
        self.reading = reading if self.kind is not _SPAN else None
        """What others meant by it; None for a span of this package's own making, or inside one."""
        own_execution = self.reading is None and self.kind is _EXECUTION
        self.interrupted = span.attributes.get(semconv.INTERRUPTED) is True and not own_execution
        """Whether `encode` marked it, for an execution that has no span of ours to say so."""
        self.odd: tuple[str, ...] = ()
        if span.end_ns is not None and span.end_ns < span.start_ns:
            self.odd += ("ended before it started",)
        if span.parent_span_id == span.span_id:
            self.odd += (_CIRCULAR,)

    def shown(self, rest: dict[str, JsonValue] | None = None) -> dict[str, Any]:
        """Return the fields of the record without its `SpanInfo`, and put the attributes that they lack into `rest`."""
        span = self.span
        fields, problems = table.load(_TABLES[self.kind] if self.reading is None else table.SPAN, span.attributes, rest)
        if "problems" in fields:
            problems[:0] = fields["problems"]
        if self.reading is not None:
            fields = foreign_fields(span, self.reading, self.kind)
        if self.odd:
            problems += self.odd
        fields["problems"] = tuple(dict.fromkeys(problems)) if problems else ()
        fields["started_at"] = span.start_ns
        fields["completed_at"] = span.end_ns
        return fields

    def fields(self, execution_id: str | None = None, origin: Origin | None = None) -> dict[str, Any]:
        """Return the fields of the record, for its constructor.

        Args:
            execution_id: the execution it is part of; None for the execution's own span.
            origin: what recorded the execution's own span.
        """
        rest: dict[str, JsonValue] = {}
        fields = self.shown(rest)
        if self.reading is None:
            rest.pop(semconv.PROBLEMS, None)  # whatever stood there is a problem now
            if rest.get(semconv.EXECUTION_ID) == execution_id:
                rest.pop(semconv.EXECUTION_ID, None)
        else:
            rest = self.span.attributes
        if self.interrupted:
            rest = {key: value for key, value in rest.items() if key != semconv.INTERRUPTED}
        fields["span"] = info_of(self.span, rest, foreign=self.reading is not None, origin=origin)
        return fields


def parts_of(spans: Sequence[SpanData]) -> list[Part]:
    """Return the spans in the order they started. One that is given twice, equal in all, is one."""
    ordered = sorted(spans, key=_order)
    if len({span.span_id for span in spans}) < len(spans):
        kept: dict[int, list[SpanData]] = {span.span_id: [] for span in spans}
        for span in ordered:
            if span not in kept[span.span_id]:
                kept[span.span_id].append(span)
        ordered = sorted(chain.from_iterable(kept.values()), key=_order_of_twins)
    return [Part(span) for span in ordered]


def choose_root(parts: Sequence[Part]) -> Part | None:
    """Return the execution's own span. Any other that claims to be is a step if others recorded it, or a mere span."""
    claims = [part for part in parts if part.kind is _EXECUTION]
    if not claims:
        return None
    ids = {part.span.span_id for part in parts}
    root = min(claims, key=lambda part: _doubts(part, part.span.parent_span_id, ids))
    for part in claims:
        if part is root:
            continue
        if part.reading is None:
            part.kind = RowKind.SPAN
            part.odd += ("is another span of an execution with the same id",)
        else:
            part.kind = RowKind.STEP
            if part.span.parent_span_id not in ids:
                part.odd += ("is another root of the same trace",)
    return root


def mark_oddities(parts: Sequence[Part], parents: Mapping[int, int | None]) -> None:
    """Say what is odd about the place of each span, given the parent of each."""
    circular = circles(parents)
    uses = Counter(part.span.span_id for part in parts) if len(parents) < len(parts) else {}
    for part in parts:
        if part.reading is None and not uses and not circular:
            continue
        span = part.span
        if span.span_id in uses and uses[span.span_id] > 1:
            part.odd += ("another span has the same id",)
        if span.span_id in circular and _CIRCULAR not in part.odd:
            part.odd += (_CIRCULAR,)
        if part.reading is not None and not is_root(span) and span.parent_span_id not in parents:
            part.odd += (f"its parent {span.parent_span_id:016x} is not there",)


def _order(span: SpanData) -> tuple[int, int, int]:
    sequence = span.attributes.get(semconv.SEQUENCE)
    return span.start_ns, sequence if type(sequence) is int else 0, span.span_id


def _order_of_twins(span: SpanData) -> tuple[int, int, int, int]:
    """Return the place also among spans with the same id: the last of them says whose child they are."""
    return *_order(span), -1 if span.parent_span_id is None else span.parent_span_id


def _doubts(part: Part, parent: int | None, ids: set[int]) -> tuple[bool, bool, bool]:
    """Return what speaks against a span being the root, the strongest first."""
    return part.reading is not None, parent in ids, parent is not None
