"""A tool of an MCP server is one tool call, whoever recorded it, in the run that called it."""

from __future__ import annotations

from pathlib import Path

import pytest

import otel_telemetry as ot
from tests.programs.support import (
    Place,
    assert_one_tree,
    assert_trace_is_execution,
    calls,
    names,
    own_steps,
    records_of,
    run,
    spans,
)

pytestmark = [pytest.mark.programs, pytest.mark.slow, pytest.mark.timeout(120)]

# the SDK records neither arguments nor result
CALL = {"sdk": ("add", None, None), "tool": ("add", {"a": 1, "b": 2}, 3), "both": ("add", {"a": 1, "b": 2}, 3)}


@pytest.mark.parametrize("recorder", list(CALL))
def test_a_call_from_our_execution_is_a_call_of_it(recorder: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("remote_tools", "client", *place.arguments, recorder, "ours")
    (record,) = records_of(place)
    assert_one_tree(record)
    assert (record.workflow_name, record.status) == ("sum", ot.ExecutionStatus.COMPLETED)
    assert [step.step_id for step in own_steps(record)] == ["ask"]
    assert calls(record) == [CALL[recorder]]
    assert names(record, "client")["MCP send tools/call add"] == 1
    assert names(record, "server")["tools/call add"] == (recorder != "tool")


@pytest.mark.parametrize("recorder", list(CALL))
def test_a_call_from_a_plain_program_is_in_the_execution_of_its_trace(recorder: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("remote_tools", "client", *place.arguments, recorder, "plain")
    records = records_of(place)
    for record in records:
        assert_trace_is_execution(record)
        assert record.workflow_name is not None
        assert record.workflow_name.startswith("MCP send ")
    (record,) = (record for record in records if list(record.all_tool_calls()))
    assert (record.workflow_name, record.type) == ("MCP send tools/call add", ot.ExecutionType.WORKFLOW)
    assert calls(record) == [CALL[recorder]]


@pytest.mark.parametrize("recorder", ["sdk", "tool"])
def test_a_call_from_a_program_that_records_nothing_is_an_execution_of_its_own(recorder: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("remote_tools", "client", *place.arguments, recorder, "silent")
    records = records_of(place)
    (record,) = (record for record in records if list(record.all_tool_calls()))
    assert record.type is ot.ExecutionType.DIRECT
    assert record.status is ot.ExecutionStatus.COMPLETED
    assert calls(record) == [CALL[recorder]]
    assert "tools/call add" not in {span.name for other in records if other is not record for span in spans(other)}
    assert len(records) == 1 or recorder == "sdk"  # which records the other messages as well
