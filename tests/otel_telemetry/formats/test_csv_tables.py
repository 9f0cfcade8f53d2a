"""Tables: flat, few columns, and nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from otel_telemetry.formats import Csv
from otel_telemetry.formats.csv_tables import COLUMNS, safe_text
from otel_telemetry.testing.export_format import SAMPLES

WORKFLOW, DIRECT, FOREIGN = SAMPLES


def tables(*records: object, **options: bool) -> dict[str, list[dict[str, str]]]:
    outs = {table: io.BytesIO() for table in Csv.tables}
    Csv(**options).write_tables(records, outs)  # type: ignore[arg-type]
    return {table: [*csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))] for table, out in outs.items()}


def test_one_row_a_run_in_few_columns() -> None:
    rows = tables(*SAMPLES)["executions"]
    assert [row["execution_id"] for row in rows] == [record.execution_id for record in SAMPLES]
    assert all(len(columns) <= 15 for columns in COLUMNS.values())


def test_an_execution_reads_like_this() -> None:
    (row,) = tables(WORKFLOW)["executions"]
    assert row == {
        "execution_id": "run-1",
        "workflow_name": "invoice",
        "workflow_version": "3",
        "status": "running",
        "started_at": "2025-10-09T08:53:20.123456Z",
        "completed_at": "",
        "duration_ms": "",
        "error_code": "",
        "error_message": "",
        "steps": "3",
        "tool_calls": "1",
        "caller_id": "'\uff1dcaller",
        "type": "workflow",
        "interrupted": "true",
        "parent_execution_id": "",
    }


def test_numbers_stay_numbers() -> None:
    (row,) = tables(DIRECT)["executions"]
    assert row["duration_ms"] == "-1e-06"


def test_steps_and_calls_name_their_execution() -> None:
    found = tables(*SAMPLES)
    assert [(row["execution_id"], row["step_id"], row["attempt"], row["status"]) for row in found["steps"][:3]] == [
        ("run-1", "charge", "1", "failed"),
        ("run-1", "charge", "2", "running"),
        ("run-1", "mail", "1", "skipped"),
    ]
    assert found["steps"][2]["skip_reason"] == "'+nothing to send"
    assert [(row["execution_id"], row["step_id"], row["tool_name"]) for row in found["tool_calls"]] == [
        ("run-1", "charge", "stripe.charge"),
        ("run-2", "", "search"),
    ]


def test_each_error_of_a_chain_is_a_row() -> None:
    rows = tables(WORKFLOW)["errors"]
    assert [(row["of"], row["step_id"], row["attempt"], row["call_id"], row["depth"], row["code"]) for row in rows] == [
        ("step", "charge", "1", "", "0", "charge_failed"),
        ("step", "charge", "1", "", "1", "refused"),
        ("tool_call", "charge", "", "call-1", "0", "charge_failed"),
        ("tool_call", "charge", "", "call-1", "1", "refused"),
    ]
    assert [row["message"] for row in rows[:2]] == ["'-1 is no amount", "'@refused"]
    assert [row["retryable"] for row in rows[:2]] == ["false", "true"]


DANGEROUS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\u3000=1", "\ufeff=1", "\u200b=1",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1", "\ufe62x", "\u207ax", '=HYPERLINK("http://x")',
    "-2+3+cmd|' /C calc'!A0",
    "\tplain", "\v=1", "\x00=1", "\x1f=1", "\u202e=1", "\u2066=1", "\u2003=1", "=",
]  # fmt: skip
HARMLESS = ["", "a=1", "1-1", "mail@host", "'=1", "(=1)", '"=1"', "é=", "a\n=1", "0", "invoice", "1e5"]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_text(text) == "'" + text
    (row,) = tables(replace(DIRECT, workflow_name=text, caller_id=text))["executions"]
    assert row["workflow_name"] == row["caller_id"] == "'" + text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize("text", [*DANGEROUS, *HARMLESS, "x" * 40_000])
def test_programs_can_have_the_exact_text(text: str) -> None:
    (row,) = tables(replace(DIRECT, caller_id=text), spreadsheet_safe=False)["executions"]
    assert row["caller_id"] == text


def test_a_text_longer_than_a_cell_is_cut() -> None:
    (row,) = tables(replace(DIRECT, caller_id="=" * 40_000))["executions"]
    assert len(row["caller_id"]) == 32_767
    assert row["caller_id"].startswith("'=")
    assert row["caller_id"].endswith("…")
    assert safe_text("x" * 32_767) == "x" * 32_767
