"""Where a log line was written: in which execution, step and span."""

from __future__ import annotations

import logging

from opentelemetry.trace import get_current_span

from otel_telemetry.tracing.context import current_scope


class ContextFilter(logging.Filter):
    """Puts `execution_id`, `step_id`, `trace_id` and `span_id` on every log record; None where there is none.

    handler.addFilter(ContextFilter())
    handler.setFormatter(logging.Formatter("%(message)s execution=%(execution_id)s step=%(step_id)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete `record`, and let it pass."""
        scope = current_scope()
        span = get_current_span().get_span_context()
        record.execution_id = None if scope is None else scope.run.execution_id
        record.step_id = None if scope is None else scope.step_id
        record.trace_id = f"{span.trace_id:032x}" if span.is_valid else None
        record.span_id = f"{span.span_id:016x}" if span.is_valid else None
        return True
