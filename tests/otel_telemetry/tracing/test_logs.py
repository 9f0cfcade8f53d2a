"""Log lines say where they were written."""

from __future__ import annotations

import logging

from otel_telemetry.tracing import ContextFilter


def test_log_records_know_their_place(tape, caplog):
    caplog.handler.addFilter(ContextFilter())
    logger = logging.getLogger("host")
    logger.warning("outside")
    with tape.execution("w") as run:
        logger.warning("in the execution")
        with run.step("s") as step:
            logger.warning("in the step")
    outside, inside, deeper = caplog.records
    assert outside.execution_id is outside.step_id is outside.trace_id is outside.span_id is None
    assert (inside.execution_id, inside.step_id) == (run.execution_id, None)
    assert (deeper.execution_id, deeper.step_id) == (run.execution_id, "s")
    assert deeper.span_id == f"{step.span.get_span_context().span_id:016x}"
    assert deeper.trace_id == inside.trace_id == f"{run.span.get_span_context().trace_id:032x}"
