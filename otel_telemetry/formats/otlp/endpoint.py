"""Sending spans to a server that takes OTLP, through OpenTelemetry's own exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from otel_telemetry.codec import encode
from otel_telemetry.errors import ExportError, MissingExtraError
from otel_telemetry.formats.otlp.groups import batches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_telemetry.records import ExecutionRecord

_HTTP_PATH: Final = "/v1/traces"


def send(records: Iterable[ExecutionRecord], endpoint: str) -> None:
    """Send the spans of `records` that have ended, batch by batch, each tried again while the server asks for that.

    OTLP knows no running span, so what still runs is left out. Headers, certificates, compression and the timeout come
    from the standard ``OTEL_EXPORTER_OTLP_*`` variables.

    Args:
        records: What to send.
        endpoint: ``http://…`` or ``https://…`` (to ``/v1/traces`` where no path is given); ``grpc://…`` (plain) or
            ``grpcs://…`` (TLS).

    Raises:
        MissingExtraError: the extra ``otlp`` is not installed.
        ExportError: the server could not be reached or refused a batch; those before it have been sent.
    """
    exporter = _exporter(endpoint)
    # what turns spans into the SDK's own loads that SDK, which files never need
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    from span_processors.current import uninstrumented  # noqa: PLC0415
    from span_processors.flatten import to_readable  # noqa: PLC0415

    try:
        with uninstrumented():
            for batch in batches(span for record in records for span in encode(record) if span.end_ns is not None):
                if exporter.export([to_readable(span) for span in batch]) is not SpanExportResult.SUCCESS:
                    where = _without_user(endpoint)
                    raise ExportError(f"{where} did not take the spans: does it listen for OTLP there?")
    finally:
        exporter.shutdown()


def _exporter(endpoint: str) -> SpanExporter:
    url = urlsplit(endpoint)
    try:
        if url.scheme in {"grpc", "grpcs"}:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # noqa: PLC0415

            return Grpc(endpoint=url.netloc, insecure=url.scheme == "grpc")
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise MissingExtraError("sending over OTLP", "otlp") from exc
    return Http(endpoint=urlunsplit(url._replace(path=_HTTP_PATH)) if url.path in {"", "/"} else endpoint)


def _without_user(endpoint: str) -> str:
    """Return the endpoint without the name and password that it may hold, for a message."""
    url = urlsplit(endpoint)
    return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2], query=""))
