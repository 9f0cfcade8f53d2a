"""What a store must say that holds certain rows: its executions, records, answers, counts and measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from otel_telemetry.codec import decode, summary
from otel_telemetry.query import Filter, SpanStore, is_interrupted
from otel_telemetry.rows import Durations, ExecutionRow, SpanRow, add_up
from otel_telemetry.testing.agreement import assert_record, assert_summary, questions_about
from otel_telemetry.testing.model import Model
from otel_telemetry.testing.rows import LIVE_LEASE

LIVE: Final = frozenset({LIVE_LEASE})
NOW_NS: Final = 1_000_000
_HOUR_NS: Final = 3_600_000_000_000


def assert_executions(store: SpanStore, model: Model, which: str, whose: Mapping[str, str] | None = None) -> None:
    """Check that the executions of some rows are what their spans make of them."""
    names = whose or {}
    ids = sorted(model.all)
    found = store.executions(Filter(execution_id=tuple(ids)), live_leases=LIVE, limit=len(ids))
    expected = model.matching(Filter())
    assert found == expected, _difference(found, expected, which, names)
    spans = store.spans(ids)
    assert spans == {row.execution_id: model.spans(row.execution_id) for row in found}, which
    heads = store.heads(found)
    for row in found:
        key = row.execution_id
        told = model.told[key]
        try:
            assert_record(decode(spans[key], key, live_leases=LIVE), told, LIVE)
            assert_summary(summary(row, heads[key], interrupted=is_interrupted(row, LIVE)), told, LIVE)
        except AssertionError as error:
            raise AssertionError(f"{which}: {key} {names.get(key, '')}: {error}") from error


def _difference(
    found: Sequence[ExecutionRow], expected: Sequence[ExecutionRow], which: str, names: Mapping[str, str]
) -> str:
    """Say in what rows are not as expected."""
    there, wanted = ({row.execution_id: row for row in rows} for rows in (found, expected))
    for key in sorted({*there, *wanted}):
        row, other = there.get(key), wanted.get(key)
        if row is None or other is None:
            return f"{which}: {key} {names.get(key, '')} is {'missing' if row is None else 'too many'}"
        differ = [(c, getattr(row, c), getattr(other, c)) for c in row._fields if getattr(row, c) != getattr(other, c)]
        if differ:
            return f"{which}: {key} {names.get(key, '')}: column, found, expected: {differ}"
    return f"{which}: the order is another one, or an execution came twice"


def assert_answers(store: SpanStore, rows: Sequence[SpanRow], which: str) -> None:
    """Check which of the executions of some rows each question finds, and what is measured of them."""
    model = Model(rows)
    ids = tuple(sorted(model.all))
    for question in questions_about(rows):
        where = replace(Filter.parse(NOW_NS, **question), execution_id=ids)
        expected = [row.execution_id for row in model.matching(where, live_leases=LIVE)]
        found = store.executions(where, live_leases=LIVE, limit=len(ids))
        assert [row.execution_id for row in found] == expected, (which, question)
    where = Filter(execution_id=ids)
    assert sorted(store.runs(where, live_leases=LIVE)) == sorted(model.runs(model.executions())), which


def assert_whole(store: SpanStore, rows: Sequence[SpanRow], which: str) -> None:
    """Check what is found, counted and measured in a store that holds these rows only."""
    model = Model(rows)
    expected = model.matching(Filter(), live_leases=LIVE)
    found = store.executions(Filter(), live_leases=LIVE, limit=len(rows))
    assert found == expected, _difference(found, expected, which, {})
    assert counts(store.durations()) == counts(model.durations()), which
    _assert_measured(store, model, which)
    for question in questions_about(rows):
        where = Filter.parse(NOW_NS, **question)
        assert store.count(where, live_leases=LIVE) == len(model.matching(where, live_leases=LIVE)), (which, question)


def _assert_measured(store: SpanStore, model: Model, which: str) -> None:
    """Check that each run is in one histogram, and that percentiles are those of the runs, 2 % more or less."""
    runs: dict[tuple[Any, ...], list[tuple[int, bool]]] = defaultdict(list)
    for told in model.told.values():
        frame = told.row.started_ns // _HOUR_NS, told.row.workflow_name or "", told.row.workflow_version or ""
        for kind, name, failed, lasted in told.runs:
            runs[*frame, kind, name].append((lasted, failed))
    measured = {part[:5]: part for part in add_up(store.durations()) if part.n}
    assert measured.keys() == runs.keys(), which
    for key, part in measured.items():
        times = sorted(ns for ns, _ in runs[key])
        assert (part.n, part.failed) == (len(times), sum(failed for _, failed in runs[key])), (which, key)
        for rank in range(1, len(times)):
            assert abs(part.at(rank) - times[rank - 1]) <= max(1, 0.02 * abs(times[rank - 1])), (which, key, rank)


def counts(durations: Iterable[Durations]) -> list[tuple[object, ...]]:
    """Return what stays exact when a run is corrected: it may still be named as the slowest."""
    return [
        (*part[:6], {bucket: n for bucket, n in sorted(part.buckets.items()) if n})
        for part in add_up(durations)
        if part.n
    ]
