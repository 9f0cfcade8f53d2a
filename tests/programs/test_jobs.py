"""Celery tasks that are retried: their attempts belong to the run that sent them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import otel_telemetry as ot
from tests.programs.support import (
    ROOT,
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

BARE, WITH_TOOL, REFUND, PAYMENT = (
    f"tests.programs.jobs.{name}" for name in ("bare", "with_tool", "refund", "payment")
)


def assert_attempts(record: ot.ExecutionRecord, *tasks: str) -> None:
    """Three attempts of each task: each was sent, and each was run."""
    assert names(record, "producer") == {f"apply_async/{task}": 3 for task in tasks}
    assert names(record, "consumer") == {f"run/{task}": 3 for task in tasks}


def assert_tried(record: ot.ExecutionRecord, tool: str, amount: int) -> None:
    """The calls of a tool in an execution: two failed, then one succeeded."""
    tried = sorted((c for c in record.all_tool_calls() if c.tool_name == tool), key=lambda call: call.started_at)
    assert [(call.params, call.result) for call in tried] == [
        ({"amount": amount}, r) for r in (None, None, f"t{amount}")
    ]
    errors = [call.error and call.error.message for call in tried]
    assert errors == ["the bank is away (0)", "the bank is away (1)", None]


def assert_booked(record: ot.ExecutionRecord) -> None:
    """The task that calls our step and tool."""
    booked = sorted((step for step in own_steps(record) if step.step_id == "book"), key=lambda step: step.started_at)
    assert [step.status.value for step in booked] == ["failed", "failed", "completed"]
    assert_tried(record, "bank.transfer", 2)


def assert_payments(records: list[ot.ExecutionRecord], trace_id: str) -> None:
    """The attempts of the decorated task: three executions in the trace of the one that sent it."""
    payments = [record for record in records if record.workflow_name == "payment"]
    assert [record.status.value for record in payments] == ["failed", "failed", "completed"]
    for record in payments:
        assert record.inputs == {"amount": 4}
        assert {span.trace_id for span in spans(record)} == {trace_id}
        assert [step.step_id for step in own_steps(record)] == ["book"]
        assert [call.tool_name for call in record.all_tool_calls()] == ["bank.transfer"]


def assert_right(caller: str, records: list[ot.ExecutionRecord]) -> None:
    others = [record for record in records if record.workflow_name != "payment"]
    if caller == "ours":
        (record,) = others
        assert (record.workflow_name, record.status) == ("payday", ot.ExecutionStatus.COMPLETED)
        assert_one_tree(record)
        assert_attempts(record, BARE, WITH_TOOL, REFUND, PAYMENT)
        assert_booked(record)
        assert_tried(record, "bank.refund", 3)
        assert len(calls(record)) == 6
        assert Counter(step.step_id for step in own_steps(record)) == {"send": 1, "book": 3}
        assert record.span is not None
        assert_payments(records, record.span.trace_id)
        return
    of_bare, of_tool, of_refund, of_payment = others
    for record, task in ((of_bare, BARE), (of_tool, WITH_TOOL), (of_refund, REFUND), (of_payment, PAYMENT)):
        assert_trace_is_execution(record)
        assert record.workflow_name == f"apply_async/{task}"
        assert record.status is ot.ExecutionStatus.COMPLETED
        assert_attempts(record, task)
    assert_booked(of_tool)
    assert_tried(of_refund, "bank.refund", 3)
    assert [len(calls(of_tool)), len(calls(of_refund))] == [3, 3]
    assert calls(of_bare) == calls(of_payment) == []
    assert_payments(records, of_payment.execution_id)


@contextmanager
def worker(place: Place, folder: Path) -> Iterator[None]:
    """A worker as it is started from a shell; its tasks run in a child process of it."""
    settings = {"JOBS_STORE": place.url, "JOBS_LISTED": str(place.listed), "JOBS_FOLDER": str(folder)}
    options = ("--pool=prefork", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=WARNING")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "celery", "--quiet", "-A", "tests.programs.jobs", "worker", *options],
        env={**os.environ, **settings},
        cwd=ROOT,
        stdin=-3,
    ) as process:
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("caller", ["ours", "plain"])
def test_caller_and_worker_in_two_processes_and_one_store(caller: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    with worker(place, tmp_path / "folder"):
        run("jobs", "caller", *place.arguments, caller, str(tmp_path / "folder"))
    assert_right(caller, records_of(place))


@pytest.mark.parametrize("caller", ["ours", "plain"])
def test_caller_and_worker_in_one_process(caller: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    folder = tmp_path / "results"
    folder.mkdir()
    run("jobs", "one", *place.arguments, caller, str(folder))
    assert_right(caller, records_of(place))
