from __future__ import annotations

import dataclasses

import pytest

from otel_telemetry.cli.story import failure, state, title, tree
from otel_telemetry.records import ExecutionStatus, ExecutionType, StepStatus
from tests.otel_telemetry.cli.records import call, error, execution, failed_invoice, foreign, info, step


def names(node):
    return {title(child.part): names(child) for child in node.children}


def path(found):
    return [title(part) for part in found.path]


def codes(found):
    return [cause.code for cause in found.causes]


def test_the_tree_follows_the_records_where_there_are_no_spans():
    assert names(tree(failed_invoice())) == {
        "fetch": {},
        "fetch (attempt 2)": {},
        "charge": {"stripe.charge": {}},
        "mail": {},
    }


def test_the_tree_follows_the_spans_where_there_are_any():
    record = execution(
        step("outer", span=info(2, 1)),
        step("inner", at=30, span=info(3, 2), tool_calls=(call("http.get", at=40, span=info(4, 3)),)),
        span=info(1),
        spans=(foreign(5, 4), foreign(6, 99, at=70)),
    )
    assert names(tree(record)) == {"outer": {"inner": {"http.get": {"span 5": {}}}}, "span 6": {}}


def test_children_stand_in_the_order_they_started_and_sequence_decides_ties():
    record = execution(step("c", at=30), step("b", at=10, sequence=2), step("a", at=10, sequence=1))
    assert list(names(tree(record))) == ["a", "b", "c"]


def test_parents_that_form_a_loop_lose_nobody():
    record = execution(
        step("a", span=info(2, 3)),
        step("b", at=20, span=info(3, 2)),
        step("self", at=30, span=info(4, 4)),
        span=info(1),
    )
    assert names(tree(record)) == {"b": {"a": {}}, "self": {}} or names(tree(record)) == {"a": {"b": {}}, "self": {}}


def test_two_spans_of_one_id_lose_nobody():
    record = execution(step("a", span=info(2, 1)), step("b", at=20, span=info(2, 1)), span=info(1))
    assert names(tree(record)) == {"a": {}, "b": {}}


def test_a_chain_of_ten_thousand_spans_is_no_problem():
    deep = tuple(foreign(i, i - 1, at=i) for i in range(2, 10_002))
    node, depth = tree(execution(spans=deep, span=info(1))), 0
    while node.children:
        (node,) = node.children
        depth += 1
    assert depth == 10_000


def test_states_say_interrupted_where_something_was_open_and_the_process_is_gone():
    record = execution(
        step("done"),
        step("open", at=20, lasted=None, status=StepStatus.RUNNING, tool_calls=(call(lasted=None, at=30), call(at=25))),
        lasted=None,
        status=ExecutionStatus.RUNNING,
    )
    assert [child.state for child in tree(record).children] == ["completed", "running"]
    gone = tree(dataclasses.replace(record, interrupted=True))
    assert gone.state == "interrupted"
    assert [child.state for child in gone.children] == ["completed", "interrupted"]
    assert [child.state for child in gone.children[1].children] == ["completed", "interrupted"]


def test_a_finished_execution_is_never_interrupted():
    assert state(execution(interrupted=True)) == "completed"


def test_foreign_spans_fail_by_their_status():
    assert state(foreign(2, 1, status_code="error")) == "failed"
    assert state(foreign(2, 1, status_code="ok")) == "completed"


def test_an_error_is_told_by_the_innermost_part_alone():
    charge = tree(failed_invoice()).children[2]
    assert [e.code for e in charge.own_errors()] == ["charge_failed"]
    assert [e.code for e in charge.children[0].own_errors()] == ["stripe.timeout", "ConnectionRefusedError"]
    assert tree(failed_invoice()).own_errors() == []


def test_a_failure_is_traced_to_the_call_with_the_root_cause_first():
    found = failure(failed_invoice())
    assert path(found) == ["invoice", "charge", "stripe.charge"]
    assert codes(found) == ["ConnectionRefusedError", "stripe.timeout", "charge_failed"]
    assert found.parameters == {"order": 7, "api_key": "[REDACTED:field]"}
    assert title(found.parameters_of) == "stripe.charge"


def test_errors_that_share_nothing_are_still_one_story():
    """An engine that reports by ids says at each level what it knows there."""
    record = execution(
        step("charge", status=StepStatus.FAILED, error=error("step"), tool_calls=(call(error=error("tool")),)),
        status=ExecutionStatus.FAILED,
        error=error("run"),
    )
    assert path(failure(record)) == ["invoice", "charge", "stripe.charge"]
    assert codes(failure(record)) == ["tool", "step", "run"]


def test_a_step_that_recovered_is_not_blamed():
    record = execution(
        step("fetch", status=StepStatus.FAILED, error=error("flaky")),
        step("fetch", at=50, attempt=2),
        status=ExecutionStatus.FAILED,
        error=error("outside"),
    )
    assert path(failure(record)) == ["invoice"]
    assert codes(failure(record)) == ["outside"]


def test_the_last_attempt_is_blamed():
    bad = error("flaky")
    record = execution(
        step("fetch", status=StepStatus.FAILED, error=bad),
        step("fetch", at=50, attempt=2, status=StepStatus.FAILED, error=bad),
        status=ExecutionStatus.FAILED,
        error=bad,
    )
    assert path(failure(record)) == ["invoice", "fetch (attempt 2)"]
    assert codes(failure(record)) == ["flaky"]


def test_the_step_that_the_error_names_is_blamed():
    record = execution(
        step("a", status=StepStatus.FAILED),
        step("b", at=50, status=StepStatus.FAILED),
        status=ExecutionStatus.FAILED,
        error=error(step_id="a"),
    )
    assert path(failure(record)) == ["invoice", "a"]


def test_a_direct_call_fails_without_a_step():
    record = execution(
        type=ExecutionType.DIRECT,
        workflow_name=None,
        workflow_version=None,
        status=ExecutionStatus.FAILED,
        error=error(),
        tool_calls=(call(error=error(), params=[1]),),
    )
    assert path(failure(record)) == ["(direct)", "stripe.charge"]
    assert failure(record).parameters == [1]


def test_an_interrupted_run_is_traced_to_what_it_was_doing():
    record = execution(
        step("broken", status=StepStatus.FAILED, error=error()),
        step("open", at=20, lasted=None, status=StepStatus.RUNNING, tool_calls=(call(lasted=None, at=30),)),
        lasted=None,
        status=ExecutionStatus.RUNNING,
        interrupted=True,
    )
    assert path(failure(record)) == ["invoice", "open", "stripe.charge"]
    assert failure(record).causes == ()


def test_the_parameters_are_those_of_the_innermost_part_that_has_any():
    record = execution(
        step(
            "charge", status=StepStatus.FAILED, error=error(), tool_params={"a": 1}, tool_calls=(call(error=error()),)
        ),
        status=ExecutionStatus.FAILED,
        error=error(),
        inputs={"b": 2},
    )
    assert failure(record).parameters == {"a": 1}
    assert failure(dataclasses.replace(record, steps=())).parameters == {"b": 2}


@pytest.mark.parametrize("status", [ExecutionStatus.COMPLETED, ExecutionStatus.RUNNING, ExecutionStatus.PENDING])
def test_what_did_not_fail_has_no_failure(status):
    assert failure(execution(status=status, lasted=None)) is None


def test_a_cancelled_run_has_reasons_too():
    record = execution(status=ExecutionStatus.CANCELLED, error=error("cancelled", "asked to stop"))
    assert codes(failure(record)) == ["cancelled"]
