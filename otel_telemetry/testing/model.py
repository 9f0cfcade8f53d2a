"""What a store should answer, by plain Python: the side that backends are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from otel_telemetry.query import Filter, FinishedRun, OrderBy, Position
from otel_telemetry.rows import (
    OPEN_STATUSES,
    Durations,
    ExecutionRow,
    RowStatus,
    SpanRow,
    Tally,
    index_value,
    metadata_term,
    search_text,
    term,
)
from otel_telemetry.rows import derived as terms_of
from otel_telemetry.semconv import SCOPE_NAME
from otel_telemetry.testing.judgement import Told, caller_of, row_of_execution, standing_states

_HOUR_NS = 3_600_000_000_000
_HAS_OWN_SCOPE = 4
_OURS = (6, 5, 1)
_SEARCHED = ("name", "workflow_name", "caller_id", "step_id", "tool_name", "error_code")


class Model:
    """The executions that rows are of: made from all of them at once, whatever they came in.

    Args:
        written: rows, in any order; each may be there several times and in several states.
    """

    def __init__(self, written: Iterable[SpanRow]) -> None:
        self.rows = standing_states(written)
        """The spans that stand, by the execution that they are kept under."""
        self.all = {execution_id: row_of_execution(spans) for execution_id, spans in self.rows.items()}
        """The row of each execution, also of traces that are read into others."""
        ours: dict[bytes, dict[str, list[SpanRow]]] = {}
        for execution_id, row in self.all.items():
            if row.who_rank in _OURS and execution_id != row.trace_id.hex():
                for span in self.rows[execution_id]:
                    ours.setdefault(span.trace_id, {})[execution_id] = self.rows[execution_id]
        adopted: dict[str, list[SpanRow]] = {}
        for execution_id, row in self.all.items():
            caller = caller_of(row, self.rows[execution_id], ours.get(row.trace_id, {}))
            self.all[execution_id] = row._replace(covered_by=caller)
            if caller is not None:
                adopted.setdefault(caller, []).extend(self.rows[execution_id])
        self.told: dict[str, Told] = {}
        """The executions that are listed."""
        for execution_id, row in self.all.items():
            if row.covered_by is None:
                told = Told(row, self.rows[execution_id], adopted.get(execution_id, ()))
                self.told[execution_id], self.all[execution_id] = told, told.row

    @cached_property
    def terms(self) -> set[tuple[int, int, str]]:
        """What an index of terms holds: a term, when its execution began, and the id of that."""
        return {(term, told.row.started_ns, key) for key, told in self.told.items() for term in _terms(told)}

    def executions(self) -> list[ExecutionRow]:
        """Return the rows of the executions that are listed."""
        return [told.row for told in self.told.values()]

    def spans(self, execution_id: str) -> list[SpanRow]:
        """Return every row of an execution and of the trace that is read into it, as a store gives them back."""
        return [as_read(row) for row in self.told[execution_id].spans] if execution_id in self.told else []

    def matching(
        self,
        where: Filter,
        *,
        live_leases: frozenset[int] = frozenset(),
        order_by: OrderBy = "-started_at",
    ) -> list[ExecutionRow]:
        """Return the executions that match, in order."""
        placed = [
            (position.place, told.row)
            for told in self.told.values()
            if (position := Position.of(told.row, order_by)) is not None and _is_meant(where, told, live_leases)
        ]
        placed.sort(key=lambda pair: pair[0], reverse=order_by.startswith("-"))
        return [row for _, row in placed]

    def runs(self, executions: Iterable[ExecutionRow]) -> Iterator[FinishedRun]:
        """Yield the runs of tools and steps of executions."""
        for row in executions:
            for run in self.told[row.execution_id].runs:
                yield FinishedRun(*run, row.execution_id)

    def durations(self) -> Sequence[Durations]:
        """Return what is counted of all runs."""
        tally = Tally()
        for execution_id, told in self.told.items():
            row = told.row
            frame = row.started_ns // _HOUR_NS, row.workflow_name or "", row.workflow_version or ""
            tally.add(execution_id, frame, told.runs)
        return tally.parts()


def _is_meant(where: Filter, told: Told, live_leases: frozenset[int]) -> bool:
    """Whether an execution fulfils all that is asked (`Filter`)."""
    row, lasted = told.row, told.row.duration_ns
    codes, categories = where.error_code, where.error_category
    return (
        _one_of(row.execution_id, where.execution_id)
        and (where.execution_id_prefix is None or row.execution_id.startswith(where.execution_id_prefix))
        and _one_of(RowStatus(row.status).name, [status.name for status in where.status])
        and _one_of(row.execution_type, [kind.value for kind in where.type])
        and _one_of(row.workflow_name, where.workflow_name)
        and _one_of(row.workflow_version, where.workflow_version)
        and _one_of(row.caller_id, where.caller_id)
        and _one_of(row.parent_execution_id, where.parent_execution_id)
        and (where.started_after_ns is None or row.started_ns >= where.started_after_ns)
        and (where.started_before_ns is None or row.started_ns < where.started_before_ns)
        and (where.min_duration_ns is None or (lasted is not None and lasted >= where.min_duration_ns))
        and (where.max_duration_ns is None or (lasted is not None and lasted <= where.max_duration_ns))
        and (where.interrupted is None or where.interrupted == _is_interrupted(row, live_leases))
        and (where.top_level is None or where.top_level == (row.parent_execution_id is None))
        and (where.foreign is None or where.foreign == (row.who_rank not in _OURS))
        and _some_of(told.traces, where.trace_id)
        and _some_of(told.scopes, where.scope)
        and _some_of(told.kinds, where.kind)
        and _some_of(told.tools, where.tool_name)
        and _some_of(told.step_ids, where.step_id)
        and (
            not (codes or categories)
            or any(_one_of(code, codes) and _one_of(category, categories) for code, category in told.errors)
        )
        and all((key, index_value(value)) in told.metadata for key, value in where.metadata.items())
        and (where.text is None or any(_contains(span, where.text) for span in told.spans))
    )


def _one_of(value: str | None, asked: Sequence[str]) -> bool:
    return not asked or value in asked


def _some_of(values: set[str], asked: Sequence[str]) -> bool:
    return not asked or not values.isdisjoint(asked)


def _is_interrupted(row: ExecutionRow, live_leases: frozenset[int]) -> bool:
    return row.status in OPEN_STATUSES and row.lease_id is not None and row.lease_id not in live_leases


def _contains(span: SpanRow, text: str) -> bool:
    written = search_text(text)
    return any(text in (getattr(span, column) or "") for column in _SEARCHED) or any(
        written in (part or "") for part in (span.document, span.payload)
    )


def _terms(told: Told) -> Iterator[int]:
    for kind, values in (
        *((terms_of.TOOL, told.tools), (terms_of.STEP, told.step_ids), (terms_of.STEP_KIND, told.kinds)),
        # that we recorded a span of its own, its row says
        (terms_of.SCOPE, told.scopes - ({SCOPE_NAME} if told.row.flags & _HAS_OWN_SCOPE else set())),
        (terms_of.TRACE, told.traces - {told.row.trace_id.hex()}),
        (terms_of.ERROR_CODE, {code for code, _ in told.errors} - {None}),
        (terms_of.ERROR_CATEGORY, {category for _, category in told.errors} - {None}),
    ):
        yield from (term(kind, value) for value in values if value is not None)
    for code, category in told.errors:
        if code is not None and category is not None:
            yield term(terms_of.ERROR, category, code)
    for item in told.metadata:
        yield metadata_term(*item)


def as_read(row: SpanRow) -> SpanRow:
    """Return `row` as a store gives it back: its metadata was for the index only."""
    return row._replace(metadata=())


def in_time_order(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """Return rows in the order of `SpanStore.spans`."""
    return sorted(rows, key=lambda row: (row.started_ns, row.sequence or 0, row.span_id))
