"""Questions to a store, as values: filters, their plain-Python meaning, and the protocol a store implements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from otel_telemetry.records import ExecutionStatus, ExecutionType, JsonValue
from otel_telemetry.spans import SpanRow

OrderBy = Literal["-started_at", "started_at", "-duration", "duration"]
ORDERS: Final[tuple[OrderBy, ...]] = ("-started_at", "started_at", "-duration", "duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which executions are meant: all conditions hold at once. An empty tuple or None: not asked.

    Attributes:
        execution_id, status, type, workflow_name, workflow_version, caller_id, parent_execution_id: equal to one of these.
        started_after_ns, started_before_ns: ``after <= started_at < before``.
        min_duration_ms, max_duration_ms: ``min <= duration <= max``; an execution that has not ended matches neither.
        interrupted: whether its process went away before the execution ended.
        error_code, error_category: the top error of the execution, or of any of its steps or tool calls, has one of these.
        tool_name: some tool call or step of it names one of these tools.
        step_id: some step of it has one of these ids.
        metadata: each key is there and its value equal, as JSON.
        text: occurs, case-sensitively, in the name, the document or the payload of any span of it, or in its
            workflow, caller, step or tool name.
    """

    execution_id: tuple[str, ...] = ()
    status: tuple[ExecutionStatus, ...] = ()
    type: tuple[ExecutionType, ...] = ()
    workflow_name: tuple[str, ...] = ()
    workflow_version: tuple[str, ...] = ()
    caller_id: tuple[str, ...] = ()
    parent_execution_id: tuple[str, ...] = ()
    started_after_ns: int | None = None
    started_before_ns: int | None = None
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None
    interrupted: bool | None = None
    error_code: tuple[str, ...] = ()
    error_category: tuple[str, ...] = ()
    tool_name: tuple[str, ...] = ()
    step_id: tuple[str, ...] = ()
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    text: str | None = None

    @classmethod
    def parse(cls, **filters: object) -> Filter:
        """Check and convert what a user gives (`TelemetryStore.query`'s keywords).

        Each of the tuple fields takes one value or an iterable of them; enums also by name or value, any case;
        ``started_after``/``started_before`` an aware or naive (taken as UTC) datetime, integer nanoseconds, an ISO 8601 text, or a
        span back from now such as ``"1d"``, ``"90m"``; durations a number of milliseconds.

        Raises:
            InvalidFilterError: an unknown name or value; the message has the valid ones and the nearest.
        """
        raise NotImplementedError

    def matches(self, spans: Sequence[SpanRow], live_leases: frozenset[int]) -> bool:
        """Whether the execution that `spans` (all of them) make up is meant: the definition that every store is tested against."""
        raise NotImplementedError


class Position(NamedTuple):
    """Where a page ended: the last execution's key in the order asked for. `value` is its start or duration in ns."""

    value: int
    started_ns: int
    execution_id: str
    span_id: int


class Lease(NamedTuple):
    """A process that records, or did. Alive while its heartbeat is young or, on this host, its process exists."""

    lease_id: int
    host: str
    pid: int
    boot_id: str
    process_started: str
    heartbeat_ns: int
    closed_ns: int | None


class SpanStore(Protocol):
    """What a backend can be asked. Each method reads what is committed; rows come complete, in the order stated.

    Every method raises `StoreUnavailableError` where the store cannot be reached and `StoreError` where it cannot be read.
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
        """The execution rows that match, in order; ties by execution id then span id, in the same direction.

        Of an execution id recorded twice, each row counts as one. An order by duration leaves out what has not ended.
        Without `payloads`, their `payload` is None.
        """

    def spans(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        """Every row of these executions, ordered by (started_ns, sequence or 0, span_id)."""

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        """How many execution rows match."""

    def calls(self, where: Filter, *, live_leases: frozenset[int]) -> Iterable[SpanRow]:
        """Stream the step and tool call rows of the executions that match, without payload and document, for statistics."""

    def leases(self) -> list[Lease]:
        """The processes that have not closed their lease, and the closed ones that rows still name."""

    def close(self) -> None:
        """Let go of connections."""
