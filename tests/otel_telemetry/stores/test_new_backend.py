"""A backend from a stranger: one class, one registration, and the public contract to pass."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.query import Filter, Lease, OrderBy, Position
from otel_telemetry.rows import Durations, RowKind, SpanRow, add_up, count_runs, row_of, runs_of
from otel_telemetry.stores import registry
from otel_telemetry.stores.registry import Backend, open_exporter, open_store, register
from otel_telemetry.testing import SpanStoreContract
from otel_telemetry.testing.rows import make_row

if TYPE_CHECKING:
    from otel_telemetry.stores.registry import Exporter
    from span_processors.data import SpanData


class Shelf:
    """The write side: rows in a dict."""

    name = "shelf"
    wants_starts = True

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int, int], SpanRow] = {}
        self.durations: list[Durations] = []
        self.lease = Lease(1, "here", 1, "", "", time.time_ns(), None)

    def prepare(self, span: SpanData) -> SpanRow:
        return row_of(span, self.lease.lease_id)

    def size(self, row: SpanRow) -> int:
        return len(row.document or "") + len(row.payload or "")

    def write(self, rows: Sequence[SpanRow]) -> None:
        written: list[SpanRow] = []
        replaced: list[SpanRow] = []
        for row in rows:
            key = (row.execution_id, row.started_ns, row.span_id)
            before = self.rows.get(key)
            if row.ended_ns is not None or before is None or before.ended_ns is None:
                replaced += [] if before is None else [before]
                written.append(row)
                self.rows[key] = row
        self.durations = add_up([*self.durations, *count_runs(runs_of(written), runs_of(replaced))])

    def heartbeat(self) -> None:
        self.lease = self.lease._replace(heartbeat_ns=time.time_ns())

    def after_fork_in_child(self) -> None:
        self.rows, self.lease = {}, Lease(2, "here", 2, "", "", time.time_ns(), None)

    def close(self) -> None:
        self.lease = self.lease._replace(closed_ns=time.time_ns())

    def store(self) -> ShelfStore:
        return ShelfStore(self)


class ShelfStore:
    """The read side: `Filter.matches`, asked of every execution."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

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
        down = order_by.startswith("-")
        placed = [(Position.of(row, order_by), row) for row in self._matching(where, live_leases)]
        later = [
            (place, row) for place, row in placed if place and (not after or (place < after if down else place > after))
        ]
        rows = [row._replace(metadata=()) for _, row in sorted(later, key=lambda pair: pair[0], reverse=down)[:limit]]
        return rows if payloads else [row._replace(payload=None) for row in rows]

    def spans(self, execution_ids: Sequence[str]) -> list[SpanRow]:
        rows = [row._replace(metadata=()) for row in self._shelf.rows.values() if row.execution_id in execution_ids]
        return sorted(rows, key=lambda row: (row.started_ns, row.sequence or 0, row.execution_id, row.span_id))

    def count(self, where: Filter, *, live_leases: frozenset[int]) -> int:
        return len(self._matching(where, live_leases))

    def calls(self, where: Filter, *, live_leases: frozenset[int]) -> Iterator[SpanRow]:
        rows = list(self._shelf.rows.values())
        ids = {row.execution_id for row in (rows if where == Filter() else self._matching(where, live_leases))}
        for row in self.spans(list(ids)):
            if row.step_id is not None or row.tool_name is not None:
                yield row._replace(document=None, payload=None)

    def durations(self) -> list[Durations]:
        return self._shelf.durations

    def leases(self) -> list[Lease]:
        return [self._shelf.lease]

    def close(self) -> None: ...

    def _matching(self, where: Filter, live_leases: frozenset[int]) -> list[SpanRow]:
        rows = list(self._shelf.rows.values())
        spans = {id_: [row for row in rows if row.execution_id == id_] for id_ in {row.execution_id for row in rows}}
        return [r for r in rows if r.kind == RowKind.EXECUTION and where.matches(r, spans[r.execution_id], live_leases)]


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
