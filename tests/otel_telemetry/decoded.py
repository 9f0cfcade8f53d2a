"""Spans to the record that a reader would get of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_telemetry.codec import decode
from otel_telemetry.rows import INTERRUPTED_LEASE, SpanRow, row_of
from otel_telemetry.semconv import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData


def rows_of(spans: Iterable[SpanData]) -> list[SpanRow]:
    """Return the rows that an import makes of spans."""
    return [row_of(span, INTERRUPTED_LEASE if span.attributes.get(INTERRUPTED) is True else None) for span in spans]


def decoded(spans: Iterable[SpanData]) -> ExecutionRecord:
    """Return the record of the execution that all of these spans belong to."""
    return decode(rows_of(spans))
