"""The table of fields, and the places that state fields by hand: they say the same."""

from __future__ import annotations

import inspect
from dataclasses import fields as fields_of
from typing import Any, get_type_hints

import pytest

import otel_telemetry as ot
from otel_telemetry.cli.options import FILTERS
from otel_telemetry.codec import table
from otel_telemetry.fields import (
    ALL,
    ASKED,
    EXECUTION,
    FIELDS,
    INDEXED,
    ON_ROWS,
    STEP,
    TOOL_CALL,
    WHO,
    WHO_COLUMNS,
    ExecutionTexts,
    Field,
)
from otel_telemetry.formats.csv_tables import COLUMNS as CSV_COLUMNS
from otel_telemetry.query import Filter, Filters
from otel_telemetry.records import ExecutionRecord, ExecutionSummary, SpanRecord, StepRecord, ToolCallRecord
from otel_telemetry.rows import EXECUTION_COLUMNS, ExecutionRow, RowKind, SpanRow, claim, data_of, row_of
from otel_telemetry.rows.columns import KIND_NAMES
from otel_telemetry.semconv import KIND, STATUS
from otel_telemetry.store import TelemetryStore
from otel_telemetry.stores import indexes, statements
from otel_telemetry.stores.schema import executions, spans
from otel_telemetry.tracing import Instruments, Recorder
from tests.otel_telemetry.test_rows import make

RECORDS: dict[str, type] = {EXECUTION: ExecutionRecord, STEP: StepRecord, TOOL_CALL: ToolCallRecord, ALL: SpanRecord}
KINDS = {EXECUTION: RowKind.EXECUTION, STEP: RowKind.STEP, TOOL_CALL: RowKind.TOOL_CALL}
COLUMNS = [field for field in FIELDS if field.column and field.key != STATUS]
TYPES = {str | None: "string", str: "string", int | None: "int"}


def names_of(record: type) -> set[str]:
    return {field.name for field in fields_of(record)}


def test_a_field_is_one_of_some_record_and_stands_there_once() -> None:
    names = [field.name for field in FIELDS if field.name]
    assert len(names) == len(set(names))
    for spans_of, record in RECORDS.items():
        read = {field.name for field in FIELDS if field.name in names_of(record) and field.stands_on(spans_of)}
        stated = {EXECUTION: table.EXECUTION, STEP: table.STEP, TOOL_CALL: table.TOOL_CALL, ALL: table.SPAN}[spans_of]
        assert {field.name for field in stated.fields.values()} == read
    assert set(names) <= {name for record in RECORDS.values() for name in names_of(record)}


def test_a_record_that_states_more_than_the_table_is_refused() -> None:
    with pytest.raises(TypeError, match=r"lacks \['category', .*of ErrorRecord"):
        table._table(ot.ErrorRecord, EXECUTION, {})


@pytest.mark.parametrize("field", [field for field in FIELDS if field.column], ids=lambda field: field.column)
def test_a_column_is_of_the_rows_that_the_table_says(field: Field) -> None:
    assert field.column in SpanRow._fields
    if field.key != STATUS:
        assert TYPES[get_type_hints(SpanRow)[field.column]] == field.type
    assert (field.column in EXECUTION_COLUMNS) == bool(field.register)
    assert field.column in spans.c
    if field.register:
        first_of_state = EXECUTION_COLUMNS.index("state_rank")
        first_of_metadata = EXECUTION_COLUMNS.index("metadata_started_ns")
        place = EXECUTION_COLUMNS.index(field.column)
        assert field.column in executions.c
        assert (place == 0) == (field.register == "key")
        assert (0 < place < first_of_state) == (field.register == "who")
        assert (first_of_state < place < first_of_metadata) == (field.register == "state")


@pytest.mark.parametrize("row", [SpanRow, ExecutionRow])
def test_who_it_is_stands_side_by_side_in_both_rows(row: Any) -> None:
    first = row._fields.index(WHO_COLUMNS[0])
    assert row._fields[first : first + len(WHO_COLUMNS)] == WHO_COLUMNS


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_each_column_from_its_attribute_and_gives_it_back(kind: str) -> None:
    said: dict[str, Any] = {
        field.key: number if field.type == "int" else f"said {number}"
        for number, field in enumerate(COLUMNS, 1)
        if field.stands_on(kind)
    }
    attributes = {KIND: KIND_NAMES[KINDS[kind]], **said}
    row = row_of(make(attributes), 9)
    for field in COLUMNS:
        assert getattr(row, field.column) == said.get(field.key), field.column
    assert data_of(row).attributes == attributes


def test_a_claim_says_who_an_execution_is_as_its_span_does() -> None:
    said: dict[str, Any] = {
        field.key: f"said {number}" for number, field in enumerate(COLUMNS) if field in WHO or field.register == "key"
    }
    row = row_of(make({KIND: "execution", STATUS: "failed", **said}), 9)
    claimed = claim(row)
    for field in FIELDS:
        if field.register in {"key", "who", "state"}:
            assert getattr(claimed, field.column) == getattr(row, field.column) is not None, field.column
    assert claimed == ExecutionRow(**claimed._asdict())
    assert len(claimed) == len(EXECUTION_COLUMNS)


def test_a_summary_says_who_an_execution_is() -> None:
    assert {field.name for field in WHO} <= names_of(ExecutionSummary)


def test_what_executions_are_asked_for_by_is_a_filter_with_an_option() -> None:
    assert ASKED.keys() <= Filters.__annotations__.keys()
    assert ASKED.keys() <= names_of(Filter)
    assert {option.keyword: option.flag for option in FILTERS if option.keyword in ASKED} == {
        name: asked.option for name, asked in ASKED.items()
    }
    for field in ON_ROWS:
        value = {"status": "failed", "type": "direct"}.get(field.name, "x")
        conditions = Filter.parse(**{field.name: value}).row_conditions()
        assert conditions == {field.column: (3 if field.name == "status" else value,)}


def test_indexes_begin_with_the_columns_that_the_table_says() -> None:
    assert indexes.METADATA is executions.metadata
    first = {index.name: index.columns[0].name for index in executions.indexes}
    assert [first[name] for name in INDEXED.values()] == list(INDEXED)


def test_an_update_leaves_the_columns_of_indexes_alone_if_it_can() -> None:
    held = {str(column.name) for index in executions.indexes for column in index.columns}
    for index in executions.indexes:
        where: Any = index.dialect_options["sqlite"]["where"]
        held |= {name for name in executions.c.keys() if f"executions.{name} " in f"{where} "}  # noqa: SIM118
    assert held - {"execution_id"} == statements._INDEXED


def test_a_table_for_spreadsheets_has_who_an_execution_is() -> None:
    assert {field.name for field in WHO} <= set(CSV_COLUMNS["executions"])


def test_what_a_host_says_of_an_execution_is_taken_everywhere() -> None:
    said = ExecutionTexts.__annotations__.keys()
    assert said <= {field.name for field in WHO}
    assert said <= inspect.signature(TelemetryStore.start_execution).parameters.keys()
    assert said - {"workflow_version"} <= inspect.signature(Instruments.workflow).parameters.keys()
    texts: Any = {name: f"of {name}" for name in said}
    by_instrument = {name.replace("workflow_version", "version"): text for name, text in texts.items()}
    with ot.configure(store="memory://", strict=True) as telemetry:
        telemetry.store.complete_execution(telemetry.store.start_execution(**texts))
        with telemetry.execution("by a block", **by_instrument):
            pass
        for record in telemetry.store.query():
            assert {name: getattr(record, name) for name in said} == texts
        for name, text in texts.items():
            assert telemetry.store.count(**{name: text}) == 2
            assert telemetry.store.count(**{name: "another"}) == 0


def test_what_nobody_knows_is_not_taken() -> None:
    unknown: Any = {"caller": "x"}
    with pytest.raises(TypeError, match="caller="):
        Recorder(None).start_execution("w", **unknown)
