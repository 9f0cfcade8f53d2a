"""A backend from a stranger: one class, one registration, and the public contract to pass."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.query import Filter, FinishedRun, Lease, OrderBy, Position
from otel_telemetry.rows import Durations, ExecutionRow, RowKind, SpanRow, row_of
from otel_telemetry.stores import registry
from otel_telemetry.stores.registry import Backend, open_exporter, open_store, register
from otel_telemetry.testing import SpanStoreContract
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import make_row

if TYPE_CHECKING:
    from otel_telemetry.stores.registry import Exporter
    from span_processors.data import SpanData


class Shelf:
    """The write side: rows in a list."""

    name = "shelf"
    wants_starts = True

    def __init__(self) -> None:
        self.rows: list[SpanRow] = []
        self.lease = Lease(1, "here", 1, "", "", time.time_ns(), None)

    def prepare(self, span: SpanData) -> SpanRow:
        return row_of(span, self.lease.lease_id)

    def size(self, row: SpanRow) -> int:
        return len(row.document or "") + len(row.payload or "")

    def write(self, rows: Sequence[SpanRow]) -> None:
        self.rows += rows

    def heartbeat(self) -> None:
        self.lease = self.lease._replace(heartbeat_ns=time.time_ns())

    def after_fork_in_child(self) -> None:
        self.rows, self.lease = [], Lease(2, "here", 2, "", "", time.time_ns(), None)

    def close(self) -> None:
        self.lease = self.lease._replace(closed_ns=time.time_ns())

    def store(self) -> ShelfStore:
        return ShelfStore(self)


class ShelfStore:
    """The read side: `Filter.matches`, asked of every execution."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: tuple[int, Model] | None = None

    @property
    def _model(self) -> Model:
        there = len(self._shelf.rows)
        if self._made is None or self._made[0] != there:
            self._made = there, Model(self._shelf.rows)
        return self._made[1]

    def executions(
        self,
        where: Filter,
        *,
        live_leases: frozenset[int],
        order_by: OrderBy = "-started_at",
        after: Position | None = None,
        limit: int = 50,
    ) -> list[ExecutionRow]:
        rows = self._model.matching(where, live_leases=live_leases, order_by=order_by)
        if after is not None:
            down, there = order_by.startswith("-"), after.place
            places = [(row, Position.of(row, order_by)) for row in rows]
            rows = [row for row, at in places if at and (at.place < there if down else at.place > there)]
        return rows[:limit]

    def heads(self, executions: Sequence[ExecutionRow]) -> dict[str, list[SpanRow]]:
        found = {}
        for row in executions:
            places = {
                (row.started_ns, row.who_span_id),
                (row.state_started_ns, row.state_span_id),
                (row.metadata_started_ns, row.metadata_span_id),
            }
            spans = self._model.spans(row.execution_id)
            found[row.execution_id] = [s._replace(payload=None) for s in spans if (s.started_ns, s.span_id) in places]
        return found

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        found = {execution_id: self._model.spans(execution_id) for execution_id in execution_ids}
        return {execution_id: rows for execution_id, rows in found.items() if rows}

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        return len(self._model.matching(where, live_leases=live_leases))

    def runs(self, where: Filter, *, live_leases: frozenset[int]) -> Iterator[FinishedRun]:
        return self._model.runs(self._model.matching(where, live_leases=live_leases))

    def durations(
        self,
        *,
        kind: int | None = None,
        hours: tuple[int | None, int | None] = (None, None),
        workflow_name: Sequence[str] = (),
        workflow_version: Sequence[str] = (),
        by_name: bool = False,
    ) -> list[Durations]:
        return [
            part
            for part in self._model.durations()
            if (kind is None or part.kind == kind)
            and (hours[0] is None or part.hour >= hours[0])
            and (hours[1] is None or part.hour < hours[1])
            and (not workflow_name or part.workflow_name in workflow_name)
            and (not workflow_version or part.workflow_version in workflow_version)
        ]

    def leases(self) -> list[Lease]:
        return [self._shelf.lease]

    def close(self) -> None: ...


@pytest.fixture
def shelves() -> Iterator[dict[str, Shelf]]:
    shelves: dict[str, Shelf] = {}
    register("shelf", Backend(lambda url: shelves.setdefault(url, Shelf()), lambda url: ShelfStore(shelves[url])))
    yield shelves
    del registry._backends["shelf"]


@pytest.mark.usefixtures("shelves")
class TestShelf(SpanStoreContract):
    @pytest.fixture
    def exporter(self, shelves: dict[str, Shelf]) -> Exporter:
        return open_exporter("shelf://one")


@pytest.mark.usefixtures("shelves")
def test_it_is_opened_by_its_url() -> None:
    exporter = open_exporter("shelf://one")
    exporter.write([make_row(RowKind.EXECUTION, "run", 1)])
    store = open_store("shelf://one")
    assert store.count(Filter(), live_leases=frozenset()) == 1
