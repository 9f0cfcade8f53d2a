"""Sending redacted spans on, through any exporter that is written for the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from span_processors.flatten import to_readable
from span_processors.sinks import RetryableError
from span_processors.size import size_of

if TYPE_CHECKING:
    from span_processors.data import SpanData
    from span_processors.lean_span import LeanSpan


class ForwardingSink:
    """Hands spans to a plain OpenTelemetry exporter (OTLP, console ...), which gets redacted ones only.

    It has a worker of its own, so an endpoint that hangs holds up nothing else. An exporter that reports a failure does
    not say of what: the batch is tried again, in ever smaller parts, and only a span that keeps failing while others
    get through is given up.
    """

    wants_starts = False

    def __init__(self, exporter: SpanExporter) -> None:
        """Make a sink of an exporter, which the sink owns from then on."""
        self._exporter = exporter
        self.name = type(exporter).__name__

    def prepare(self, span: SpanData) -> SpanData:
        """Keep the span as it is: what exporters take is larger, and is made when it is sent."""
        return span

    def size(self, span: SpanData | LeanSpan) -> int:
        """Roughly the bytes that the span holds in memory."""
        return size_of(span)

    def write(self, rows: Sequence[SpanData]) -> None:
        """Export the spans.

        Raises:
            RetryableError: the exporter reported a failure.
        """
        if self._exporter.export([to_readable(row) for row in rows]) is not SpanExportResult.SUCCESS:
            raise RetryableError("the exporter reported a failure")

    def heartbeat(self) -> None:
        """Do nothing: a forwarder keeps nothing alive."""

    def after_fork_in_child(self) -> None:
        """Do nothing: exporters see to their own connections."""

    def close(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()
