"""Questions to a store, as values: filters, their plain-Python meaning, and the protocol a store implements."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, NamedTuple, Protocol, TypedDict

from otel_telemetry import filter_values
from otel_telemetry.errors import InvalidFilterError, unknown
from otel_telemetry.leases import Lease
from otel_telemetry.records import ExecutionStatus, ExecutionType, JsonValue
from otel_telemetry.rows import Durations, RowKind, RowStatus, SpanRow, index_value, search_text

__all__ = [
    "JSON_COLUMNS",
    "OPEN_STATUSES",
    "ORDERS",
    "TEXT_COLUMNS",
    "Filter",
    "Filters",
    "Lease",
    "OrderBy",
    "Position",
    "SpanStore",
    "is_interrupted",
]

OrderBy = Literal["-started_at", "started_at", "-duration", "duration"]
ORDERS: Final[tuple[OrderBy, ...]] = ("-started_at", "started_at", "-duration", "duration")

OPEN_STATUSES: Final = frozenset({int(RowStatus.PENDING), int(RowStatus.RUNNING)})
"""What an execution has not ended in."""
_RECORDS: Final = (RowKind.EXECUTION, RowKind.STEP, RowKind.TOOL_CALL)
TEXT_COLUMNS: Final = ("name", "workflow_name", "caller_id", "step_id", "tool_name", "error_code")
"""The columns that a text is searched in as it is."""
JSON_COLUMNS: Final = ("document", "payload")
"""The columns that a text is searched in as `spans.search_text` writes it."""


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
        metadata: each key is there and its value equal, as JSON (``1``, ``1.0``, ``"1"`` and ``true`` are four values).
        text: occurs, case-sensitively, in a span's own name, document or payload, or in the name of its workflow,
            caller, step, tool or error code. A name that only says what the span is (`spans.default_name`) is not
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
        conditions: dict[str, tuple[str | int, ...]] = {
            "execution_id": self.execution_id,
            "status": tuple(int(RowStatus[status.name]) for status in self.status),
            "execution_type": tuple(kind.value for kind in self.type),
            "workflow_name": self.workflow_name,
            "workflow_version": self.workflow_version,
            "caller_id": self.caller_id,
            "parent_execution_id": self.parent_execution_id,
        }
        return {column: values for column, values in conditions.items() if values}

    def span_conditions(self) -> list[tuple[tuple[RowKind, ...], dict[str, tuple[str, ...]]]]:
        """Return what some row of the execution must be: of one of these kinds, with these values in its columns."""
        errors = {"error_code": self.error_code, "error_category": self.error_category}
        conditions = [
            (_RECORDS, {column: values for column, values in errors.items() if values}),
            (_RECORDS, {"tool_name": self.tool_name} if self.tool_name else {}),
            ((RowKind.STEP,), {"step_id": self.step_id} if self.step_id else {}),
        ]
        return [(kinds, columns) for kinds, columns in conditions if columns]

    def matches(self, execution: SpanRow, spans: Iterable[SpanRow], live_leases: frozenset[int]) -> bool:
        """Whether an execution is meant: the definition that every store is tested against.

        Args:
            execution: the execution's row, with its `metadata`.
            spans: every row of its execution id, `execution` among them.
            live_leases: the leases of the processes that are alive.
        """
        rows = tuple(spans)
        lasted = None if execution.ended_ns is None else execution.ended_ns - execution.started_ns
        return (
            _agrees(execution, self.row_conditions())
            and execution.execution_id.startswith(self.execution_id_prefix or "")
            and (self.started_after_ns is None or self.started_after_ns <= execution.started_ns)
            and (self.started_before_ns is None or execution.started_ns < self.started_before_ns)
            and (self.min_duration_ns is None or (lasted is not None and self.min_duration_ns <= lasted))
            and (self.max_duration_ns is None or (lasted is not None and lasted <= self.max_duration_ns))
            and (self.interrupted is None or self.interrupted == is_interrupted(execution, live_leases))
            and {(key, index_value(value)) for key, value in self.metadata.items()} <= set(execution.metadata)
            and all(
                any(row.kind in kinds and _agrees(row, columns) for row in rows)
                for kinds, columns in self.span_conditions()
            )
            and (self.text is None or any(_contains(row, self.text) for row in rows))
        )


def is_interrupted(row: SpanRow, live_leases: frozenset[int]) -> bool:
    """Whether a span can no longer end, because the process that recorded it is gone."""
    return row.status in OPEN_STATUSES and row.lease_id is not None and row.lease_id not in live_leases


def _agrees(row: SpanRow, conditions: Mapping[str, tuple[str | int, ...]]) -> bool:
    return all(getattr(row, column) in values for column, values in conditions.items())


def _contains(row: SpanRow, text: str) -> bool:
    escaped = search_text(text)
    return any(text in (getattr(row, column) or "") for column in TEXT_COLUMNS) or any(
        escaped in (getattr(row, column) or "") for column in JSON_COLUMNS
    )


_MOMENTS: Final = {"started_after": "started_after_ns", "started_before": "started_before_ns"}
_CONVERSIONS: Final[dict[str, tuple[str, Callable[[str, object], object]]]] = {
    "execution_id_prefix": ("execution_id_prefix", filter_values.searched),
    "status": ("status", partial(filter_values.members, choices=ExecutionStatus)),
    "type": ("type", partial(filter_values.members, choices=ExecutionType)),
    "min_duration_ms": ("min_duration_ns", filter_values.duration),
    "max_duration_ms": ("max_duration_ns", filter_values.duration),
    "interrupted": ("interrupted", filter_values.flag),
    "metadata": ("metadata", filter_values.metadata),
    "text": ("text", filter_values.searched),
}
"""The filters that are no list of texts: the field that each becomes, and how."""


class Position(NamedTuple):
    """Where an execution stands in an order: what rows are compared by, and where a page ended.

    `value` is the start or the duration, nanoseconds. Ties go by start, execution id (by code point), then span id,
    all in the direction of the order.
    """

    value: int
    started_ns: int
    execution_id: str
    span_id: int

    @classmethod
    def of(cls, row: SpanRow, order_by: OrderBy) -> Position | None:
        """Return where `row` stands, or None where it has no place: not ended, in an order by duration."""
        if order_by.endswith("started_at"):
            return cls(row.started_ns, row.started_ns, row.execution_id, row.span_id)
        if row.ended_ns is None:
            return None
        return cls(row.ended_ns - row.started_ns, row.started_ns, row.execution_id, row.span_id)


class SpanStore(Protocol):
    """What a backend can be asked. Each method reads what is committed; rows come complete, in the order stated.

    Complete but for `SpanRow.metadata`, which is there to be searched: rows read have none, their document says it.
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
        payloads: bool = True,
    ) -> list[SpanRow]:
        """Return the execution rows that match, ordered by `Position`, those that come after `after`.

        Of an execution id recorded twice, each row counts as one. An order by duration leaves out what has not ended.
        Without `payloads`, their `payload` is None.
        """

    def spans(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Return every row of these executions, ordered by (started_ns, sequence or 0, execution_id, span_id)."""

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        """Return how many execution rows match."""

    def calls(self, where: Filter, *, live_leases: frozenset[int]) -> Iterable[SpanRow]:
        """Stream the rows that name a step or a tool, of the executions that match, in any order, for statistics.

        Where nothing is asked, these are all such rows, also of executions whose own row is not there. They come
        without payload and document, and of their resource with its key only.
        """

    def durations(self) -> Iterable[Durations]:
        """Return what `spans.count_runs` counts of all rows, in any order; it may come in parts to be added up.

        Each ended row counts once, however often it was written, and as it was last.
        """

    def leases(self) -> list[Lease]:
        """Return the processes that have not closed their lease, and the closed ones that rows still name."""

    def close(self) -> None:
        """Let go of connections."""
