"""Questions to a store, as values: filters, their plain-Python meaning, and the protocol a store implements."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, NamedTuple, Protocol, TypedDict

from otel_telemetry import filter_values
from otel_telemetry.errors import InvalidFilterError, unknown
from otel_telemetry.fields import ON_ROWS, SEARCHED
from otel_telemetry.leases import Lease
from otel_telemetry.records import ExecutionStatus, ExecutionType, JsonValue
from otel_telemetry.rows import (
    OPEN_STATUSES,
    Durations,
    ExecutionRow,
    RowStatus,
    SpanRow,
    Standing,
    doubles,
    execution_key,
    index_value,
    metadata_of,
    search_text,
    stands,
)
from otel_telemetry.rows.durations import KINDS_OF_STEPS
from otel_telemetry.semconv import SCOPE_NAME

__all__ = [
    "JSON_COLUMNS",
    "ORDERS",
    "TEXT_COLUMNS",
    "Filter",
    "Filters",
    "FinishedRun",
    "Lease",
    "OrderBy",
    "Position",
    "SpanStore",
    "is_interrupted",
]

OrderBy = Literal["-started_at", "started_at", "-duration", "duration"]
ORDERS: Final[tuple[OrderBy, ...]] = ("-started_at", "started_at", "-duration", "duration")

TEXT_COLUMNS: Final = ("name", *SEARCHED, "error_code")
"""The columns that a text is searched in as it is."""
JSON_COLUMNS: Final = ("document", "payload")
"""The columns that a text is searched in as `rows.search_text` writes it."""


class Filters(TypedDict, total=False):
    """The keywords of a query, as `Filter.parse` takes them. None: not asked."""

    execution_id: str | Iterable[str] | None
    execution_id_prefix: str | None
    status: ExecutionStatus | str | Iterable[ExecutionStatus | str] | None
    type: ExecutionType | str | Iterable[ExecutionType | str] | None
    workflow_name: str | Iterable[str] | None
    workflow_version: str | Iterable[str] | None
    caller_id: str | Iterable[str] | None
    parent_execution_id: str | Iterable[str] | None
    started_after: datetime | str | int | None
    started_before: datetime | str | int | None
    min_duration_ms: float | str | None
    max_duration_ms: float | str | None
    interrupted: bool | None
    error_code: str | Iterable[str] | None
    error_category: str | Iterable[str] | None
    tool_name: str | Iterable[str] | None
    step_id: str | Iterable[str] | None
    trace_id: str | Iterable[str] | None
    scope: str | Iterable[str] | None
    kind: str | Iterable[str] | None
    top_level: bool | None
    foreign: bool | None
    metadata: Mapping[str, JsonValue] | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which executions are meant: all conditions hold at once. An empty tuple or None: not asked.

    Attributes:
        execution_id, status, type, workflow_name, workflow_version, caller_id, parent_execution_id: equal to one of
            these.
        execution_id_prefix: the execution id begins with this.
        started_after_ns, started_before_ns: ``after <= started_at < before``.
        min_duration_ns, max_duration_ns: ``min <= duration <= max``; an execution that has not ended matches neither.
        interrupted: whether its process went away before the execution ended.
        error_code, error_category: the top error of the execution, or of any of its steps or tool calls, has one of
            these; where both are asked, one error has both.
        tool_name: some tool call or step of it names one of these tools, or it is itself the call of one.
        step_id: some step of it has one of these ids.
        trace_id: some span of it belongs to one of these traces, 32 hexadecimal digits each.
        scope: some span of it was recorded by an instrumentation of one of these names.
        kind: some step of it is of one of these kinds: ``agent``, ``chain``, ``chat`` or ``plan``.
        top_level: whether no other execution started it.
        foreign: whether it was recorded by others, under their conventions.
        metadata: each key is there and its value equal, as JSON (``1``, ``1.0``, ``"1"`` and ``true`` are four values).
        text: occurs, case-sensitively, in a span's own name, document or payload, or in the name of its workflow,
            caller, step, tool or error code. A name that only says what the span is (`rows.default_name`) is not
            searched.
    """

    execution_id: tuple[str, ...] = ()
    execution_id_prefix: str | None = None
    status: tuple[ExecutionStatus, ...] = ()
    type: tuple[ExecutionType, ...] = ()
    workflow_name: tuple[str, ...] = ()
    workflow_version: tuple[str, ...] = ()
    caller_id: tuple[str, ...] = ()
    parent_execution_id: tuple[str, ...] = ()
    started_after_ns: int | None = None
    started_before_ns: int | None = None
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    interrupted: bool | None = None
    error_code: tuple[str, ...] = ()
    error_category: tuple[str, ...] = ()
    tool_name: tuple[str, ...] = ()
    step_id: tuple[str, ...] = ()
    trace_id: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    top_level: bool | None = None
    foreign: bool | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    text: str | None = None

    @classmethod
    def parse(cls, now_ns: int | None = None, /, **filters: object) -> Filter:
        """Check and convert what a user gives (the keywords of `TelemetryStore.query`: `Filters`).

        Each of the tuple fields takes one value or an iterable of them; enums also by name or value, any case;
        ``started_after``/``started_before`` an aware or naive (taken as UTC) datetime, integer nanoseconds, an
        ISO 8601 text, or a span back from now such as ``"1d"``, ``"90m"``; durations a number of milliseconds or a
        text such as ``"1.5s"``. None stands for a filter that was not given.

        Args:
            now_ns: what spans of time count back from, nanoseconds since the epoch, UTC; the present unless given.
            filters: the keywords.

        Raises:
            InvalidFilterError: an unknown name or value; the message has the valid ones and the nearest.
        """
        now_ns = time.time_ns() if now_ns is None else now_ns
        fields: dict[str, Any] = {}
        for name, given in filters.items():
            if name not in Filters.__annotations__:
                raise InvalidFilterError(unknown("filter", name, Filters.__annotations__))
            if given is None:
                continue
            if name in _MOMENTS:
                fields[_MOMENTS[name]] = filter_values.moment(name, given, now_ns)
            else:
                target, convert = _CONVERSIONS.get(name, (name, filter_values.texts))
                fields[target] = convert(name, given)
        return cls(**fields)

    def row_conditions(self) -> dict[str, tuple[str | int, ...]]:
        """Return the columns of the execution's own row that are asked for, each with the values it may have."""
        asked = {field.column: getattr(self, field.name) for field in ON_ROWS}
        return {column: tuple(map(_as_stored, values)) for column, values in asked.items() if values}

    def matches(self, execution: ExecutionRow, spans: Iterable[SpanRow], live_leases: frozenset[int]) -> bool:
        """Whether an execution is meant: the definition that every store is tested against.

        Args:
            execution: the execution's row.
            spans: every row of it, and of the trace that is read into it.
            live_leases: the leases of the processes that are alive.
        """
        rows = tuple(spans)
        lasted = execution.duration_ns
        return (
            _agrees(execution, self.row_conditions())
            and execution.execution_id.startswith(self.execution_id_prefix or "")
            and (self.started_after_ns is None or self.started_after_ns <= execution.started_ns)
            and (self.started_before_ns is None or execution.started_ns < self.started_before_ns)
            and (self.min_duration_ns is None or (lasted is not None and self.min_duration_ns <= lasted))
            and (self.max_duration_ns is None or (lasted is not None and lasted <= self.max_duration_ns))
            and (self.interrupted is None or self.interrupted == is_interrupted(execution, live_leases))
            and (self.top_level is None or self.top_level == (execution.parent_execution_id is None))
            and (self.foreign is None or self.foreign != execution.is_own)
            and (not self.trace_id or any(row.trace_id.hex() in self.trace_id for row in rows))
            and (not self.scope or any((row.scope or SCOPE_NAME) in self.scope for row in rows))
            and (not self.metadata or self._has_metadata(execution, rows))
            and self._has_parts(execution, rows)
            and (self.text is None or any(_contains(row, self.text) for row in rows))
        )

    def _has_metadata(self, execution: ExecutionRow, rows: Sequence[SpanRow]) -> bool:
        place = execution.metadata_started_ns, execution.metadata_span_id
        said = {item for row in rows if (row.started_ns, row.span_id) == place for item in metadata_of(row)}
        return {(key, index_value(value)) for key, value in self.metadata.items()} <= said

    def _has_parts(self, execution: ExecutionRow, rows: Sequence[SpanRow]) -> bool:
        hidden = doubles(rows)
        counted: list[tuple[SpanRow, Standing]] = []
        for row in rows:
            what = stands(execution, row, hidden, adopted=row.execution_id != execution.execution_id)
            if what not in {Standing.SPAN, Standing.SEGMENT}:
                counted.append((row, what))
        codes, categories = self.error_code, self.error_category
        steps = [row for row, what in counted if what is Standing.STEP]
        return (
            (
                not (codes or categories)
                or any(
                    (not codes or row.error_code in codes) and (not categories or row.error_category in categories)
                    for row, _ in counted
                )
            )
            and (
                not self.tool_name
                or any(row.tool_name in self.tool_name for row, what in counted if what is not Standing.EXECUTION)
            )
            and (not self.step_id or any(row.step_id in self.step_id for row in steps))
            and (not self.kind or any(row.step_kind in self.kind for row in steps))
        )


def is_interrupted(row: ExecutionRow, live_leases: frozenset[int]) -> bool:
    """Whether an execution can no longer end, because the process that recorded it is gone."""
    return row.status in OPEN_STATUSES and row.lease_id is not None and row.lease_id not in live_leases


def _as_stored(value: str | Enum) -> str | int:
    """Return how a row has what a filter asks for."""
    if isinstance(value, ExecutionStatus):
        return int(RowStatus[value.name])
    return str(value.value) if isinstance(value, Enum) else value


def _agrees(row: ExecutionRow, conditions: Mapping[str, tuple[str | int, ...]]) -> bool:
    return all(getattr(row, column) in values for column, values in conditions.items())


def _contains(row: SpanRow, text: str) -> bool:
    escaped = search_text(text)
    return any(text in (getattr(row, column) or "") for column in TEXT_COLUMNS) or any(
        escaped in (getattr(row, column) or "") for column in JSON_COLUMNS
    )


_MOMENTS: Final = {"started_after": "started_after_ns", "started_before": "started_before_ns"}
_CONVERSIONS: Final[dict[str, tuple[str, Callable[[str, object], object]]]] = {
    "execution_id": ("execution_id", filter_values.ids),
    "parent_execution_id": ("parent_execution_id", filter_values.ids),
    "execution_id_prefix": ("execution_id_prefix", filter_values.searched),
    "status": ("status", partial(filter_values.members, choices=ExecutionStatus)),
    "type": ("type", partial(filter_values.members, choices=ExecutionType)),
    "min_duration_ms": ("min_duration_ns", filter_values.duration),
    "max_duration_ms": ("max_duration_ns", filter_values.duration),
    "interrupted": ("interrupted", filter_values.flag),
    "top_level": ("top_level", filter_values.flag),
    "foreign": ("foreign", filter_values.flag),
    "trace_id": ("trace_id", filter_values.trace_ids),
    "kind": ("kind", partial(filter_values.choices, valid=tuple(filter(None, KINDS_OF_STEPS)))),
    "metadata": ("metadata", filter_values.metadata),
    "text": ("text", filter_values.searched),
}
"""The filters that are no list of plain texts: the field that each becomes, and how."""


class Position(NamedTuple):
    """Where an execution stands in an order: what rows are compared by, and where a page ended.

    `value` is the start or the duration, nanoseconds. Ties go by start, then by the execution's key
    (`rows.execution_key`), all in the direction of the order.
    """

    value: int
    started_ns: int
    execution_id: str

    @classmethod
    def of(cls, row: ExecutionRow, order_by: OrderBy) -> Position | None:
        """Return where `row` stands, or None where it has no place: not ended, in an order by duration."""
        if order_by.endswith("started_at"):
            return cls(row.started_ns, row.started_ns, row.execution_id)
        return None if row.duration_ns is None else cls(row.duration_ns, row.started_ns, row.execution_id)

    @property
    def place(self) -> tuple[int, int, bytes]:
        """What positions are compared by."""
        return self.value, self.started_ns, execution_key.encode(self.execution_id)


class FinishedRun(NamedTuple):
    """One run of a tool or a step that has ended, for statistics."""

    kind: int
    """`rows.durations.TOOL_CALL`, or one of `KINDS_OF_STEPS`."""
    name: str
    failed: bool
    lasted_ns: int
    execution_id: str


class SpanStore(Protocol):
    """What a backend can be asked. Each method reads what is committed; rows come complete, in the order stated.

    Complete but for `SpanRow.metadata`, which is there to be searched: rows read have none, their document says it.
    An execution that was deleted, or is read into another one (`ExecutionRow.covered_by`), is found nowhere by itself.
    Methods may be called from any thread. Every one raises `StoreUnavailableError` where the store cannot be reached
    and `StoreError` where it cannot be read.
    """

    def executions(
        self,
        where: Filter,
        *,
        live_leases: frozenset[int],
        order_by: OrderBy = "-started_at",
        after: Position | None = None,
        limit: int = 50,
    ) -> list[ExecutionRow]:
        """Return the executions that match, each id once, ordered by `Position`, those that come after `after`.

        An order by duration leaves out what has not ended.
        """

    def heads(self, executions: Sequence[ExecutionRow]) -> dict[str, list[SpanRow]]:
        """Return, by execution, the spans that say who it is, how it stands and its metadata, without payloads."""

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return, by execution, every row of it and of the trace that is read into it; no entry where there is none.

        They are ordered by (started_ns, sequence or 0, span_id).
        """

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        """Return how many executions match."""

    def runs(self, where: Filter, *, live_leases: frozenset[int]) -> Iterable[FinishedRun]:
        """Stream the runs of tools and steps that have ended, of the executions that match, in any order.

        They are those that `rows.counts_of` counts.
        """

    def durations(
        self,
        *,
        kind: int | None = None,
        hours: tuple[int | None, int | None] = (None, None),
        workflow_name: Sequence[str] = (),
        workflow_version: Sequence[str] = (),
        by_name: bool = False,
    ) -> Iterable[Durations]:
        """Return what `rows.Tally` counts of the runs of all executions, in any order; in parts to be added up.

        Each ended span counts once, however often it was written, and as it stands.

        Args:
            kind: only of this kind (`rows.durations`).
            hours: from the first up to but without the second, hours since the epoch; None: without a bound.
            workflow_name: of one of these workflows.
            workflow_version: of one of these versions.
            by_name: whether only kinds and names are told apart: hours, workflows and versions may come as any.
        """

    def leases(self) -> list[Lease]:
        """Return the processes that have not closed their lease, and the closed ones that open executions name."""

    def close(self) -> None:
        """Let go of connections."""
