"""Which spans survive a sink that takes nothing, under each overflow policy; the start of an open one always does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, get_args

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode

from otel_telemetry.rows import data_of, row_of
from otel_telemetry.stores.spool.spill import SqliteSpill
from span_processors import IdGenerator, QueueSettings, RedactingSpanProcessor
from span_processors.backlog import Overflow
from tests.span_processors.support import Gate, ListSink, account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DETAILS, ERRORS, ROOM = 60, 10, 40


@pytest.mark.parametrize(
    ("overflow", "on_disk"), [*((overflow, False) for overflow in get_args(Overflow)), ("spill", True)]
)
@pytest.mark.promise("P4")
def test_errors_and_starts_survive_details(
    overflow: Overflow, *, on_disk: bool, tmp_path: Path, observed: Callable[[str], None]
) -> None:
    gate = Gate()
    sink = ListSink(gate, row_bytes=100)
    queue = QueueSettings(max_bytes=ROOM * 100, overflow=overflow, block_timeout_s=20 if on_disk else 0.01)
    max_bytes = 2**30 if on_disk else 1
    spill = SqliteSpill(tmp_path, max_bytes=max_bytes, to_row=lambda span: row_of(span, None), from_row=data_of)
    processor = RedactingSpanProcessor(queue=queue)
    processor.add_sink(sink, spill=spill if overflow == "spill" else None)
    provider = TracerProvider(id_generator=IdGenerator(), resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    tracer.start_span("first").end()
    gate.wait_until_entered()
    begun = tracer.start_span("begun")
    for n in range(DETAILS // 2):
        tracer.start_span(f"early {n}").end()
    for n in range(ERRORS):
        span = tracer.start_span(f"error {n}")
        span.set_status(Status(StatusCode.ERROR))
        span.end()
    for n in range(DETAILS // 2):
        tracer.start_span(f"late {n}").end()
    gate.open()
    deadline = time.monotonic() + 30
    while account(processor).pending or "begun" not in sink.started:
        assert time.monotonic() < deadline
        processor.force_flush(1_000)
    dropped = sum(account(processor).dropped.values())
    begun.end()
    processor.shutdown(30)
    kept = [name for name in sink.ended if name.startswith(("early", "late"))]
    assert sorted(name for name in sink.ended if name.startswith("error")) == [f"error {n}" for n in range(ERRORS)]
    assert account(processor).dropped.get("full", 0) == dropped == DETAILS - len(kept)
    if on_disk:
        assert not dropped
    else:
        assert dropped >= DETAILS + ERRORS - ROOM
        details = [f"{when} {n}" for when in ("early", "late") for n in range(DETAILS // 2)]
        assert kept == (details[-len(kept) :] if overflow == "drop_oldest" else details[: len(kept)])
    room = ", with room on disk" if on_disk else ""
    observed(f"{overflow}{room}: {ERRORS} of {ERRORS} errors, {len(kept)} of {DETAILS} details, 1 of 1 starts")
