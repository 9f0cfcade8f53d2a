"""Agents that record themselves: their tools are tool calls, in our workflow as without it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import otel_telemetry as ot
from tests.programs.support import Place, assert_one_tree, assert_trace_is_execution, calls, records_of, run

pytestmark = [pytest.mark.programs, pytest.mark.slow, pytest.mark.timeout(120)]

TOOLS = {"ask_seller", "quote", "reserve", "stock"}


def kinds(record: ot.ExecutionRecord) -> Counter[tuple[str, str]]:
    """What the steps of others are, by the name of their span."""
    for step in record.steps:
        assert step.step_type is ot.StepType.CODE
    return Counter((step.kind, step.span.name) for step in record.steps if step.span is not None)


def assert_tools(record: ot.ExecutionRecord) -> None:
    """Each of the tools was called once, with what the model gave it."""
    assert Counter(call.tool_name for call in record.all_tool_calls()) == dict.fromkeys(TOOLS, 1)
    made = {name: (params, result) for name, params, result in calls(record)}
    assert made["stock"] == ({"item": "a"}, "3")  # its convention has texts for results
    assert made["quote"] == ({"item": "a"}, "650")
    assert made["reserve"] == ({"item": "a", "amount": 0}, "0 a")
    assert made["ask_seller"][0] == {"question": "a"}
    assert not [call for call in record.all_tool_calls() if call.error is not None]


def assert_declined(record: ot.ExecutionRecord) -> None:
    """The tool of the second agent failed, and with it the run."""
    assert record.status is ot.ExecutionStatus.FAILED
    assert record.error is not None
    assert "card declined" in record.error.message
    (call,) = record.all_tool_calls()
    assert (call.tool_name, call.params) == ("pay_back", {"amount": 0})
    assert call.error is not None
    assert "card declined" in call.error.message


def test_inside_our_workflow_its_tools_are_calls_of_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("agents", "inside", *place.arguments)
    purchase, refund = records_of(place)
    for record in (purchase, refund):
        assert_one_tree(record)
    assert (purchase.workflow_name, purchase.workflow_version) == ("purchase", "2")
    assert purchase.status is ot.ExecutionStatus.COMPLETED
    assert purchase.inputs == {"wish": "a jumper"}
    assert_tools(purchase)
    assert refund.workflow_name == "refund"
    assert_declined(refund)
    assert kinds(purchase) == {
        ("agent", "invoke_agent buyer"): 1,
        ("agent", "invoke_agent seller"): 1,
        ("chat", "chat test"): 4,
    }
    assert kinds(refund) == {("agent", "invoke_agent refunder"): 1, ("chat", "chat test"): 1}
    with ot.open_reader(place.url) as reader:
        for tool in TOOLS:
            assert [record.execution_id for record in reader.query(tool_name=tool)] == [purchase.execution_id]
        assert [record.execution_id for record in reader.query(tool_name="pay_back")] == [refund.execution_id]
        assert reader.stats("step") == []  # of ours there are none


def test_outside_a_run_of_an_agent_is_an_execution(tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("agents", "outside", *place.arguments)
    bought, refunded = records_of(place)
    for record in (bought, refunded):
        assert_trace_is_execution(record)
        assert record.type is ot.ExecutionType.WORKFLOW
    assert (bought.workflow_name, bought.status) == ("buyer", ot.ExecutionStatus.COMPLETED)
    assert_tools(bought)
    assert refunded.workflow_name == "refunder"
    assert_declined(refunded)
    assert kinds(bought) == {("agent", "invoke_agent seller"): 1, ("chat", "chat test"): 4}
    assert kinds(refunded) == {("chat", "chat test"): 1}
