"""What the laws of the contract found in stores, each in its least form."""

from __future__ import annotations

from contextlib import closing
from itertools import permutations
from typing import Any

import pytest

from otel_telemetry import semconv
from otel_telemetry.query import Filter
from otel_telemetry.rows import ExecutionRow, RowKind, SpanRow, row_of
from otel_telemetry.semconv import SCOPE_NAME
from otel_telemetry.stores import open_exporter
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import make_row
from otel_telemetry.testing.traces import OTHERS, REMOTE, span_of

TRACE = 2**70


@pytest.fixture
def exporter(url: str) -> Any:
    exporter = open_exporter(url)
    yield exporter
    exporter.close()


def listed(exporter: StoreExporter[Any], where: Filter | None = None) -> list[ExecutionRow]:
    with closing(exporter.store()) as store:
        return store.executions(where or Filter(), live_leases=frozenset(), limit=100)


def test_no_order_changes_the_way_of_an_execution_that_used_an_id_twice(exporter: StoreExporter[Any]) -> None:
    """Two spans of one id, as a broken generator of ids gives; the parent that is met last is taken for both."""
    ways = set()
    for number, order in enumerate(permutations(range(4))):
        run = f"run-{number}"
        rows = [
            make_row(RowKind.EXECUTION, run, 1, started_ns=1, ended_ns=99, workflow_name="w"),
            make_row(RowKind.STEP, run, 2, started_ns=2, ended_ns=9, step_id="a", parent_span_id=1),
            make_row(RowKind.SPAN, run, 3, started_ns=3, ended_ns=9, parent_span_id=2),
            make_row(RowKind.TOOL_CALL, run, 4, started_ns=5, ended_ns=6, tool_name="t", parent_span_id=3),
        ]
        rows.append(make_row(RowKind.SPAN, run, 3, started_ns=4, ended_ns=9, parent_span_id=1))
        exporter.write(rows[:1])
        for place in order:
            exporter.write([rows[1 + place]])
        ways.add(listed(exporter, Filter(execution_id=(run,)))[0].variant)
    assert len(ways) == 1


def test_an_execution_is_found_by_our_scope_in_a_trace_that_is_read_into_it(exporter: StoreExporter[Any]) -> None:
    """Of the run itself only a span of others arrived; the service that this called records steps with us."""
    trace = f"{TRACE:032x}"
    said = {"gen_ai.operation.name": "chat", semconv.EXECUTION_ID: "run", semconv.SEQUENCE: 1}
    ours = {semconv.EXECUTION_ID: trace, semconv.KIND: "step", semconv.STEP_ID: "s", semconv.STATUS: "completed"}
    rows = [
        row_of(span_of(TRACE, 1, 9, 1, 9, "chat", said, scope=OTHERS[0]), None),
        row_of(span_of(TRACE, 2, 1, 2, 8, "POST /x", {}, scope=OTHERS[0], flags=REMOTE), None),
        row_of(span_of(TRACE, 3, 2, 3, 7, "step s", ours), None),
    ]
    exporter.write(rows)
    where = Filter(scope=(SCOPE_NAME,))
    with closing(exporter.store()) as store:
        spans = store.spans(["run"])["run"]
    (row,) = listed(exporter)
    assert where.matches(row, spans, frozenset())
    assert listed(exporter, where) == [row]


def test_deleting_one_of_several_callers_leaves_what_the_other_spans_make(exporter: StoreExporter[Any]) -> None:
    """A run and its child both called a service; without the child, nobody made the call that entered first."""

    def entry(span_id: int, parent: int) -> SpanRow:
        span = span_of(TRACE, span_id, parent, span_id, 90, f"POST /{span_id}", {}, scope=OTHERS[0], flags=REMOTE)
        return row_of(span, None)

    trace_id = TRACE.to_bytes(16, "big")
    own = {"trace_id": trace_id, "ended_ns": 99}
    rows = [
        make_row(RowKind.EXECUTION, "run", 1, started_ns=1, workflow_name="w", **own),
        make_row(RowKind.EXECUTION, "child", 2, started_ns=2, workflow_name="c", parent_execution_id="run", **own),
        entry(3, 2),
        entry(4, 1),
    ]
    exporter.write(rows)
    assert exporter.delete(["child"]) == 1
    assert listed(exporter) == Model(row for row in rows if row.execution_id != "child").matching(Filter())


def test_no_order_changes_what_is_read_into_an_execution_whose_root_others_recorded(
    exporter: StoreExporter[Any],
) -> None:
    """Others set the execution's id on their root span; as long as ours is not there, it is theirs."""
    found = []
    for number, order in enumerate(permutations(range(3))):
        trace, first, run = TRACE + number, number * 10, f"run-{number}"
        root = {semconv.EXECUTION_ID: run}
        step = {**root, semconv.KIND: "step", semconv.STEP_ID: "s", semconv.STATUS: "completed"}
        rows = [
            row_of(span_of(trace, first + 1, None, 1, 99, "POST /", root, scope=OTHERS[0]), None),
            row_of(span_of(trace, first + 2, first + 1, 2, 98, "step s", step), None),
            row_of(span_of(trace, first + 3, first + 2, 3, 9, "POST /x", {}, scope=OTHERS[0], flags=REMOTE), None),
        ]
        for place in order:
            exporter.write([rows[place]])
        ids = (run, f"{trace:032x}")
        found.append(len(listed(exporter, Filter(execution_id=ids))))
    assert len(set(found)) == 1


def test_a_trace_that_is_looked_at_again_stays_what_it_is(exporter: StoreExporter[Any]) -> None:
    """A run that was deleted had a span in a trace which another process entered, and which nobody of ours called."""
    step = make_row(RowKind.STEP, "run", 2, started_ns=2, ended_ns=3, step_id="s", trace_id=TRACE.to_bytes(16, "big"))
    entered = row_of(span_of(TRACE, 4, 77, 4, 9, "POST /x", {}, scope=OTHERS[0], flags=REMOTE), None)
    exporter.write([entered])
    exporter.write([step])
    before = listed(exporter, Filter(execution_id=(entered.execution_id,)))
    assert before[0].variant is not None
    assert exporter.delete(["run"]) == 1
    assert listed(exporter) == before
