"""The contract of a backend: whoever passes it is one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.query import ORDERS, Filter, OrderBy, Position, SpanStore
from otel_telemetry.rows import Durations, ExecutionRow, RowKind, SpanRow, add_up
from otel_telemetry.rows.durations import HOUR_NS, TOOL_CALL
from otel_telemetry.stores.registry import Removing
from otel_telemetry.testing.families import rounds
from otel_telemetry.testing.laws import LIVE, NOW_NS, assert_answers, assert_executions, assert_whole, counts
from otel_telemetry.testing.model import Model, as_read, in_time_order
from otel_telemetry.testing.questions import QUESTIONS
from otel_telemetry.testing.rows import CORPUS, make_row
from otel_telemetry.testing.traces import batches_of, cases

if TYPE_CHECKING:
    from otel_telemetry.stores.registry import Exporter

_NOBODY: frozenset[int] = frozenset()
_ARRIVALS = 5
_TOGETHER = 25
_DELETED_CASES = 10
CASES = int(os.environ.get("OTEL_TELEMETRY_TEST_CASES", "100"))
"""Random cases of each law."""


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
            assert store.heads([]) == {}
            assert store.spans(["run-1"]) == {}
            assert store.spans([]) == {}
            assert store.count(Filter(), live_leases=_NOBODY) == 0
            assert list(store.runs(Filter(), live_leases=_NOBODY)) == []
            assert list(store.durations()) == []

    def test_rows_come_back_as_they_were(self, exporter: Exporter) -> None:
        """Every column of every row, and the resource beside it, is what was written."""
        model = Model(CORPUS)
        with _holding(exporter, CORPUS) as store:
            ids = [row.execution_id for row in model.executions()]
            assert store.spans(ids) == {execution_id: model.spans(execution_id) for execution_id in ids}

    def test_an_execution_is_one_row(self, exporter: Exporter) -> None:
        """Whatever is derived of an execution is what its spans say, and its id comes once."""
        with _holding(exporter, CORPUS) as store:
            rows = store.executions(Filter(), live_leases=_NOBODY, limit=1000)
            assert rows == Model(CORPUS).matching(Filter())
            assert len({row.execution_id for row in rows}) == len(rows)

    def test_no_order_and_no_batch_changes_anything(self, exporter: Exporter) -> None:
        """One by one, backwards and twice over: the same executions, spans and counts."""
        model = Model(CORPUS)
        backwards = [[row] for row in CORPUS[::-1]]
        with _holding(exporter, *backwards, CORPUS[5:20], CORPUS) as store:
            assert store.executions(Filter(), live_leases=_NOBODY, limit=1000) == model.matching(Filter())
            ids = [row.execution_id for row in model.executions()]
            assert store.spans(ids) == {execution_id: model.spans(execution_id) for execution_id in ids}
            assert counts(store.durations()) == counts(model.durations())

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
            assert store.spans(["run"]) == {"run": [as_read(started)]}
            for batch in ([ended], [started], [started, ended], [ended, started]):
                exporter.write(batch)
                assert store.spans(["run"]) == {"run": [as_read(ended)]}
                assert store.count(Filter(metadata={"phase": "end"}), live_leases=_NOBODY) == 1
                assert store.count(Filter(metadata={"phase": "start"}), live_leases=_NOBODY) == 0
                assert store.count(Filter(metadata={"kept": 1}), live_leases=_NOBODY) == 0

    def test_the_same_span_id_at_another_time_is_another_row(self, exporter: Exporter) -> None:
        """A broken id generator costs no row."""
        rows = [make_row(RowKind.STEP, "run", 1, started_ns=start, step_id="s") for start in (1_000, 2_000)]
        with _holding(exporter, rows) as store:
            assert store.spans(["run"]) == {"run": rows}

    def test_large_values_come_back_whole(self, exporter: Exporter) -> None:
        """A megabyte of payload is stored like any other."""
        row = make_row(RowKind.EXECUTION, "large", 1, payload={"inputs": "\u00e9" * 200_000 + "needle"})
        with _holding(exporter, [row]) as store:
            assert store.spans(["large"]) == {"large": [row]}
            assert _ids(store, Filter(text="needle")) == ["large"]

    def test_a_trace_is_read_into_the_execution_that_called(self, exporter: Exporter) -> None:
        """Plain W3C headers bring no execution: whichever side comes first, there is one execution in the end."""
        caller = make_row(RowKind.EXECUTION, "caller", 7, started_ns=100, ended_ns=900, workflow_name="caller")
        trace = caller.trace_id.hex()
        entry = make_row(
            RowKind.ENTRY, trace, 8, trace_id=caller.trace_id, parent_span_id=7, started_ns=200, ended_ns=800,
            workflow_name="POST /x", step_id="POST /x", execution_type="workflow", scope="web",
        )  # fmt: skip
        step = make_row(
            RowKind.STEP, trace, 9, trace_id=caller.trace_id, parent_span_id=8, started_ns=300, ended_ns=400,
            step_id="handler",
        )  # fmt: skip
        model = Model([caller, entry, step])
        for batches in ([[caller], [entry], [step]], [[step], [entry], [caller]]):
            for batch in batches:
                exporter.write(batch)
            with closing(exporter.store()) as store:
                assert store.executions(Filter(), live_leases=_NOBODY) == model.matching(Filter())
                assert _ids(store, Filter(step_id=("handler",))) == ["caller"]
                assert store.spans(["caller", trace]) == {"caller": model.spans("caller")}
                assert sorted(store.runs(Filter(), live_leases=_NOBODY)) == sorted(model.runs(model.executions()))

    # questions

    def test_filters_mean_what_they_say(self, exporter: Exporter) -> None:
        """Each question finds what `Filter.matches` finds, in each order, and counts it."""
        model = Model(CORPUS)
        with _holding(exporter, CORPUS) as store:
            for question in QUESTIONS:
                where = Filter.parse(NOW_NS, **question)
                for order_by in ORDERS:
                    expected = model.matching(where, live_leases=LIVE, order_by=order_by)
                    found = store.executions(where, live_leases=LIVE, order_by=order_by, limit=100)
                    assert found == expected, (question, order_by)
                assert store.count(where, live_leases=LIVE) == len(model.matching(where, live_leases=LIVE)), question

    def test_runs_are_those_of_the_executions_that_match(self, exporter: Exporter) -> None:
        """Statistics are made of the tools and steps that ended, each once."""
        model = Model(CORPUS)
        with _holding(exporter, CORPUS) as store:
            for question in QUESTIONS:
                where = Filter.parse(NOW_NS, **question)
                expected = sorted(model.runs(model.matching(where, live_leases=LIVE)))
                assert sorted(store.runs(where, live_leases=LIVE)) == expected, question

    def test_each_run_is_counted_once(self, exporter: Exporter) -> None:
        """Starts count nothing, ends once, however often and in whatever order they are written."""
        started = [row._replace(ended_ns=None) for row in CORPUS]
        longer = [row if row.ended_ns is None else row._replace(started_ns=row.started_ns // 2) for row in CORPUS]
        corrected = [
            row if row.ended_ns is None else row._replace(ended_ns=row.ended_ns // 2 * 3) for row in CORPUS[:9]
        ]
        written = (CORPUS[5:], started, CORPUS, CORPUS[::-1], (*longer, *longer), corrected, corrected, CORPUS)
        with _holding(exporter, *written) as store:
            model = Model(row for batch in written for row in batch)
            assert counts(store.durations()) == counts(model.durations())
            hour = (0, 1)
            assert counts(store.durations(hours=hour)) == counts(model.durations())
            assert list(store.durations(hours=(1, None), workflow_name=("invoice",))) == []

    def test_the_slowest_runs_are_known(self, exporter: Exporter) -> None:
        """Of equally slow ones, the last by id."""
        with _holding(exporter, CORPUS[:9], CORPUS[5:]) as store:
            assert add_up(store.durations()) == Model(CORPUS).durations()
            assert _by_name(store.durations(by_name=True)) == _by_name(Model(CORPUS).durations())

    def test_durations_are_added_up_by_name(self, exporter: Exporter) -> None:
        """Over all hours, workflows and versions, however far these are apart."""
        rows = []
        for number, hour in enumerate((-7_000, -1, 0, 1, 2_500, 90_000)):
            begun, run = hour * HOUR_NS, f"run-{number}"
            own = {"started_ns": begun, "ended_ns": begun + 1, "workflow_name": f"w{number % 2}"}
            rows.append(make_row(RowKind.EXECUTION, run, 10 * number, **own))
            for place, lasted in enumerate((-3, 0, 50, 10**9 * number), 1):
                call = {"started_ns": begun, "ended_ns": begun + lasted, "tool_name": f"t{place % 2}"}
                rows.append(make_row(RowKind.TOOL_CALL, run, 10 * number + place, status=3 - number % 2, **call))
        with _holding(exporter, *([row] for row in rows)) as store:
            expected = Model(rows).durations()
            assert _by_name(store.durations(by_name=True)) == _by_name(expected)
            some = [part for part in expected if part.hour >= 0 and part.workflow_name == "w0"]
            found = store.durations(kind=TOOL_CALL, hours=(0, None), workflow_name=("w0",), by_name=True)
            assert _by_name(found) == _by_name(some)

    def test_heads_are_what_a_list_shows(self, exporter: Exporter) -> None:
        """The spans that say who an execution is, how it stands and its metadata, without payloads."""
        model = Model(CORPUS)
        with _holding(exporter, CORPUS) as store:
            rows = store.executions(Filter(), live_leases=_NOBODY, limit=100)
            heads = store.heads(rows)
            for row in rows:
                places = {
                    (row.started_ns, row.who_span_id),
                    (row.state_started_ns, row.state_span_id),
                    (row.metadata_started_ns, row.metadata_span_id),
                }
                expected = [
                    span._replace(payload=None)
                    for span in model.spans(row.execution_id)
                    if (span.started_ns, span.span_id) in places
                ]
                assert in_time_order(heads[row.execution_id]) == expected

    # pages

    @pytest.mark.parametrize("order_by", ORDERS)
    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_pages_are_the_whole_in_parts(self, exporter: Exporter, order_by: OrderBy, limit: int) -> None:
        """Page by page, each execution comes once, in order, whatever ties there are."""
        with _holding(exporter, CORPUS) as store:
            for where in (Filter(), Filter(workflow_name=("invoice", "first")), Filter(tool_name=("http.get", "t"))):
                pages = _pages(store, order_by, limit, where)
                assert [row for page in pages for row in page] == Model(CORPUS).matching(where, order_by=order_by)

    @pytest.mark.parametrize("order_by", ORDERS)
    def test_rows_that_arrive_between_pages_move_nothing(self, exporter: Exporter, order_by: OrderBy) -> None:
        """What was there when the reading began is seen once, also where executions arrive on both sides of a page."""
        with _holding(exporter, CORPUS) as store:
            seen: list[ExecutionRow] = []
            for number, page in enumerate(_pages(store, order_by, 3)):
                seen += page
                if number < _ARRIVALS:
                    exporter.write(list(_around(number)))
            old = {row.execution_id for row in CORPUS}
            assert [row for row in seen if row.execution_id in old] == Model(CORPUS).matching(
                Filter(), order_by=order_by
            )
            assert len({row.execution_id for row in seen}) == len(seen)

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
        """Leaving `runs` in the middle leaves nothing behind that would trouble the next question."""
        with _holding(exporter, CORPUS) as store:
            stream = iter(store.runs(Filter(), live_leases=_NOBODY))
            next(stream)
            del stream
            exporter.write([make_row(RowKind.EXECUTION, "later", 99)])
            assert _ids(store, Filter(execution_id=("later",))) == ["later"]

    def test_what_is_deleted_stays_away(self, exporter: Exporter) -> None:
        """It is found and counted nowhere, with what was read into it; what else comes of it later is refused."""
        if not isinstance(exporter, Removing):
            return
        rows = [row for _, case in cases(0, _DELETED_CASES) for row in case]
        model = Model(rows)
        victims = {row.execution_id for row in model.matching(Filter())[::3]}
        gone = victims | {key for key, row in model.all.items() if row.covered_by in victims}
        rest = [row for row in rows if row.execution_id not in gone]
        with _holding(exporter, rows) as store:
            assert exporter.delete(victims) == len(victims)
            assert_whole(store, rest, "deleted")
            late = [row for row in rows if row.execution_id in gone]
            exporter.write(late)
            assert_whole(store, rest, "deleted, and written again")
            assert store.spans(sorted(gone)) == {}
        written = getattr(exporter, "written", None)
        assert written is None or written.refused == len({_key(row) for row in late})

    # the law: what is stored is a function of the spans, whatever they came in

    def test_a_few_spans_in_every_order(self, exporter: Exporter) -> None:
        """What spans say only together, told one by one in every order, and looked at each time."""
        written: list[SpanRow] = []
        with closing(exporter.store()) as store:
            for rows, whose in rounds():
                exporter.write(rows)
                written += rows
                assert_executions(store, Model(written), "families", whose)
            assert_whole(store, written, "families")
            runs = sorted(store.runs(Filter(), live_leases=LIVE))
            assert runs == sorted(Model(written).runs(Model(written).executions()))

    def test_any_order_any_batches_any_duplicates(self, exporter: Exporter) -> None:
        """Random executions, in random batches: the rows, records and answers that all of their spans at once make.

        There are 100 cases, or as many as ``OTEL_TELEMETRY_TEST_CASES`` says.
        """
        every: list[SpanRow] = []
        some: list[SpanRow] = []
        with closing(exporter.store()) as store:
            for seed, rows in cases(0, CASES):
                for batch in batches_of(seed, rows):
                    exporter.write(batch)
                assert_executions(store, Model(rows), f"case {seed}")
                some += rows
                if seed % _TOGETHER == _TOGETHER - 1:
                    assert_answers(store, some, f"up to case {seed}")
                    every += some
                    some = []
            every += some
            assert_whole(store, every, "all cases")
            reindex = getattr(exporter, "reindex", None)
            if reindex is not None:
                reindex()
                assert_whole(store, every, "all cases, made anew from their spans")
        written = getattr(exporter, "written", None)
        if written is not None:
            offered = sum(len(batch) for seed, rows in cases(0, CASES) for batch in batches_of(seed, rows))
            assert written.stored + written.replayed + written.replaced + written.refused == offered
            assert written.stored == len({_key(row) for row in every})


def _key(row: SpanRow) -> tuple[str, int, int]:
    return row.execution_id, row.started_ns, row.span_id


@contextmanager
def _holding(exporter: Exporter, *batches: Sequence[SpanRow]) -> Iterator[SpanStore]:
    for batch in batches:
        exporter.write(batch)
    with closing(exporter.store()) as store:
        yield store


def _ids(store: SpanStore, where: Filter) -> list[str]:
    return [row.execution_id for row in store.executions(where, live_leases=LIVE, limit=100)]


def _model_ids(rows: Sequence[SpanRow], where: Filter) -> list[str]:
    return [row.execution_id for row in Model(rows).matching(where, live_leases=LIVE)]


def _pages(
    store: SpanStore, order_by: OrderBy, limit: int, where: Filter | None = None
) -> Iterator[list[ExecutionRow]]:
    after: Position | None = None
    asked = where or Filter()
    while page := store.executions(asked, live_leases=_NOBODY, order_by=order_by, after=after, limit=limit):
        yield page
        after = Position.of(page[-1], order_by)
        assert after is not None


def _around(number: int) -> Iterator[SpanRow]:
    """Yield executions that tie with others, and that come first and last in every order."""
    for start, lasted in ((1, 0), (5_000, 1), (8_000, 100), (2**62, 2**62 - 1)):
        run = f"new-{number}-{start}"
        yield make_row(RowKind.EXECUTION, run, start, started_ns=start, ended_ns=start + lasted)


def _by_name(parts: Iterable[Durations]) -> list[Durations]:
    return add_up(part._replace(hour=0, workflow_name="", workflow_version="") for part in parts)
