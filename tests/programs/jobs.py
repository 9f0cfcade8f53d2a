"""A Celery application whose tasks fail twice before they succeed, with Celery's own instrumentation.

    python -m tests.programs.jobs one STORE LISTED CALLER FOLDER        the caller and its worker in one process
    python -m tests.programs.jobs caller STORE LISTED CALLER FOLDER     the caller alone
    celery -A tests.programs.jobs worker                                a worker with child processes

The worker finds its places in the environment. The queue is in memory, or in the folder that both have.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from celery import Celery, current_task, signals
from celery.contrib.testing.worker import start_worker
from opentelemetry.instrumentation.celery import CeleryInstrumentor

import otel_telemetry as ot
from tests.programs import host

RETRIES = {"autoretry_for": (ConnectionError,), "max_retries": 3, "default_retry_delay": 0, "retry_jitter": False}

app = Celery("jobs")


def use_folder(folder: str) -> None:
    """Keep queue and results in a folder."""
    queue, results = Path(folder, "queue"), Path(folder, "results")
    for made in (queue, results, Path(folder, "control")):
        made.mkdir(parents=True, exist_ok=True)
    app.conf.update(
        broker_url="filesystem://",
        broker_transport_options={
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(Path(folder, "control")),
            "polling_interval": 0.05,
        },
        result_backend=f"file://{results}",
    )


def begin_in_child(**_: object) -> None:
    """Record in a child process of a worker, from its start to its end."""
    telemetry, provider = host.start(os.environ["JOBS_STORE"], os.environ["JOBS_LISTED"])
    CeleryInstrumentor().instrument(tracer_provider=provider)

    @signals.worker_process_shutdown.connect(weak=False)
    def end_in_child(**_: object) -> None:
        telemetry.shutdown(30)


if "JOBS_FOLDER" in os.environ:
    use_folder(os.environ["JOBS_FOLDER"])
    signals.worker_process_init.connect(begin_in_child)


def fail_twice() -> None:
    """Fail in the first two attempts of a task."""
    if current_task.request.retries < 2:
        raise ConnectionError(f"the bank is away ({current_task.request.retries})")


@ot.tool("bank.transfer")
def transfer(amount: int) -> str:
    fail_twice()
    return f"t{amount}"


@ot.step
def book(amount: int) -> str:
    return transfer(amount)


@app.task(**RETRIES)
def bare(amount: int) -> str:
    """A task that nothing of ours decorates."""
    fail_twice()
    return f"t{amount}"


@app.task(**RETRIES)
def with_tool(amount: int) -> str:
    """A task that calls a step and a tool of ours."""
    return book(amount)


@app.task(**RETRIES)
@ot.tool("bank.refund")
def refund(amount: int) -> str:
    """A task that is a tool of ours."""
    fail_twice()
    return f"t{amount}"


@app.task(**RETRIES)
@ot.workflow("payment")
def payment(amount: int) -> str:
    """A task of which each attempt is an execution."""
    return book(amount)


def send() -> None:
    """Send one task of each kind, and wait until all have succeeded."""
    sent = [task.delay(amount) for amount, task in enumerate((bare, with_tool, refund, payment), start=1)]
    assert [task.get(timeout=60, interval=0.05) for task in sent] == ["t1", "t2", "t3", "t4"]


def call(caller: str) -> None:
    if caller == "plain":
        send()
        return
    with ot.execution("payday") as run, run.step("send"):
        send()


def main(part: str, store: str, listed: str, caller: str, folder: str) -> None:
    with host.recording(store, listed) as provider:
        CeleryInstrumentor().instrument(tracer_provider=provider)
        if part == "caller":
            use_folder(folder)
            call(caller)
            return
        app.conf.update(
            broker_url="memory://",
            broker_transport_options={"polling_interval": 0.05},
            result_backend=f"file://{folder}",
        )
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
            call(caller)


if __name__ == "__main__":
    # not as this module, but as the one whose tasks have the names that a worker knows
    importlib.import_module("tests.programs.jobs").main(*sys.argv[1:])
