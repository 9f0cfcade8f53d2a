"""An OTLP endpoint that is away, refuses, or comes back: at least once on the wire, nothing missing."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import otel_telemetry as ot
from tests.durability.support import SPANS, files, record, sink, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


class Endpoint:
    """What an OTLP endpoint got, and the status that it answers with."""

    def __init__(self) -> None:
        self.status = 200
        self.spans: list[bytes] = []
        self.requests = 0


@contextmanager
def endpoint(port: int = 0) -> Iterator[tuple[Endpoint, int]]:
    got = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.requests += 1
            if got.status == 200:
                request = ExportTraceServiceRequest.FromString(body)
                got.spans += [s.span_id for r in request.resource_spans for c in r.scope_spans for s in c.spans]
            self.send_response(got.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield got, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configure(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> ot.Telemetry:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    return ot.configure(f"sqlite:///{tmp_path}/t.db", spill=str(tmp_path / "spill"))


def test_spans_wait_on_disk_for_an_endpoint_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as (_, port):
        pass
    telemetry = configure(tmp_path, port, monkeypatch)
    record(telemetry, 20)
    wait_until(lambda: sink(telemetry.health(), 1).spilled == 20 * SPANS)
    assert not telemetry.shutdown(1)
    wait_until(lambda: not sink(telemetry.health(), 1).worker_alive)  # the end of a process would not take time
    with endpoint(port) as (got, _):
        telemetry = configure(tmp_path, port, monkeypatch)  # as the next process would
        record(telemetry, 5)
        wait_until(lambda: sink(telemetry.health(), 1).recovered == 20 * SPANS)
        assert telemetry.shutdown()
    assert len(set(got.spans)) == 25 * SPANS
    assert files(tmp_path / "spill") == []


def test_an_endpoint_that_has_no_time_gets_them_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as (got, port):
        got.status = 503
        telemetry = configure(tmp_path, port, monkeypatch)
        record(telemetry, 20)
        wait_until(lambda: sink(telemetry.health(), 1).spilled == 20 * SPANS)
        got.status = 200
        assert telemetry.flush(20)
        assert telemetry.shutdown()
    assert len(set(got.spans)) == 20 * SPANS


def test_spans_of_one_endpoint_never_go_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as (_, port):
        pass
    telemetry = configure(tmp_path, port, monkeypatch)
    record(telemetry, 3)
    assert not telemetry.shutdown(1)
    wait_until(lambda: not sink(telemetry.health(), 1).worker_alive)  # the exporter may still sleep between two tries
    with endpoint() as (got, other):
        assert other != port
        telemetry = configure(tmp_path, other, monkeypatch)
        record(telemetry, 1)
        assert telemetry.shutdown()
    assert len(set(got.spans)) == SPANS
    assert len(files(tmp_path / "spill")) == 1


def test_questions_to_the_store_do_not_wait_for_an_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as (_, port):
        pass
    telemetry = configure(tmp_path, port, monkeypatch)
    record(telemetry, 3)
    monkeypatch.setattr("otel_telemetry.store.READ_YOUR_WRITES_S", 600)
    assert telemetry.store.count() == 3
    assert not telemetry.shutdown(1)
