"""What every backend does with rows; each test runs on all of them."""

from __future__ import annotations

import itertools
import random
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_telemetry.query import Filter
from otel_telemetry.rows import MAX_TEXT, RowKind, RowStatus, add_up
from otel_telemetry.stores import open_exporter
from otel_telemetry.stores.duration_parts import LOOK_EVERY, MAX_PARTS
from otel_telemetry.testing.rows import make_row
from span_processors.data import ResourceData
from span_processors.sinks import RetryableError

from .rows import RESOURCE, T0, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.query import SpanStore
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.stores.registry import Exporter


def stored(exporter: Exporter, *execution_ids: str) -> list[SpanRow]:
    """Every row of some executions, one execution after the other."""
    ids = execution_ids or ("execution-1",)
    with closing(exporter.store()) as store:
        found = store.spans(ids)
    assert found.keys() <= set(ids)
    return [row for execution_id in ids for row in found.get(execution_id, [])]


def test_every_column_comes_back(exporter: Exporter) -> None:
    full = row(
        -(2**63),
        started_ns=0,
        ended_ns=2**63 - 1,
        parent_span_id=2**63 - 1,
        kind=int(RowKind.TOOL_CALL),
        status=int(RowStatus.FAILED),
        sequence=-5,
        name="a name",
        execution_type="direct",
        workflow_name="wörkflow \U0001f600 \\ \t \n '",
        workflow_version="",
        caller_id="caller",
        parent_execution_id="parent",
        step_id="step",
        step_kind="agent",
        attempt=2**63 - 1,
        tool_name="tool",
        error_code="code",
        error_category="category",
        call_hash=-1,
        scope="theirs",
        lease_id=3,
        document='{"a":"\\\\N \\u0000"}',
        payload='{"b":[1,null]}',
    )
    nothing = row(2, execution_id="", trace_id=b"\\N\t\n\r\x00" + bytes(11), ended=False)

    exporter.write([full, nothing])

    assert stored(exporter, "execution-1", "") == [full, nothing]


def test_nothing_is_read_before_anything_is_written(exporter: Exporter) -> None:
    assert stored(exporter) == []


def test_the_longest_texts_that_rows_have_fit_every_index(exporter: Exporter) -> None:
    # Random characters of four bytes, because PostgreSQL compresses what repeats before it measures.
    characters = random.Random(20).choices(range(0x1F000, 0x2F000), k=8 * MAX_TEXT)
    execution_id, key, *others = ("".join(map(chr, characters[n::8])) for n in range(8))
    names = ("workflow_name", "caller_id", "parent_execution_id", "tool_name", "error_code", "error_category")
    columns = dict(zip(names, others, strict=True))
    value = "".join(random.Random(21).choices("0123456789abcdef", k=200))
    execution = row(1, execution_id=execution_id, metadata=((key, value),), **columns)

    exporter.write([execution, row(2, execution_id=execution_id, kind=int(RowKind.STEP), step_id=others[0])])

    assert [r.span_id for r in stored(exporter, execution_id)] == [1, 2]


def said(state: str, **metadata: object) -> dict[str, object]:
    """The document of an execution's row, and its metadata, which the document holds too."""
    made = make_row(RowKind.EXECUTION, "execution-1", 1, attributes={"state": state}, metadata=metadata)
    return {"document": made.document, "metadata": made.metadata}


# One span as its process may report it: several starts, and its end.
STARTED = row(ended=False, **said("started", tenant="old", gone=1))
ENDED = row(error_code="timeout", **said("ended", tenant="new"))
NEIGHBOUR = row(2, execution_id="execution-2")


class Shared(NamedTuple):
    """One store for all examples of a property: each example has an execution of its own."""

    exporter: Exporter
    store: SpanStore
    examples: Iterator[str]

    def found(self, **where: object) -> list[int]:
        return [r.who_span_id for r in self.store.executions(Filter.parse(**where), live_leases=frozenset())]


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    if request.param == "postgresql":
        url = request.getfixturevalue("shared_postgres_url")
    else:
        url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.db'}"}[
            request.param
        ]
    exporter = open_exporter(url)
    with closing(exporter.store()) as store:
        yield Shared(exporter, store, (f"example-{n}" for n in itertools.count()))
    exporter.close()


def batches(*rows: SpanRow) -> st.SearchStrategy[list[list[SpanRow]]]:
    return st.lists(st.lists(st.sampled_from(rows), max_size=3), max_size=3)


def of(execution_id: str, batch: list[SpanRow]) -> list[SpanRow]:
    return [r if r is NEIGHBOUR else r._replace(execution_id=execution_id) for r in batch]


@settings(max_examples=60, deadline=None)
@given(batches(STARTED, NEIGHBOUR), batches(STARTED, ENDED, NEIGHBOUR), st.permutations([STARTED, ENDED, NEIGHBOUR]))
@example([], [], [ENDED, STARTED])
def test_the_end_wins_whatever_comes_when_and_how_often(
    shared: Shared, before: list[list[SpanRow]], after: list[list[SpanRow]], with_end: list[SpanRow]
) -> None:
    execution_id = next(shared.examples)
    for batch in (*before, with_end, *after):
        shared.exporter.write(of(execution_id, batch))

    ended = ENDED._replace(execution_id=execution_id, metadata=())
    assert shared.store.spans([execution_id]) == {execution_id: [ended]}
    assert shared.found(execution_id=execution_id, metadata={"tenant": "new"}) == [1]
    assert shared.found(execution_id=execution_id, metadata={"tenant": "old"}) == []
    assert shared.found(execution_id=execution_id, metadata={"gone": 1}) == []


@settings(max_examples=30, deadline=None)
@given(before=batches(STARTED, NEIGHBOUR))
def test_a_started_span_is_there_until_it_ends(shared: Shared, before: list[list[SpanRow]]) -> None:
    execution_id = next(shared.examples)
    for batch in (*before, [STARTED]):
        shared.exporter.write(of(execution_id, batch))

    started = STARTED._replace(execution_id=execution_id, metadata=())
    assert shared.store.spans([execution_id]) == {execution_id: [started]}
    assert shared.found(execution_id=execution_id, metadata={"tenant": "old", "gone": 1}) == [1]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_of_two_starts_the_same_stands_whatever_comes_when(exporter: Exporter, order: tuple[int, ...]) -> None:
    """Nothing in them says which was later: what decides is what they say, and a lease says more than none."""
    leased = STARTED._replace(lease_id=7)
    starts = [leased, STARTED._replace(status=int(RowStatus.PENDING)), STARTED]
    for place in order:
        exporter.write([starts[place]])
    exporter.write(starts)
    assert stored(exporter) == [leased._replace(metadata=())]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("at_once", [False, True])
def test_of_two_ends_the_later_stands_whatever_comes_when(
    exporter: Exporter, order: tuple[int, ...], *, at_once: bool
) -> None:
    later = ENDED._replace(ended_ns=T0 + 2_000, status=int(RowStatus.FAILED), **said("again", tenant="newest"))
    states = [later, ENDED, STARTED]
    in_order = [states[place] for place in order]
    for batch in [in_order] if at_once else [[state] for state in in_order]:
        exporter.write(batch)
    assert stored(exporter) == [later._replace(metadata=())]
    with closing(exporter.store()) as store:
        (execution,) = store.executions(Filter(), live_leases=frozenset())
        assert (execution.status, execution.duration_ns) == (RowStatus.FAILED, 2_000)
        counts = [
            store.count(Filter(metadata={"tenant": value}), live_leases=frozenset())
            for value in ("old", "new", "newest")
        ]
        assert counts == [0, 0, 1]


def test_one_span_id_used_twice_is_two_spans(exporter: Exporter) -> None:
    first, second = row(1), row(1, started_ns=T0 + 5)
    exporter.write([first, second])
    exporter.write([second, first])
    assert stored(exporter) == [first, second]


def test_two_processes_may_write_the_same_rows(url: str, exporter: Exporter) -> None:
    # No other process can reach memory; the same one may still repeat itself.
    other = exporter if url == "memory://" else open_exporter(url)
    exporter.write([ENDED])
    other.write([STARTED, ENDED, NEIGHBOUR])
    other.close()
    assert [r.document for r in stored(exporter)] == [ENDED.document]


def test_parts_of_durations_are_added_up_before_they_are_many(exporter: Exporter) -> None:
    for n in range(1, 4 * MAX_PARTS):
        exporter.write([row(n, kind=int(RowKind.STEP), step_id="s", ended_ns=T0 + n)])
        with closing(exporter.store()) as store:
            parts = list(store.durations())
            assert len(parts) < MAX_PARTS + LOOK_EVERY
            (total,) = add_up(parts)
            assert (total.n, total.longest_ns) == (n, n)


def test_resources_are_stored_once_and_found_again(exporter: Exporter) -> None:
    another = ResourceData(8, {"service.name": "other", "n": [1, 2.5, None]}, "")
    exporter.write([row(1), row(2, resource=another, resource_id=8)])
    exporter.write([row(3), row(4, resource=another, resource_id=8)])
    assert [r.resource for r in stored(exporter)] == [RESOURCE, another, RESOURCE, another]


def test_a_row_that_cannot_be_written_is_no_fault_of_the_store_and_costs_no_neighbour(exporter: Exporter) -> None:
    exporter.write([row(1)])
    for poison in (row(2, sequence=2**63), row(2, document="\ud800"), row(2, kind=None), row(2, attempt={1})):
        with pytest.raises(Exception) as caught:
            exporter.write([row(3), poison])
        assert not isinstance(caught.value, RetryableError)
    assert [r.span_id for r in stored(exporter)] == [1]  # all or none
    exporter.write([row(3)])
    assert [r.span_id for r in stored(exporter)] == [1, 3]


def test_a_lease_is_there_with_the_first_row_and_closed_at_the_end(exporter: Exporter) -> None:
    with closing(exporter.store()) as store:
        exporter.write([row(1, ended=False)])
        (opened,) = store.leases()
        exporter.heartbeat()
        (beaten,) = store.leases()
        assert beaten.heartbeat_ns > opened.heartbeat_ns
        assert beaten._replace(heartbeat_ns=0) == opened._replace(heartbeat_ns=0)

        exporter.write([row(2, ended=False, lease_id=opened.lease_id)])
        exporter.close()
        (closed,) = store.leases()
        assert closed.closed_ns is not None
        assert closed.lease_id == opened.lease_id


def test_what_was_written_can_be_read_after_close(exporter: Exporter) -> None:
    exporter.write([row(1)])
    exporter.close()
    assert [r.span_id for r in stored(exporter)] == [1]


def test_a_reader_cannot_write(exporter: Exporter) -> None:
    with (
        closing(exporter.store()) as store,
        store._engine.connect() as connection,  # type: ignore[attr-defined]
        pytest.raises(Exception, match=r"read-?only"),
    ):
        connection.exec_driver_sql("DELETE FROM spans")


def test_a_forked_child_takes_a_lease_of_its_own(exporter: Exporter) -> None:
    """The hook is called in this process: what it must do is forget, and leave the old connection open."""
    exporter.write([row(1, ended=False)])
    before, connection = exporter._lease, exporter._connection  # type: ignore[attr-defined]

    exporter.after_fork_in_child()
    exporter.write([row(2, ended=False)])

    assert exporter._lease.lease_id != before.lease_id  # type: ignore[attr-defined]
    assert exporter._connection is not connection  # type: ignore[attr-defined]
    connection.execute("SELECT 1")
    connection.close()
