"""A span of anybody's holds no more than so much, and says what was cut."""

from __future__ import annotations

import hashlib
import json

import orjson
import pytest

from span_processors import RedactionSettings, Redactor
from span_processors.bounds import MAX_SPAN_BYTES, bounded
from span_processors.size import size_of
from tests.span_processors.support import ListSink, pipeline

MIB = 2**20
FOR_EVER_MS = 60_000


def recorded(record, settings: RedactionSettings | None = None):  # type: ignore[no-untyped-def]
    sink = ListSink(wants_starts=False)
    with pipeline(sink, redactor=Redactor(settings or RedactionSettings())) as (processor, tracer):
        record(tracer)
        assert processor.force_flush(FOR_EVER_MS)
    (row,) = sink.rows
    return row


def test_a_span_of_many_large_attributes_is_cut_to_size() -> None:
    def record(tracer) -> None:  # type: ignore[no-untyped-def]
        tracer.start_span("span", attributes={f"a{n}": "x" * 200_000 for n in range(100)} | {"small": "kept"}).end()

    row = recorded(record)
    assert size_of(row) <= MAX_SPAN_BYTES
    assert row.attributes["small"] == "kept"
    assert row.attributes["a7"].startswith("xxx")
    assert row.attributes["a7"].endswith("characters cut)")


def test_events_beyond_all_bounds_are_left_out_and_counted() -> None:
    def record(tracer) -> None:  # type: ignore[no-untyped-def]
        span = tracer.start_span("span")
        for _ in range(128):
            span.add_event("event", {f"a{n}": "x" * 2_000 for n in range(128)})
        span.end()

    row = recorded(record)
    assert size_of(row) <= MAX_SPAN_BYTES
    assert (len(row.events), row.dropped_events) == (0, 128)


def test_attributes_beyond_all_bounds_are_left_out_and_counted() -> None:
    span = recorded(lambda tracer: tracer.start_span("span", attributes={"kind": "kept"}).end())
    many = {f"a{n:06d}": f"{n:06d}" + "x" * (200 + n % 50) for n in range(40_000)}
    row = bounded(span._replace(attributes={**many, **span.attributes}), MAX_SPAN_BYTES)
    assert size_of(row) <= MAX_SPAN_BYTES
    assert row.attributes["kind"] == "kept"
    assert len(row.attributes) + row.dropped_attributes == 40_001
    assert all(row.attributes[key] == many[key] for key in row.attributes if key != "kind")
    assert bounded(row, MAX_SPAN_BYTES) is row


def test_one_large_list_is_cut_as_json() -> None:
    values = [f"{n:06d}" for n in range(500_000)]

    def record(tracer) -> None:  # type: ignore[no-untyped-def]
        tracer.start_span("span", attributes={"list": values}).end()

    # where one payload may be so large, four of them may
    assert recorded(record, RedactionSettings(max_result_size=32 * MIB)).attributes["list"] == values
    small = recorded(record).attributes["list"]
    text = orjson.dumps(values)
    assert size_of(recorded(record)) <= MAX_SPAN_BYTES
    assert (small["truncated"], small["bytes"]) == (True, len(text))
    assert small["sha256"] == hashlib.sha256(text).hexdigest()
    assert json.dumps(values, separators=(",", ":")).startswith(small["head"])


@pytest.mark.promise("P22")
@pytest.mark.parametrize("size", [1, 1_000, 100_000, MIB])
def test_what_fits_is_kept_whole(size: int) -> None:
    def record(tracer) -> None:  # type: ignore[no-untyped-def]
        tracer.start_span("span", attributes={"one": "x" * size, "two": "y" * size, "three": "z" * size}).end()

    assert recorded(record).attributes == {"one": "x" * size, "two": "y" * size, "three": "z" * size}
