"""The exporters as a part of somebody's own OpenTelemetry pipeline."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

from otel_telemetry.query import Filter
from otel_telemetry.stores import PostgresSpanExporter, open_exporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import SpanProcessor

PASSWORD = "correct-horse-battery"


@pytest.mark.parametrize("processor", [BatchSpanProcessor, SimpleSpanProcessor])
def test_spans_are_redacted_and_stored(url: str, processor: Callable[[SpanExporter], SpanProcessor]) -> None:
    exporter = open_exporter(url)
    assert isinstance(exporter, SpanExporter)
    provider = TracerProvider()
    provider.add_span_processor(processor(exporter))
    with (
        provider.get_tracer("theirs").start_as_current_span(
            "work", attributes={"password": PASSWORD, "colour": "blue"}
        ),
        provider.get_tracer("theirs").start_as_current_span("part"),
    ):
        pass
    assert provider.force_flush()

    with closing(exporter.store()) as store:
        (execution,) = store.executions(Filter(), live_leases=frozenset())
        rows = store.spans([execution.execution_id])[execution.execution_id]
        assert [row.ended_ns is not None for row in rows] == [True, True]
        assert "blue" in str(rows[0].document)
        assert PASSWORD not in str(rows)
        (lease,) = store.leases()
        assert {row.lease_id for row in rows} == {lease.lease_id}
        provider.shutdown()
        assert store.leases() == []


def test_export_never_raises_and_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    exporter = PostgresSpanExporter(f"postgresql://me:{PASSWORD}@/runs?host=/nowhere")
    with caplog.at_level(logging.WARNING):
        assert exporter.export([]) is SpanExportResult.FAILURE
        assert exporter.export([object()]) is SpanExportResult.FAILURE  # type: ignore[list-item]
        exporter.shutdown()
    assert "could not write 0 spans to postgresql" in caplog.text
    assert PASSWORD not in caplog.text
    assert exporter.force_flush()
