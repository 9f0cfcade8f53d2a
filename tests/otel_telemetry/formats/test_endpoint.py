"""Sending to a server that takes OTLP: what arrives, over HTTP and over gRPC, and what is said when nothing does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from otel_telemetry.codec import encode
from otel_telemetry.errors import ExportError, MissingExtraError
from otel_telemetry.formats import export_to
from otel_telemetry.formats.otlp.proto_spans import request_from_bytes
from otel_telemetry.testing.export_format import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.data import SpanData

ENDED = [span for record in SAMPLES for span in encode(record) if span.end_ns is not None]


class Received:
    """What a server was sent."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.paths: list[str] = []
        self.spans: list[SpanData] = []


@contextmanager
def http_server(received: Received) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.paths.append(self.path)
            received.spans += request_from_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(received.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def grpc_server(received: Received) -> Iterator[str]:
    class Service(TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
            received.spans += request_from_bytes(request.SerializeToString())
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def without_what_the_sdk_leaves_out(spans: list[SpanData]) -> list[SpanData]:
    """Return spans without the flags and the links' trace states, which the SDK's exporters do not send."""
    return sorted(
        (
            span._replace(flags=0, links=tuple(link._replace(flags=0, trace_state="") for link in span.links))
            for span in spans
        ),
        key=lambda span: (span.trace_id, span.span_id),
    )


@pytest.mark.parametrize(
    ("path", "arrives_at"), [("", "/v1/traces"), ("/", "/v1/traces"), ("/my/traces", "/my/traces")]
)
def test_over_http_everything_that_has_ended_arrives(path: str, arrives_at: str) -> None:
    received = Received()
    with http_server(received) as address:
        assert export_to(None, f"http://{address}{path}", SAMPLES) == len(SAMPLES)
    assert received.paths == [arrives_at]
    assert without_what_the_sdk_leaves_out(received.spans) == without_what_the_sdk_leaves_out(ENDED)


@pytest.mark.parametrize("format_name", ["otlp", "otlp-proto"])
def test_over_grpc_everything_that_has_ended_arrives(format_name: str) -> None:
    received = Received()
    with grpc_server(received) as address:
        export_to(format_name, f"grpc://{address}", SAMPLES)
    assert without_what_the_sdk_leaves_out(received.spans) == without_what_the_sdk_leaves_out(ENDED)


def test_a_refusal_is_an_error_that_shows_no_password() -> None:
    received = Received(status=400)
    with http_server(received) as address, pytest.raises(ExportError, match="did not take the spans") as refused:
        export_to(None, f"http://user:hidden@{address}?key=hidden", SAMPLES)
    assert "hidden" not in str(refused.value)
    assert address in str(refused.value)


def test_an_error_of_whoever_makes_the_records_comes_through() -> None:
    def breaking() -> Iterator[Any]:
        yield SAMPLES[0]
        raise ZeroDivisionError

    with http_server(Received()) as address, pytest.raises(ZeroDivisionError):
        export_to(None, f"http://{address}", breaking())


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_without_the_extra_it_says_what_to_install(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for transport in ("http", "grpc"):
        monkeypatch.setitem(
            __import__("sys").modules, f"opentelemetry.exporter.otlp.proto.{transport}.trace_exporter", None
        )
    with pytest.raises(MissingExtraError, match=r"otel-telemetry\[otlp\]"):
        export_to(None, endpoint, SAMPLES)
