"""What no engine should say of an execution, and some do: still one record, and in words what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_telemetry import ExecutionStatus
from otel_telemetry.reader import Reader
from otel_telemetry.records import ExecutionRecord
from otel_telemetry.rows import RowKind, RowStatus, SpanRow, row_of
from otel_telemetry.semconv import EXECUTION_ID, KIND, SCOPE_NAME, STATUS, STEP_ID, WORKFLOW_NAME
from otel_telemetry.stores import merging
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.held import Held
from otel_telemetry.testing.rows import LIVE_LEASE, make_row
from otel_telemetry.testing.traces import OTHERS, REMOTE, span_of
from otel_telemetry.tracing.names import clean_id

TRACE = 2**90 + 7
OTHER_LEASE = LIVE_LEASE + 1
LIVE = frozenset({LIVE_LEASE, OTHER_LEASE})
SEVERAL = "several spans claim to be this execution; the newest says how it stands"

EXECUTION, STEP, CALL, SPAN = RowKind.EXECUTION, RowKind.STEP, RowKind.TOOL_CALL, RowKind.SPAN


@pytest.fixture
def reader(exporter: StoreExporter[Any]) -> Iterator[Reader]:
    with Reader(exporter.store(), alive=lambda leases, now: LIVE) as reader:
        yield reader


def own(run: str, span_id: int, at: int, **columns: Any) -> SpanRow:
    return make_row(EXECUTION, run, span_id, **{"started_ns": at, "workflow_name": "w", **columns})


def records(reader: Reader) -> list[ExecutionRecord]:
    """Every record, after a look whether each way of asking gives the same ones."""
    page = reader.query(limit=500)
    found = list(page)
    ids = [record.execution_id for record in found]
    assert len(set(ids)) == len(ids) == reader.count()
    assert [reader.get(execution_id) for execution_id in ids] == found
    lines = list(reader.query(limit=500, payloads=False))
    for line, record in zip(lines, found, strict=True):
        assert (line.execution_id, line.status, line.started_at, line.completed_at, line.interrupted) == (
            *(record.execution_id, record.status, record.started_at, record.completed_at, record.interrupted),
        )
        assert set(line.problems) <= set(record.problems)
    for status in ExecutionStatus:
        assert reader.count(status=status) == [record.status for record in found].count(status)
    return found


def the_only(reader: Reader) -> ExecutionRecord:
    (record,) = records(reader)
    return record


def problems_of(record: ExecutionRecord) -> set[str]:
    parts = (record, *record.steps, *record.all_tool_calls(), *record.spans)
    return {problem for part in parts for problem in part.problems}


@pytest.mark.parametrize("kind", [EXECUTION, STEP, CALL, SPAN])
def test_an_end_before_its_start(exporter: StoreExporter[Any], reader: Reader, kind: RowKind) -> None:
    names = {STEP: {"step_id": "s"}, CALL: {"tool_name": "t"}}.get(kind, {})
    rows = [own("run", 1, 100, ended_ns=200)]
    if kind is EXECUTION:
        rows = [own("run", 1, 100, ended_ns=50)]
    else:
        rows.append(make_row(kind, "run", 2, started_ns=150, ended_ns=120, parent_span_id=1, **names))
    exporter.write(rows)
    record = the_only(reader)
    assert record.status is ExecutionStatus.COMPLETED
    assert record.started_at == 100
    assert problems_of(record) == {"ended before it started"}
    if kind is EXECUTION:
        assert record.completed_at == 50
        assert list(reader.query(min_duration_ms=0, limit=5)) == []


def test_a_start_that_arrives_after_the_end_changes_nothing(exporter: StoreExporter[Any], reader: Reader) -> None:
    ended, step = own("run", 1, 100, ended_ns=200), make_row(STEP, "run", 2, started_ns=110, ended_ns=120, step_id="s")
    exporter.write([ended, step])
    before = the_only(reader)
    exporter.write([own("run", 1, 100, status=RowStatus.RUNNING, ended_ns=None, lease_id=LIVE_LEASE)])
    exporter.write([make_row(STEP, "run", 2, started_ns=110, step_id="s", status=RowStatus.RUNNING, ended_ns=None)])
    assert the_only(reader) == before
    assert exporter.written.replayed == 2


@pytest.mark.parametrize("first", [0, 1])
def test_two_processes_that_claim_one_id_at_once(exporter: StoreExporter[Any], reader: Reader, first: int) -> None:
    """The newest start says how it stands, whoever wrote first, and it is said that there are two."""
    claims = [
        own("run", 1, 100, ended_ns=300, status=RowStatus.COMPLETED, lease_id=LIVE_LEASE),
        own("run", 2, 200, ended_ns=None, status=RowStatus.RUNNING, lease_id=OTHER_LEASE),
    ]
    exporter.write([claims[first]])
    assert problems_of(the_only(reader)) == set()
    exporter.write([claims[1 - first]])
    record = the_only(reader)
    assert (record.status, record.started_at, record.interrupted) == (ExecutionStatus.RUNNING, 100, False)
    assert SEVERAL in record.problems
    assert SEVERAL in next(iter(reader.query(payloads=False, limit=5))).problems
    exporter.write([claims[1]._replace(ended_ns=400, status=int(RowStatus.FAILED))])
    record = the_only(reader)
    assert (record.status, record.completed_at) == (ExecutionStatus.FAILED, 400)


def test_a_clock_that_is_behind_makes_children_begin_before_their_run(
    exporter: StoreExporter[Any], reader: Reader
) -> None:
    exporter.write([
        own("run", 1, 1_000, ended_ns=2_000),
        make_row(STEP, "run", 2, started_ns=10, ended_ns=20, step_id="s", parent_span_id=1),
        make_row(CALL, "run", 3, started_ns=5_000, ended_ns=6_000, tool_name="t", parent_span_id=2),
    ])  # fmt: skip
    record = the_only(reader)
    assert (record.started_at, record.completed_at) == (1_000, 2_000)
    assert [step.step_id for step in record.steps] == ["s"]
    assert [call.tool_name for call in record.steps[0].tool_calls] == ["t"]


@pytest.mark.parametrize("skew", [-10_000, 10_000])
def test_a_clock_that_is_off_names_one_of_two_entries_and_loses_nothing(
    exporter: StoreExporter[Any], reader: Reader, skew: int
) -> None:
    def entry(span_id: int, parent: int, at: int) -> SpanRow:
        span = span_of(TRACE, span_id, parent, at, at + 50, f"POST /{span_id}", {}, scope=OTHERS[0], flags=REMOTE)
        return row_of(span, None)

    exporter.write([entry(1, 77, 20_000), entry(2, 1, 20_010 + skew)])
    record = the_only(reader)
    assert record.execution_id == f"{TRACE:032x}"
    assert record.workflow_name == ("POST /1" if skew > 0 else "POST /2")
    assert len(record.steps) + len(record.spans) == 1


IDS = [
    " ",
    "a b\tc\n",
    "a/../b?c=%00&d#e",
    "ä😀\u202e",
    "'; DROP TABLE spans; --",
    "0" * 32,
    "F" * 32,
    "018F4E2A-0000-7000-8000-000000000000",
    "018f4e2a-0000-7000-8000-000000000000",
    "ffffffff-ffff-7fff-bfff-ffffffffffff",
    "00000000-0000-7000-8000-000000000000",
    "{018f4e2a-0000-7000-8000-000000000000}",
    "x" * 256,
    "last",
    "None",
]


def test_ids_of_any_text(exporter: StoreExporter[Any], reader: Reader) -> None:
    for number, run in enumerate(IDS):
        exporter.write([own(run, 2 * number + 1, 100 + number, ended_ns=1_000)])
        exporter.write([make_row(STEP, run, 2 * number + 2, started_ns=500, ended_ns=600, step_id="s")])
    found = {record.execution_id: record for record in records(reader)}
    assert found.keys() == set(IDS)
    for run in IDS:
        assert [step.step_id for step in found[run].steps] == ["s"]
        assert problems_of(found[run]) == set()
        assert [line.execution_id for line in reader.query(execution_id=run, limit=5)] == [run]


@pytest.mark.parametrize("run", ["", "n\0ul", "\ud800 half", "y" * 100_000])
def test_ids_that_no_database_takes_are_one_execution_all_the_same(
    exporter: StoreExporter[Any], reader: Reader, run: str
) -> None:
    """Spans that say such an id are still put together by it, and what became of it is said."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(SCOPE_NAME)
    root = {EXECUTION_ID: run, KIND: "execution", WORKFLOW_NAME: "w", STATUS: "completed"}
    step = {EXECUTION_ID: run, KIND: "step", STEP_ID: "s", STATUS: "completed"}
    with tracer.start_as_current_span("x", attributes=root), tracer.start_as_current_span("y", attributes=step):
        pass
    record = the_only(reader)
    assert [part.step_id for part in record.steps] == ["s"]
    assert record.status is ExecutionStatus.COMPLETED
    assert reader.count(execution_id=record.execution_id) == 1
    if len(run) > 256:
        assert record.execution_id == clean_id(run, str)
        assert problems_of(record) == {f"{EXECUTION_ID} is too long: its beginning and a digest stand for it"}


@pytest.mark.parametrize("parents", [{1: 1}, {1: 2, 2: 1}, {1: 3, 2: 1, 3: 2}, {1: None, 2: 3, 3: 2}, {1: 99, 2: 98}])
@pytest.mark.parametrize("foreign", [False, True])
def test_circles_of_parents_and_parents_that_are_missing(
    exporter: StoreExporter[Any], reader: Reader, parents: dict[int, int | None], *, foreign: bool
) -> None:
    rows = []
    for span_id, parent in parents.items():
        said = {} if foreign else {EXECUTION_ID: "run", KIND: "execution" if span_id == 1 else "step", STEP_ID: "s"}
        scope = {"scope": OTHERS[0]} if foreign else {}
        rows.append(row_of(span_of(TRACE, span_id, parent, span_id, 90, "x", said, **scope), None))
    for row in rows:
        exporter.write([row])
    record = the_only(reader)
    assert 1 + len(record.steps) + len(record.spans) - record.rootless == len(parents)
    circular = [span_id for span_id in parents if span_id in _above(span_id, parents)]
    assert bool(circular) == any("lead back" in problem for problem in problems_of(record))


def _above(span_id: int, parents: dict[int, int | None]) -> set[int]:
    found: set[int] = set()
    parent = parents[span_id]
    while parent is not None and parent not in found:
        found.add(parent)
        parent = parents.get(parent)
    return found


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_trace_of_others_whose_id_is_that_of_an_execution_of_ours(
    exporter: StoreExporter[Any], reader: Reader, order: Sequence[int]
) -> None:
    """An engine took the trace's id for its execution's: the spans of both are one execution, and ours says what."""
    run = f"{TRACE:032x}"
    said = {EXECUTION_ID: run, KIND: "execution", WORKFLOW_NAME: "ours", STATUS: "failed"}
    rows = [
        row_of(span_of(TRACE + 1, 1, None, 5, 9, "x", said), None),
        row_of(span_of(TRACE, 2, None, 1, 99, "GET /", {}, scope=OTHERS[0]), None),
        row_of(span_of(TRACE, 3, 2, 2, 98, "db", {}, scope=OTHERS[0]), None),
    ]
    for place in order:
        exporter.write([rows[place]])
    record = the_only(reader)
    assert (record.execution_id, record.workflow_name, record.status) == (run, "ours", ExecutionStatus.FAILED)
    assert len(record.spans) + len(record.steps) == 2


class Counting:
    """What a store holds, and how many rows of spans merging was given of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.read = 0
        init = merging._Merge.__init__
        patch.setattr(merging._Merge, "__init__", lambda merge, held: init(merge, self._counted(held)))

    def _counted(self, held: Held) -> Any:
        def count(ask: Callable[[Any], dict[Any, Any]]) -> Callable[[Any], dict[Any, Any]]:
            def counted(about: Any) -> dict[Any, Any]:
                answer = ask(about)
                self.read += sum(len(rows) if isinstance(rows, list) else 1 for rows in answer.values())
                return answer

            return counted

        asks = {name: count(getattr(held, name)) for name in ("spans", "states", "whole")}
        others = {name: getattr(held, name) for name in ("lock", "own_in_traces", "covered")}
        return SimpleNamespace(**asks, **others)


def _many(count: int, kind: str) -> list[SpanRow]:
    if kind == "ours":
        rows = [
            make_row(STEP, "run", n, started_ns=n, ended_ns=n + 5, step_id=f"s{n % 7}", parent_span_id=1)
            for n in range(2, count + 1)
        ]
        return [*rows, own("run", 1, 1, ended_ns=10**9)]
    at = {"trace_id": TRACE.to_bytes(16, "big"), "scope": "db"}
    run = f"{TRACE:032x}" if kind == "others" else "run"
    inner = RowKind.OTHER_STEP if kind == "others" else SPAN
    rows = [make_row(inner, run, n, started_ns=n, ended_ns=n + 5, parent_span_id=n // 2, **at) for n in range(2, count)]
    if kind == "others":
        root = make_row(RowKind.ENTRY, run, 1, started_ns=1, ended_ns=10**9, workflow_name="GET /", **at)
    else:
        root = own("run", 1, 1, ended_ns=10**9, trace_id=at["trace_id"])
    return [root, *rows]


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("kind", ["ours", "others", "others inside ours"])
def test_very_many_spans_in_one_execution(
    exporter: StoreExporter[Any], reader: Reader, monkeypatch: pytest.MonkeyPatch, kind: str, count: int
) -> None:
    """They come in batches, and what is there is not read again with each."""
    counting, rows = Counting(monkeypatch), _many(count, kind)
    for start in range(0, len(rows), 512):
        exporter.write(rows[start : start + 512])
    record = the_only(reader)
    assert len(record.steps) + len(record.spans) + 1 == len(rows)
    assert record.status is ExecutionStatus.COMPLETED
    whole_once, while_it_is_small = len(rows), (merging._FEW_TIMES * 512) ** 2 / (2 * 512)
    assert counting.read <= whole_once + while_it_is_small
    assert exporter.written.stored == len(rows)


@pytest.mark.parametrize("megabytes", [8, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_document_of_many_megabytes(exporter: StoreExporter[Any], reader: Reader, megabytes: int) -> None:
    """Whoever wrote it: the store takes it or says that it cannot, lists do not read it, and nothing else suffers."""
    heavy = make_row(
        CALL, "run", 2, started_ns=2, ended_ns=3, tool_name="t", payload={"output": "x" * (megabytes * 1_000_000)}
    )
    exporter.write([own("run", 1, 1, ended_ns=9), own("other", 3, 1, ended_ns=9)])
    exporter.write([heavy])
    assert reader.count() == 2
    assert {line.execution_id for line in reader.query(payloads=False, limit=5)} == {"run", "other"}
    record = reader.get("run")
    assert record is not None
    (call,) = record.tool_calls
    assert len(str(call.result)) >= megabytes * 1_000_000
