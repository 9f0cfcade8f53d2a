"""The reader over a store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from otel_telemetry.errors import AmbiguousIdError, InvalidCursorError, InvalidFilterError, SearchWarning
from otel_telemetry.reader import MAX_LIMIT, Page, Reader
from otel_telemetry.records import ExecutionRecord, ExecutionStatus, ExecutionSummary
from otel_telemetry.rows import ExecutionRow, RowKind, SpanRow
from otel_telemetry.stores.lease import live_leases
from otel_telemetry.stores.registry import open_exporter
from otel_telemetry.testing.rows import CORPUS, DEAD_LEASE, LIVE_LEASE, make_row

if TYPE_CHECKING:
    from otel_telemetry.query import Lease, SpanStore
    from otel_telemetry.stores.registry import Exporter

HOUR = 3_600 * 10**9


class Clock:
    now_ns = 100 * HOUR

    def __call__(self) -> int:
        return self.now_ns


def alive(leases: Iterable[Lease], now_ns: int) -> frozenset[int]:
    return frozenset({LIVE_LEASE})


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    exporter = open_exporter("memory://")
    yield exporter
    exporter.close()


@pytest.fixture
def store(exporter: Exporter) -> Iterator[SpanStore]:
    with closing(exporter.store()) as store:
        yield store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(store: SpanStore, clock: Clock) -> Reader:
    return Reader(store, alive=alive, clock=clock)


def run(number: int, **columns: Any) -> SpanRow:
    return make_row(RowKind.EXECUTION, f"run-{number}", number, **{"started_ns": number, "ended_ns": number, **columns})


def ids(page: Iterable[ExecutionRecord | ExecutionSummary]) -> list[str]:
    return [record.execution_id for record in page]


def test_a_page_has_whole_records(exporter: Exporter, reader: Reader) -> None:
    exporter.write(CORPUS)
    page = reader.query(execution_id=["run-1", "run-2"])
    assert isinstance(page, Page)
    assert len(page) == 2
    assert page.next_cursor is None
    second, first = page
    assert (first.execution_id, first.inputs, first.metadata) == (
        "run-1",
        {"city": "K\u00f6ln"},
        {"order": 17, "vip": True},
    )
    assert [(step.step_id, [call.tool_name for call in step.tool_calls]) for step in first.steps] == [
        ("load", ["http.get"])
    ]
    assert [step.attempt for step in second.steps] == [2]


def test_summaries_are_the_same_executions(exporter: Exporter, reader: Reader) -> None:
    exporter.write(CORPUS)
    summaries, records = reader.query(payloads=False), reader.query()
    assert all(isinstance(summary, ExecutionSummary) for summary in summaries)
    shared = ("execution_id", "workflow_name", "status", "started_at", "duration_ms", "metadata", "interrupted", "type")
    for summary, record in zip(summaries, records, strict=True):
        for name in shared:
            assert getattr(summary, name) == getattr(record, name)


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1, 1.0, "5", True, None])
def test_a_limit_out_of_range_is_refused(reader: Reader, limit: Any) -> None:
    with pytest.raises(InvalidFilterError, match="limit is a whole number from 1 to 10,000"):
        reader.query(limit=limit)


def test_names_that_do_not_exist_are_refused(reader: Reader) -> None:
    with pytest.raises(InvalidFilterError, match="did you mean '-started_at'"):
        reader.query(order_by="-startd_at")  # type: ignore[call-overload]
    with pytest.raises(InvalidFilterError, match="unknown by 'tools'"):
        reader.stats("tools")  # type: ignore[arg-type]
    for ask in (reader.query, reader.count, reader.iterate, reader.stats, reader.last):
        with pytest.raises(InvalidFilterError, match="did you mean 'workflow_name'"):
            ask(workflow="x")  # type: ignore[call-overload]
    with pytest.raises(InvalidFilterError, match="order_by"):
        reader.iterate(order_by="newest")  # type: ignore[call-overload]


@pytest.mark.parametrize("total", [0, 1, 4, 5, 9])
def test_cursors_lead_through_everything(exporter: Exporter, reader: Reader, total: int) -> None:
    exporter.write([run(number) for number in range(total)])
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        page = reader.query(limit=4, cursor=cursor, payloads=False)
        seen += ids(page)
        cursor = page.next_cursor
        pages += 1
    assert seen == [f"run-{number}" for number in reversed(range(total))]
    assert pages == max(1, -(-total // 4))


def test_a_cursor_goes_with_its_query(exporter: Exporter, reader: Reader) -> None:
    exporter.write([run(number) for number in range(5)])
    cursor = reader.query(limit=2, status="completed").next_cursor
    assert ids(reader.query(limit=3, status="completed", cursor=cursor)) == ["run-2", "run-1", "run-0"]
    with pytest.raises(InvalidCursorError):
        reader.query(limit=2, cursor=cursor)
    with pytest.raises(InvalidCursorError):
        reader.query(limit=2, status="completed", order_by="started_at", cursor=cursor)


def test_a_span_of_time_means_the_same_on_every_page(exporter: Exporter, reader: Reader, clock: Clock) -> None:
    """It counts back from the first page, however long somebody reads."""
    start = clock.now_ns - HOUR
    exporter.write([run(number, started_ns=start + number, ended_ns=None) for number in range(4)])
    first = reader.query(limit=2, started_after="1h")
    clock.now_ns += 10 * HOUR
    assert ids(reader.query(limit=2, started_after="1h", cursor=first.next_cursor)) == ["run-1", "run-0"]
    assert reader.count(started_after="1h") == 0


def test_get(exporter: Exporter, reader: Reader) -> None:
    exporter.write(CORPUS)
    record = reader.get("run-1")
    assert record is not None
    assert record == reader.query(execution_id="run-1").records[0]
    assert reader.get("nobody") is None
    assert reader.get("nul\0") is None
    with pytest.raises(InvalidFilterError):
        reader.get(17)  # type: ignore[arg-type]


def test_an_execution_whose_own_row_is_not_there_is_found_all_the_same(exporter: Exporter, reader: Reader) -> None:
    exporter.write(CORPUS)
    record = reader.get("no-execution")
    assert record is not None
    assert [step.step_id for step in record.steps] == ["load"]
    assert any("missing" in problem for problem in record.problems)
    assert (record.status, record.interrupted, record.rootless) == (ExecutionStatus.RUNNING, True, True)
    assert reader.count(execution_id="no-execution") == 1
    assert reader.query(execution_id="no-execution").records == (record,)
    (line,) = reader.query(execution_id="no-execution", payloads=False)
    assert (line.status, line.interrupted, line.workflow_name) == (record.status, True, "step load")


def test_last(exporter: Exporter, reader: Reader) -> None:
    assert reader.last() is None
    exporter.write([run(1, status=3), run(2)])
    newest, failed = reader.last(), reader.last(status="failed")
    assert newest is not None
    assert failed is not None
    assert (newest.execution_id, failed.execution_id) == ("run-2", "run-1")


def test_an_id_that_was_used_twice_is_one_execution(exporter: Exporter, reader: Reader) -> None:
    """The first says who it is, the newest how it stands; the other is said to be there."""
    rows = []
    for number, name in ((1, "first"), (2, "second")):
        trace = number.to_bytes(16, "big")
        own = {"trace_id": trace, "started_ns": number}
        status = {"status": 3, "ended_ns": 500} if number == 2 else {"status": 2, "ended_ns": 900}
        rows.append(make_row(RowKind.EXECUTION, "run", number, workflow_name=name, **own, **status))
        rows.append(make_row(RowKind.STEP, "run", 10 + number, step_id=name, **own))
    exporter.write(rows)
    assert reader.count() == 1
    (record,) = reader.query()
    assert record == reader.get("run")
    assert [step.step_id for step in record.steps] == ["first", "second"]
    assert (record.workflow_name, record.status, record.started_at, record.completed_at) == (
        "first",
        ExecutionStatus.FAILED,
        1,
        500,
    )
    assert record.problems == ("several spans claim to be this execution; the newest says how it stands",)
    assert any("same id" in problem for span in record.spans for problem in span.problems)
    (line,) = reader.query(payloads=False)
    assert (line.workflow_name, line.status, line.started_at, line.completed_at, line.problems) == (
        record.workflow_name,
        record.status,
        record.started_at,
        record.completed_at,
        record.problems,
    )


def test_interrupted_by_lease(exporter: Exporter, reader: Reader) -> None:
    exporter.write(
        [
            run(1, status=1, ended_ns=None, lease_id=LIVE_LEASE),
            run(2, status=1, ended_ns=None, lease_id=DEAD_LEASE),
            run(3, status=2, lease_id=DEAD_LEASE),
        ]
    )
    for page in (reader.query(), reader.query(payloads=False)):
        assert {record.execution_id: record.interrupted for record in page} == {
            "run-1": False,
            "run-2": True,
            "run-3": False,
        }
    assert ids(reader.query(interrupted=True)) == ["run-2"]
    record = reader.get("run-2")
    assert record is not None
    assert record.interrupted
    assert record.status is ExecutionStatus.RUNNING


@pytest.mark.parametrize(("lease", "interrupted"), [(LIVE_LEASE, False), (DEAD_LEASE, True), (None, True)])
def test_a_run_whose_own_span_is_not_there_goes_on_as_long_as_its_process(
    exporter: Exporter,
    reader: Reader,
    lease: int | None,
    interrupted: bool,  # noqa: FBT001  (a table's column)
) -> None:
    """Though all of its spans that are there have ended."""
    exporter.write([make_row(RowKind.STEP, "run-1", 2, step_id="load", lease_id=lease)])
    record = reader.get("run-1")
    assert record is not None
    assert (record.status, record.interrupted, record.rootless) == (ExecutionStatus.RUNNING, interrupted, True)
    assert reader.query().records == (record,)
    assert [line.interrupted for line in reader.query(payloads=False)] == [interrupted]
    assert reader.count(interrupted=interrupted) == 1


def test_what_runs_by_its_own_word_and_has_an_end_goes_on_as_long_as_its_process(
    exporter: Exporter, reader: Reader
) -> None:
    exporter.write([run(1, status=1, lease_id=LIVE_LEASE), run(2, status=1, lease_id=DEAD_LEASE)])
    for number, interrupted in ((1, False), (2, True)):
        record = reader.get(f"run-{number}")
        assert record is not None
        assert record.interrupted is interrupted
        assert reader.query(interrupted=interrupted).records == (record,)


def test_a_process_that_lives_is_not_interrupted_until_it_closes(exporter: Exporter, store: SpanStore) -> None:
    reader = Reader(store, alive=live_leases)
    exporter.heartbeat()
    (lease,) = store.leases()
    exporter.write([run(1, status=1, ended_ns=None, lease_id=lease.lease_id)])
    assert reader.count(interrupted=False) == 1
    exporter.close()
    assert reader.count(interrupted=True) == 1


class Watched:
    """A store that notes what it is asked, and does something first."""

    def __init__(self, store: SpanStore, before: Any = None) -> None:
        self._store = store
        self._before = before
        self.limits: list[int] = []

    def executions(self, *args: Any, **options: Any) -> list[ExecutionRow]:
        self.limits.append(options["limit"])
        return self._store.executions(*args, **options)

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        if self._before:
            self._before()
        return self._store.spans(execution_ids)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class WithLeases(Watched):
    """The same for leases, instead of spans."""

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        return self._store.spans(execution_ids)

    def leases(self) -> list[Lease]:
        self.limits.append(0)
        if self._before:
            self._before()
        return self._store.leases()


def test_leases_are_asked_for_where_something_is_open(exporter: Exporter, store: SpanStore) -> None:
    exporter.write([run(1), run(2), make_row(RowKind.STEP, "run-2", 3, step_id="s", ended_ns=None, status=1)])
    exporter.write([run(3, status=1, ended_ns=None, lease_id=LIVE_LEASE)])
    watched = WithLeases(store)
    reader = Reader(watched, alive=alive)
    assert reader.get("run-1") is not None
    assert ids(reader.query(execution_id=["run-1", "run-2"], payloads=False)) == ["run-2", "run-1"]
    assert 0 not in watched.limits
    assert ids(reader.query(payloads=False)) == ["run-3", "run-2", "run-1"]
    assert watched.limits.count(0) == 1


@pytest.mark.parametrize("how", ["get", "query", "summaries"])
def test_what_ends_while_it_is_read_was_not_interrupted(exporter: Exporter, store: SpanStore, how: str) -> None:
    """A process may end its last span, and close its lease, after the span was read and before the lease is."""
    exporter.heartbeat()
    (lease,) = store.leases()
    exporter.write([run(1, status=1, ended_ns=None, lease_id=lease.lease_id)])

    def end() -> None:
        exporter.write([run(1, lease_id=lease.lease_id)])
        exporter.close()

    reader = Reader(WithLeases(store, end), alive=live_leases)  # type: ignore[arg-type]
    record = reader.get("run-1") if how == "get" else reader.query(payloads=how == "query").records[0]  # type: ignore[call-overload]
    assert record is not None
    assert (record.status, record.interrupted) == (ExecutionStatus.COMPLETED, False)


@pytest.mark.parametrize("payloads", [True, False])
def test_iterating_goes_batch_by_batch(exporter: Exporter, store: SpanStore, payloads: bool) -> None:  # noqa: FBT001
    exporter.write([run(number) for number in range(250)])
    watched = Watched(store)
    records = Reader(watched, alive=alive).iterate(payloads=payloads)  # type: ignore[call-overload]
    assert watched.limits == []
    assert [next(records).execution_id for _ in range(100)] == [f"run-{number}" for number in range(249, 149, -1)]
    assert watched.limits == [100]
    assert ids(records) == [f"run-{number}" for number in range(149, -1, -1)]
    assert watched.limits == [100, 100, 100]


@pytest.mark.parametrize("order_by", ["-started_at", "started_at", "-duration", "duration"])
def test_iterating_while_rows_arrive(exporter: Exporter, reader: Reader, order_by: Any) -> None:
    old = [run(number, started_ns=1_000 + number, ended_ns=2_000) for number in range(220)]
    exporter.write(old)
    seen: list[str] = []
    for position, record in enumerate(reader.iterate(order_by=order_by, payloads=False)):
        seen.append(record.execution_id)
        if position % 90 == 5:
            exporter.write([run(10_000 + position, started_ns=0), run(20_000 + position, started_ns=9_000)])
        if position > 500:
            break
    expected = [row.execution_id for row in old]
    assert len(set(seen)) == len(seen)
    assert [name for name in seen if name in set(expected)] == (
        expected if order_by in {"started_at", "-duration"} else expected[::-1]
    )


def test_what_is_deleted_while_it_is_read_is_not_given(exporter: Exporter, store: SpanStore) -> None:
    """A page has the executions whose spans are there when they are read; the others were deleted in between."""
    exporter.write([run(1), run(2), run(3), make_row(RowKind.STEP, "run-1", 9, step_id="load")])

    class Thinned(Watched):
        def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
            found = super().spans(execution_ids)
            found.pop("run-2", None)
            return found

    reader = Reader(Thinned(store), alive=alive)  # type: ignore[arg-type]
    page = reader.query(limit=2)
    assert ids(page) == ["run-3"]
    assert ids(reader.query(limit=2, cursor=page.next_cursor)) == ["run-1"], "and what comes after is not lost"
    assert ids(reader.iterate()) == ["run-3", "run-1"]
    assert reader.get("run-2") is None


# one execution, as a person means it


def test_find_the_last_of_some_kind(exporter: Exporter, reader: Reader) -> None:
    exporter.write(
        [
            run(1, status=3),
            run(2),
            run(3, status=3, workflow_name="invoice"),
            run(4, status=4),
            run(5, status=1, ended_ns=None, lease_id=DEAD_LEASE),
            run(6, status=0, ended_ns=None, lease_id=LIVE_LEASE),
            run(7, status=1, ended_ns=None, lease_id=LIVE_LEASE),
            run(8),
        ]
    )
    for words, number in (
        ("last", 8),
        (" last ", 8),
        ("last-0", 8),
        ("last-1", 7),
        ("last-7", 1),
        ("last completed", 8),
        ("last completed-1", 2),
        ("last failed", 3),
        ("last failed-1", 1),
        ("last cancelled", 4),
        ("last running", 7),
        ("last pending", 6),
        ("last interrupted", 5),
    ):
        found = reader.find(words)
        assert found is not None, words
        assert found == reader.get(f"run-{number}"), words
    for words in ("last-8", "last failed-2", "last interrupted-1", "last-9999"):
        assert reader.find(words) is None
    among = reader.find("last", workflow_name="invoice")
    assert among is not None
    assert among.execution_id == "run-3"
    assert reader.find("last completed", workflow_name="invoice") is None
    assert reader.find("last failed-1", workflow_name="invoice") is None


def test_find_by_id_or_its_beginning(exporter: Exporter, reader: Reader) -> None:
    exporter.write([run(1), run(10), run(11, workflow_name="invoice"), run(2)])
    names = [f"case-{number}" for number in range(9)]
    exporter.write([make_row(RowKind.EXECUTION, name, 100 + number) for number, name in enumerate(names)])
    for given, expected in (("run-1", "run-1"), ("run-10", "run-10"), ("run-2", "run-2"), ("case-7", "case-7")):
        found = reader.find(given)
        assert found is not None, "an id is exact, also where others begin with it"
        assert found.execution_id == expected
    exporter.write([make_row(RowKind.EXECUTION, "other-run", 200)])
    assert reader.find("other") == reader.get("other-run")
    for nothing in ("nobody", "RUN-1", "un-1", "run-1%", "%", "last successful", "last-"):
        assert reader.find(nothing) is None
    with pytest.raises(AmbiguousIdError, match=r"^run- begins several ids: ") as few:
        reader.find("run-")
    assert sorted(str(few.value).removeprefix("run- begins several ids: ").split(", ")) == [
        *("run-1", "run-10", "run-11", "run-2"),
    ]
    with pytest.raises(AmbiguousIdError, match=r"^case begins several ids: (case-\d, ){5}…$"):
        reader.find("case")
    among = reader.find("run-", workflow_name="invoice")
    assert among is not None
    assert among.execution_id == "run-11"


def test_find_by_the_beginning_of_a_uuid(exporter: Exporter, reader: Reader) -> None:
    uuids = ["01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"]
    exporter.write([make_row(RowKind.EXECUTION, name, number) for number, name in enumerate(uuids, 1)])
    assert reader.find(uuids[1]) == reader.get(uuids[1])
    with pytest.raises(AmbiguousIdError):
        reader.find("01900000-0000-7")
    exporter.write([make_row(RowKind.EXECUTION, "01910000-0000-7000-8000-000000000000", 9)])
    assert reader.find("0191") == reader.get("01910000-0000-7000-8000-000000000000")


def test_find_takes_words_before_an_id_of_that_name(exporter: Exporter, reader: Reader) -> None:
    exporter.write([make_row(RowKind.EXECUTION, "last", 1, started_ns=1), run(2, started_ns=9_000)])
    found, exact = reader.find("last"), reader.get("last")
    assert found is not None
    assert exact is not None
    assert (found.execution_id, exact.execution_id) == ("run-2", "last")


def test_find_refuses_what_no_filter_takes(reader: Reader) -> None:
    with pytest.raises(InvalidFilterError):
        reader.find("")
    with pytest.raises(InvalidFilterError, match="did you mean 'workflow_name'"):
        reader.find("last", workflow="x")  # type: ignore[call-arg]


def test_records_of_several_ids(exporter: Exporter, reader: Reader) -> None:
    exporter.write([run(1), run(2), run(3)])
    assert ids(reader.records(["run-3", "nobody", "run-1", "run-3"])) == ["run-3", "run-1"]
    assert reader.records([]) == []


# text is looked for in every span


def test_a_search_for_text_is_warned_of_where_there_is_much(
    exporter: Exporter, reader: Reader, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    exporter.write([run(number) for number in range(3)])
    reader.query(text="x")
    reader.count(text="x")
    assert not recwarn.list
    monkeypatch.setattr("otel_telemetry.reader.reader.MANY", 3)
    reader.query(text="x", started_after=0)
    reader.query(text="x", execution_id="run-1")
    reader.query(workflow_name="x")
    assert not recwarn.list
    with pytest.warns(SearchWarning, match="give started_after too"):
        reader.query(text="x")
    with pytest.warns(SearchWarning, match="give started_after too"):
        reader.count(text="x")


def test_stats(exporter: Exporter, reader: Reader) -> None:
    exporter.write(CORPUS)
    assert [(stats.name, stats.n, stats.failed) for stats in reader.stats()] == [("http.get", 2, 0)]
    assert [(stats.name, stats.n, stats.failed) for stats in reader.stats("step", status="failed")] == [
        ("charge", 1, 1)
    ]
