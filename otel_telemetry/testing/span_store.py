"""The contract of a backend: whoever passes it is one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.query import ORDERS, Filter, OrderBy, Position, SpanStore
from otel_telemetry.rows import Durations, RowKind, SpanRow, add_up, count_runs, runs_of
from otel_telemetry.testing.model import as_read, in_time_order, matching, standing
from otel_telemetry.testing.questions import QUESTIONS
from otel_telemetry.testing.rows import CORPUS, LIVE_LEASE, make_row

if TYPE_CHECKING:
    from otel_telemetry.stores.registry import Exporter

_NOBODY: frozenset[int] = frozenset()
_LIVE = frozenset({LIVE_LEASE})
_NOW_NS = 1_000_000
_ARRIVALS = 5


class SpanStoreContract:
    """What every backend must do.

    Subclass it in a test module, with one fixture::

        class TestMyBackend(SpanStoreContract):
            @pytest.fixture
            def exporter(self, tmp_path):
                exporter = open_exporter(f"mine://{tmp_path}")
                yield exporter
                exporter.close()

    The fixture gives the write side of an empty store, a new one for each test. The contract closes the read sides
    that it opens by `exporter.store()`.
    """

    @pytest.fixture
    def exporter(self) -> Exporter:
        """Return the write side of an empty store; to be overridden."""
        raise NotImplementedError("override the fixture `exporter` with the write side of an empty store")

    # what is written is there

    def test_an_empty_store_has_answers(self, exporter: Exporter) -> None:
        """Nothing was written: nothing is found, and nothing fails."""
        exporter.heartbeat()
        with closing(exporter.store()) as store:
            assert store.executions(Filter(), live_leases=_NOBODY) == []
            assert store.spans(["run-1"]) == []
            assert store.spans([]) == []
            assert store.count(Filter(), live_leases=_NOBODY) == 0
            assert list(store.calls(Filter(), live_leases=_NOBODY)) == []

    def test_rows_come_back_as_they_were(self, exporter: Exporter) -> None:
        """Every column of every row, and the resource beside it, is what was written."""
        with _holding(exporter, CORPUS) as store:
            ids = sorted({row.execution_id for row in CORPUS})
            assert store.spans(ids) == [as_read(row) for row in in_time_order(CORPUS)]

    def test_writing_again_changes_nothing(self, exporter: Exporter) -> None:
        """A batch whose fate was unknown can be written again."""
        with _holding(exporter, CORPUS, CORPUS[::-1]) as store:
            assert _ids(store, Filter()) == _model_ids(CORPUS, Filter())
            assert len(store.spans(["run-1"])) == 4

    def test_what_is_committed_later_is_seen(self, exporter: Exporter) -> None:
        """A store that is open sees what is written afterwards."""
        with _holding(exporter, CORPUS[:3]) as store:
            assert store.count(Filter(), live_leases=_NOBODY) == 1
            exporter.write([make_row(RowKind.EXECUTION, "later", 99)])
            assert store.count(Filter(), live_leases=_NOBODY) == 2

    def test_start_and_end_are_one_row(self, exporter: Exporter) -> None:
        """An end replaces its start; a start that comes late does not undo the end."""
        started = make_row(RowKind.EXECUTION, "run", 1, ended_ns=None, status=1, metadata={"phase": "start", "kept": 1})
        ended = make_row(RowKind.EXECUTION, "run", 1, ended_ns=5_000, status=2, metadata={"phase": "end"})
        with _holding(exporter, [started]) as store:
            assert store.spans(["run"]) == [as_read(started)]
            for batch in ([ended], [started], [started, ended], [ended, started]):
                exporter.write(batch)
                assert store.spans(["run"]) == [as_read(ended)]
                assert store.count(Filter(metadata={"phase": "end"}), live_leases=_NOBODY) == 1
                assert store.count(Filter(metadata={"phase": "start"}), live_leases=_NOBODY) == 0
                assert store.count(Filter(metadata={"kept": 1}), live_leases=_NOBODY) == 0

    def test_the_same_span_id_at_another_time_is_another_row(self, exporter: Exporter) -> None:
        """A broken id generator costs no row."""
        rows = [make_row(RowKind.STEP, "run", 1, started_ns=start, step_id="s") for start in (1_000, 2_000)]
        with _holding(exporter, rows) as store:
            assert store.spans(["run"]) == rows

    def test_large_values_come_back_whole(self, exporter: Exporter) -> None:
        """A megabyte of payload is stored like any other."""
        row = make_row(RowKind.EXECUTION, "large", 1, payload={"inputs": "\u00e9" * 200_000 + "needle"})
        with _holding(exporter, [row]) as store:
            assert store.spans(["large"]) == [row]
            assert _ids(store, Filter(text="needle")) == ["large"]

    # questions

    def test_filters_mean_what_they_say(self, exporter: Exporter) -> None:
        """Each question finds what `Filter.matches` finds, in each order, and counts it."""
        with _holding(exporter, CORPUS) as store:
            for question in QUESTIONS:
                where = Filter.parse(_NOW_NS, **question)
                for order_by in ORDERS:
                    expected = [as_read(row) for row in matching(CORPUS, where, live_leases=_LIVE, order_by=order_by)]
                    found = store.executions(where, live_leases=_LIVE, order_by=order_by, limit=100)
                    assert found == expected, (question, order_by)
                assert store.count(where, live_leases=_LIVE) == len(matching(CORPUS, where, live_leases=_LIVE)), (
                    question
                )

    def test_calls_are_those_of_the_executions_that_match(self, exporter: Exporter) -> None:
        """Statistics are made of the rows that name a step or a tool, without their heavy parts."""
        with _holding(exporter, CORPUS) as store:
            for question in QUESTIONS:
                where = Filter.parse(_NOW_NS, **question)
                asked = CORPUS if where == Filter() else matching(CORPUS, where, live_leases=_LIVE)
                ids = {row.execution_id for row in asked}
                expected = {
                    row.span_id: as_read(row)._replace(document=None, payload=None)
                    for row in CORPUS
                    if row.execution_id in ids and (row.step_id is not None or row.tool_name is not None)
                }
                found = list(store.calls(where, live_leases=_LIVE))
                assert len(found) == len(expected)
                for row in found:
                    assert row._replace(resource=expected[row.span_id].resource) == expected[row.span_id]
                    assert row.resource.key == expected[row.span_id].resource_id

    def test_each_run_is_counted_once(self, exporter: Exporter) -> None:
        """Starts count nothing, ends once, however often and in whatever order they are written."""
        started = [row._replace(ended_ns=None) for row in CORPUS]
        longer = [row if row.ended_ns is None else row._replace(started_ns=row.started_ns // 2) for row in CORPUS]
        corrected = [
            row if row.ended_ns is None else row._replace(ended_ns=row.ended_ns // 2 * 3) for row in CORPUS[:9]
        ]
        written = (CORPUS[5:], started, CORPUS, CORPUS[::-1], (*longer, *longer), corrected, corrected, CORPUS)
        with _holding(exporter, *written) as store:
            rows = standing(row for batch in written for row in batch)
            assert _counts(store.durations()) == _counts(count_runs(runs_of(rows)))

    def test_the_slowest_runs_are_known(self, exporter: Exporter) -> None:
        """Of equally slow ones, the last by id."""
        with _holding(exporter, CORPUS[:9], CORPUS[5:]) as store:
            assert add_up(store.durations()) == add_up(count_runs(runs_of(CORPUS)))

    def test_payloads_are_left_out_on_request(self, exporter: Exporter) -> None:
        """A list needs no payload: without it, the rest of a row is the same."""
        with _holding(exporter, CORPUS) as store:
            whole = store.executions(Filter(), live_leases=_NOBODY, limit=100)
            light = store.executions(Filter(), live_leases=_NOBODY, limit=100, payloads=False)
            assert any(row.payload for row in whole)
            assert light == [row._replace(payload=None) for row in whole]

    # pages

    @pytest.mark.parametrize("order_by", ORDERS)
    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_pages_are_the_whole_in_parts(self, exporter: Exporter, order_by: OrderBy, limit: int) -> None:
        """Page by page, each execution comes once, in order, whatever ties there are."""
        with _holding(exporter, CORPUS) as store:
            pages = _pages(store, order_by, limit)
            assert [row for page in pages for row in page] == [
                as_read(row) for row in matching(CORPUS, Filter(), order_by=order_by)
            ]

    @pytest.mark.parametrize("order_by", ORDERS)
    def test_rows_that_arrive_between_pages_move_nothing(self, exporter: Exporter, order_by: OrderBy) -> None:
        """What was there when the reading began is seen once, also where executions arrive on both sides of a page."""
        with _holding(exporter, CORPUS) as store:
            seen: list[SpanRow] = []
            for number, page in enumerate(_pages(store, order_by, 3)):
                seen += page
                if number < _ARRIVALS:
                    exporter.write(list(_around(number)))
            old = {_key(row) for row in CORPUS}
            expected = [as_read(row) for row in matching(CORPUS, Filter(), order_by=order_by)]
            assert [row for row in seen if _key(row) in old] == expected
            assert len({_key(row) for row in seen}) == len(seen)

    # leases

    def test_the_process_that_writes_holds_a_lease(self, exporter: Exporter) -> None:
        """Rows name the lease of their process, which is open until the exporter is closed."""
        with _holding(exporter, CORPUS) as store:
            (lease,) = [lease for lease in store.leases() if lease.closed_ns is None]
            exporter.heartbeat()
            (refreshed,) = [lease for lease in store.leases() if lease.closed_ns is None]
            assert refreshed.lease_id == lease.lease_id
            assert refreshed.heartbeat_ns >= lease.heartbeat_ns
            exporter.close()
            assert [lease for lease in store.leases() if lease.closed_ns is None] == []

    # use

    def test_reading_from_several_threads(self, exporter: Exporter) -> None:
        """One store answers several threads at once."""
        expected = _model_ids(CORPUS, Filter(step_id=("load",)))
        with _holding(exporter, CORPUS) as store:
            answers: list[list[str]] = []
            threads = [
                threading.Thread(target=lambda: answers.append(_ids(store, Filter(step_id=("load",)))))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert answers == [expected] * 4

    def test_a_stream_may_be_left_early(self, exporter: Exporter) -> None:
        """Whoever stops in the middle of `calls` leaves nothing behind that would trouble the next question."""
        with _holding(exporter, CORPUS) as store:
            stream = iter(store.calls(Filter(), live_leases=_NOBODY))
            next(stream)
            del stream
            exporter.write([make_row(RowKind.EXECUTION, "later", 99)])
            assert _ids(store, Filter(execution_id=("later",))) == ["later"]


@contextmanager
def _holding(exporter: Exporter, *batches: Sequence[SpanRow]) -> Iterator[SpanStore]:
    for batch in batches:
        exporter.write(batch)
    with closing(exporter.store()) as store:
        yield store


def _ids(store: SpanStore, where: Filter) -> list[str]:
    return [row.execution_id for row in store.executions(where, live_leases=_LIVE, limit=100)]


def _model_ids(rows: Sequence[SpanRow], where: Filter) -> list[str]:
    return [row.execution_id for row in matching(standing(rows), where, live_leases=_LIVE)]


def _pages(store: SpanStore, order_by: OrderBy, limit: int) -> Iterator[list[SpanRow]]:
    after: Position | None = None
    while page := store.executions(Filter(), live_leases=_NOBODY, order_by=order_by, after=after, limit=limit):
        yield page
        after = Position.of(page[-1], order_by)
        assert after is not None


def _counts(durations: Iterable[Durations]) -> list[tuple[object, ...]]:
    """Return what stays exact when a run is corrected: it may still be named as the slowest."""
    return [(*part[:3], {bucket: n for bucket, n in part.buckets.items() if n}) for part in add_up(durations) if part.n]


def _around(number: int) -> Iterator[SpanRow]:
    """Yield executions that tie with others, and that come first and last in every order."""
    for start, lasted in ((1, 0), (5_000, 1), (8_000, 100), (2**62, 2**62 - 1)):
        yield make_row(RowKind.EXECUTION, f"new-{number}", start, started_ns=start, ended_ns=start + lasted)


def _key(row: SpanRow) -> tuple[str, int, int]:
    return row.execution_id, row.started_ns, row.span_id
