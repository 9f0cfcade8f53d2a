"""The same answer from every backend as from plain Python, value by value."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_telemetry import codec
from otel_telemetry.reader import STATS_BY, Reader
from otel_telemetry.records import ExecutionSummary
from otel_telemetry.stores import sql_store
from otel_telemetry.stores.registry import open_exporter
from tests.otel_telemetry.generated import LIVE_LEASE, Question, questions, stores
from tests.otel_telemetry.stores.test_new_backend import Shelf

if TYPE_CHECKING:
    from otel_telemetry.query import Lease, SpanStore
    from otel_telemetry.reader import Filters
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.stores.registry import Exporter

STORES = 25
QUESTIONS_PER_STORE = 41
"""Together more than a thousand questions to each backend."""

Opener = Callable[[], Any]


def _alive(leases: Iterable[Lease], now_ns: int) -> frozenset[int]:
    return frozenset({LIVE_LEASE})


def _reader(store: SpanStore) -> Reader:
    return Reader(store, alive=_alive, clock=lambda: 2**62)


@pytest.fixture(params=[("memory", -1), ("sqlite", sql_store.FEW), ("postgresql", sql_store.FEW)], ids=itemgetter(0))
def open_empty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens the write side of an empty store, as often as it is called."""
    kind, few = request.param
    monkeypatch.setattr(sql_store, "FEW", few)  # in memory, every question is answered as where many rows fulfil it
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else ""

    @contextmanager
    def empty() -> Iterator[Exporter]:
        with tempfile.TemporaryDirectory() as directory:
            schema = f"test_{uuid.uuid4().hex}"
            urls = {
                "memory": "memory://",
                "sqlite": f"sqlite:///{Path(directory) / 'telemetry.db'}",
                "postgresql": f"{server}{'&' if '?' in server else '?'}schema={schema}",
            }
            with closing(open_exporter(urls[kind])) as exporter:
                yield exporter
        if server:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    return empty


def _answers(reader: Reader, question: Question) -> tuple[list[list[bytes]], int]:
    """Every page, record by record as the bytes of its JSON, and the count."""
    pages: list[list[bytes]] = []
    cursor = None
    while True:
        page = reader.query(
            payloads=question.payloads,
            limit=question.limit,
            order_by=question.order_by,
            cursor=cursor,
            **question.filters,
        )
        pages.append([_bytes(record) for record in page])
        cursor = page.next_cursor
        if cursor is None:
            return pages, reader.count(**question.filters)


def _bytes(record: Any) -> bytes:
    if isinstance(record, ExecutionSummary):
        return repr((record, record.metadata, record.error)).encode()
    return orjson.dumps(codec.to_json(record))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[SpanRow], list[Question]]:
    rows = draw(stores())
    return rows, draw(st.lists(questions(rows), min_size=QUESTIONS_PER_STORE, max_size=QUESTIONS_PER_STORE))


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # it would hide the failure that it is about
@settings(
    max_examples=STORES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking over three databases would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(case=cases())
@pytest.mark.promise("P16")
def test_every_question_has_the_same_answer(open_empty: Opener, case: tuple[list[SpanRow], list[Question]]) -> None:
    rows, asked = case
    shelf = Shelf()
    shelf.write(rows)
    plain = _reader(shelf.store())
    with open_empty() as exporter:
        exporter.write(rows)
        with closing(exporter.store()) as store:
            reader = _reader(store)
            for question in asked:
                assert _answers(reader, question) == _answers(plain, question), question
            assert list(map(_bytes, reader.iterate())) == list(map(_bytes, plain.iterate()))
            starts = sorted(row.started_ns for row in rows)
            windows: list[Filters] = [{}, {"started_after": starts[len(starts) // 3], "started_before": starts[-1] + 1}]
            for by in STATS_BY:
                for window in windows:
                    assert reader.stats(by, **window) == plain.stats(by, **window)
                    assert reader.stats(by, exact=True, **window) == plain.stats(by, exact=True, **window)
            for record in reader.iterate():
                assert reader.get(record.execution_id) == record
