"""Nothing is lost between records, spans, rows and JSON."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from otel_telemetry import fields, semconv
from otel_telemetry.codec import (
    decode,
    encode,
    error_from_json,
    error_to_json,
    from_json,
    json_schema,
    summary,
    to_json,
)
from otel_telemetry.query import is_interrupted
from otel_telemetry.records import ErrorRecord, ExecutionRecord
from otel_telemetry.rows import data_of, fold, greatest, row_of
from span_processors.redaction import canonical
from tests.otel_telemetry.codec.recorded import traces
from tests.otel_telemetry.codec.records import ERRORS, executions
from tests.otel_telemetry.decoded import decoded, rows_of
from tests.otel_telemetry.strategies import ATTRIBUTES, OWN_ATTRIBUTES, spans

if TYPE_CHECKING:
    from pathlib import Path

    from otel_telemetry.records import JsonValue
    from span_processors.data import SpanData

SCHEMA = Draft202012Validator(json_schema(ExecutionRecord))
slow_to_make = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)

# few ids, so that spans are each other's parents, in circles too
FEW_IDS = st.sampled_from([1, 2, 3, 4, 2**64 - 1])
TRACES = st.lists(spans(OWN_ATTRIBUTES | ATTRIBUTES, ids=FEW_IDS, trace_ids=st.just(7)), min_size=1, max_size=6)


@given(executions())
@settings(slow_to_make, max_examples=100)
def test_a_record_comes_back_from_its_spans(record: ExecutionRecord) -> None:
    check_comes_back(record)


@pytest.mark.slow
@given(executions())
@settings(slow_to_make, max_examples=1000)
def test_a_thousand_records_come_back_from_their_spans(record: ExecutionRecord) -> None:
    check_comes_back(record)


def check_comes_back(record: ExecutionRecord) -> None:
    made = encode(record)
    assert decoded(made) == record
    assert decoded(made[::-1]) == record, "the order of the spans says nothing"


@given(executions())
@settings(slow_to_make, max_examples=50)
@pytest.mark.promise("P16")
def test_a_record_comes_back_from_its_rows_and_from_json(record: ExecutionRecord) -> None:
    made = encode(record)
    rows = rows_of(made)
    assert [data_of(row) for row in rows] == made
    assert decode(rows) == record
    written = to_json(record)
    SCHEMA.validate(written)
    text = canonical(written)
    assert from_json(json.loads(text)) == record
    assert canonical(to_json(from_json(json.loads(text)))) == text


@given(TRACES)
@settings(slow_to_make, max_examples=int(os.environ.get("OTEL_TELEMETRY_TEST_FUZZ", "100")))
def test_whatever_spans_say_is_kept(recorded: list[SpanData]) -> None:
    check_kept(recorded)


@given(spans(trace_ids=st.just(7), ids=st.just(1)))
@settings(slow_to_make, max_examples=20)
def test_of_two_spans_with_one_id_it_is_the_same_that_says_whose_child_they_are(span: SpanData) -> None:
    twins = [
        span._replace(parent_span_id=1, attributes={}),
        span._replace(parent_span_id=None, attributes={semconv.KIND: "execution"}, start_ns=span.start_ns + 1),
    ]
    check_kept(twins)
    check_kept(twins[::-1])
    assert decoded(twins) == decoded(twins[::-1])


@given(spans(trace_ids=st.just(7), ids=st.just(1)))
@settings(slow_to_make, max_examples=20)
def test_what_has_one_id_and_one_start_is_one_span_and_the_same_state_of_it_stands(span: SpanData) -> None:
    states = [
        span._replace(parent_span_id=1, attributes={}),
        span._replace(parent_span_id=None, attributes={semconv.KIND: "execution"}),
    ]
    record = decoded(states)
    assert len(encode(record)) == 1
    assert decoded(states[::-1]) == record
    check_kept(states)


@pytest.mark.parametrize(("key", "value"), [(semconv.METADATA, {}), (semconv.INTERRUPTED, False)])
def test_an_attribute_that_says_what_its_absence_says_is_kept(key: str, value: JsonValue) -> None:
    span = next(iter(encode(ExecutionRecord(execution_id="e", started_at=1))))
    check_kept([span._replace(attributes=span.attributes | {key: value})])


def test_a_text_where_a_mark_belongs_is_kept() -> None:
    orphan = encode(ExecutionRecord(execution_id="e", started_at=1))[0]
    check_kept([orphan._replace(attributes={semconv.KIND: "step", semconv.INTERRUPTED: "execution"})])


def test_the_mark_of_an_interrupted_orphan_is_not_put_where_another_claims_to_be_one() -> None:
    orphan = encode(ExecutionRecord(execution_id="e", started_at=1))[0]
    inside = orphan._replace(attributes={semconv.EXECUTION_ID: "e"}, parent_span_id=orphan.span_id)
    check_kept([inside, orphan._replace(attributes={semconv.KIND: "execution"}, parent_span_id=None)])


def test_an_interrupted_step_stays_so_beside_an_execution_that_says_something_else() -> None:
    own = encode(ExecutionRecord(execution_id="e", started_at=1))[0]
    odd = own._replace(attributes={**own.attributes, semconv.INTERRUPTED: "execution"})
    step = own._replace(attributes={semconv.KIND: "step", semconv.EXECUTION_ID: "e", semconv.INTERRUPTED: True})
    check_kept([odd, step._replace(span_id=step.span_id + 1)])
    check_kept([odd, step._replace(start_ns=0)])


def test_a_mark_of_a_span_with_the_key_of_another_stays_with_it() -> None:
    orphan = encode(ExecutionRecord(execution_id="e", started_at=1))[0]
    marked = {semconv.KIND: "step", semconv.INTERRUPTED: True}
    others = {semconv.EXECUTION_ID: "execution", **marked}
    check_kept([orphan._replace(attributes={}), orphan._replace(attributes=others)])
    check_kept([orphan._replace(attributes=marked), orphan._replace(attributes=others)])


def test_what_a_later_claim_says_to_be_nothing_is_kept() -> None:
    first = encode(ExecutionRecord(execution_id="e", started_at=1))[0]
    later = first._replace(attributes={**first.attributes, semconv.SEQUENCE: None}, start_ns=first.start_ns + 1)
    check_kept([first, later])


def test_null_inputs_of_the_newest_claim_leave_those_of_an_earlier_one() -> None:
    first = encode(ExecutionRecord(execution_id="e", started_at=1, inputs=["a"]))[0]
    later = first._replace(attributes={**first.attributes, semconv.INPUTS: "null"}, start_ns=first.start_ns + 1)
    check_kept([first, later])
    assert decoded([first, later]).inputs == ["a"]


def check_kept(recorded: list[SpanData]) -> None:
    """Read all into the execution of the first, and back."""
    rows = rows_of(recorded)
    execution_id = rows[0].execution_id
    record = decode(rows, execution_id)
    made = encode(record)
    assert decode(rows_of(made), execution_id) == record
    assert from_json(json.loads(json.dumps(to_json(record)))) == record
    SCHEMA.validate(to_json(record))
    own, adopted = ([row for row in rows if (row.execution_id == execution_id) is mine] for mine in (True, False))
    stored = [data_of(row) for row in (*greatest(own), *greatest(adopted))]
    assert Counter(map(identity, made)) == Counter(map(identity, stored))
    said = defaultdict(list)
    for span in made:
        said[identity(span)].append(said_by(span))
    for span in stored:
        assert any(said_by(span).items() <= other.items() for other in said[identity(span)]), span


def identity(span: SpanData) -> Any:
    return json.dumps(span._replace(attributes={}))


def said_by(span: SpanData) -> dict[str, str]:
    """What the attributes of a span say, as text: JSON null says nothing, and JSON may come as text or as itself."""
    return {
        key: value if isinstance(value, str) else canonical(value)
        for key, value in span.attributes.items()
        if value is not None and key != semconv.PROBLEMS and (value != "null" or key not in fields.PAYLOAD_KEYS)
    }


@given(spans(OWN_ATTRIBUTES | ATTRIBUTES), st.booleans())
def test_a_summary_says_what_the_record_says(span: SpanData, interrupted: bool) -> None:  # noqa: FBT001  (hypothesis passes it by name)
    row = row_of(span, 1)
    execution, live = fold([row]), frozenset() if interrupted else frozenset({1})
    record = decode([row], live_leases=live)
    line = summary(execution, [row], interrupted=is_interrupted(execution, live))
    for name in (
        *("execution_id", "type", "workflow_name", "workflow_version", "status", "started_at", "completed_at"),
        *("duration_ms", "error", "caller_id", "metadata", "interrupted", "parent_execution_id", "problems"),
    ):
        assert getattr(line, name) == getattr(record, name), name
    assert line.trace_id == f"{span.trace_id:032x}"
    light = summary(execution, [row._replace(payload=None)], interrupted=is_interrupted(execution, live))
    assert replace(light, problems=line.problems) == line, "a payload matters to no more than the problems"


@given(ERRORS)
def test_an_error_comes_back_from_json(error: ErrorRecord) -> None:
    assert error_from_json(json.loads(canonical(error_to_json(error)))) == error


def test_recorded_traces_of_others_are_kept(test_data: Path) -> None:
    number = 0
    for _, recorded in traces(test_data):
        check_kept(recorded)
        number += len(recorded)
        record = decoded(recorded)
        assert [row_of(span, None).execution_id for span in recorded] == [record.execution_id] * len(recorded)
    assert number > 600
