"""A real Collector, run with the configurations of collector-config/."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

import otel_telemetry as ot
from otel_telemetry.codec import to_json
from tests import collector

pytestmark = pytest.mark.timeout(420)  # the first run builds the Collector


@pytest.fixture(scope="session")
def executable() -> Path:
    found = collector.binary()
    if found is None:
        pytest.skip("no Collector: there is no Go here to build one, and OTEL_TELEMETRY_TEST_COLLECTOR names none")
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in collector.CONFIGURATIONS.glob("*.yaml")))
def test_every_configuration_is_valid(executable: Path, name: str) -> None:
    if name == "builder.yaml":  # what the Collector is built from, which the build itself has proven
        assert executable.exists()
        return
    command = [executable, "validate", "--config", collector.CONFIGURATIONS / name]
    subprocess.run(command, env={"OTLP_BACKEND": "http://127.0.0.1:1"}, check=True, capture_output=True)


def record(telemetry: ot.Telemetry, secret: str) -> str:
    with telemetry.execution("invoice", version="3", inputs={"password": secret}, metadata={"tenant": "t1"}) as run:
        with run.step("charge") as step:
            with step.tool_call("stripe.charge", params={"api_key": secret, "amount": 770}) as call:
                call.result = {"paid": [1, 2.5, None, True]}
        run.outputs = {"ok": True}
    return run.execution_id


def written(file: Path, spans: int) -> Path:
    """The Collector's file, once it holds so many spans; the file exporter writes a line a batch."""
    deadline = time.monotonic() + 30
    while not file.exists() or file.read_bytes().count(b'"spanId"') < spans:
        assert time.monotonic() < deadline, "the Collector did not write in time"
        time.sleep(0.02)
    return file


def content_of(telemetry: ot.Telemetry, execution_id: str) -> str:
    """The whole record as text, but for the trace flags, which the SDK's OTLP exporters do not send."""
    record = telemetry.store.get(execution_id)
    assert record is not None
    assert record.steps[0].tool_calls[0].result == {"paid": [1, 2.5, None, True]}
    return re.sub(r'"flags": \d+', "", json.dumps(to_json(record), indent=1))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_spans_reach_a_collector_redacted_and_come_back(
    executable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """The standard variables add the Collector; the store goes on; what the Collector wrote can be imported."""
    file = tmp_path / "traces.otlp.jsonl"
    secret = "kiwi-" + "Zq81" * 6
    with collector.running(executable, "to-file.yaml", TRACES_FILE=str(file)) as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.grpc if protocol == "grpc" else running.http)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        with ot.configure(store="memory://") as telemetry:
            execution_id = record(telemetry, secret)
            assert telemetry.flush(30)
            assert [sink.stored for sink in telemetry.health().sinks] == [3, 3]
            stored = content_of(telemetry, execution_id)
        content = written(file, 3).read_bytes()
    assert secret.encode() not in content
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with ot.configure(store="memory://") as other:
        assert other.store.import_(file) == 3
        assert content_of(other, execution_id) == stored


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_store_is_exported_to_a_collector(executable: Path, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "traces.otlp.jsonl"
    with ot.configure(store="memory://") as telemetry:
        execution_id = record(telemetry, "x")
        with collector.running(executable, "to-file.yaml", TRACES_FILE=str(file)) as running:
            endpoint = running.http if scheme == "http" else running.grpc.replace("http://", "grpc://")
            assert telemetry.store.export("otlp", endpoint) == 1
            written(file, 3)
        with ot.configure(store="memory://") as other:
            other.store.import_(file)
            assert content_of(other, execution_id) == content_of(telemetry, execution_id)


def test_a_collector_forwards_to_another(executable: Path, tmp_path: Path) -> None:
    file = tmp_path / "traces.otlp.jsonl"
    with (
        collector.running(executable, "to-file.yaml", TRACES_FILE=str(file)) as backend,
        collector.running(executable, "forward.yaml", OTLP_BACKEND=backend.http) as gateway,
        ot.configure(store="memory://") as telemetry,
    ):
        execution_id = record(telemetry, "x")
        assert telemetry.store.export("otlp", gateway.http) == 1
        written(file, 3)
        with ot.configure(store="memory://") as other:
            other.store.import_(file)
            assert content_of(other, execution_id) == content_of(telemetry, execution_id)


def test_a_collector_that_is_away_does_not_hold_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    telemetry = ot.configure(store="memory://")
    execution_id = record(telemetry, "x")
    assert telemetry.store.get(execution_id) is not None
    store, otlp = telemetry.health().sinks
    assert (store.stored, store.pending, otlp.stored) == (3, 0, 0)
    started = time.monotonic()
    assert telemetry.shutdown(1.0) is False
    assert time.monotonic() - started < 5
    otlp = telemetry.health().sinks[1]
    assert otlp.accepted == 3 == otlp.pending + sum(otlp.dropped.values())
    for (
        thread
    ) in threading.enumerate():  # the SDK's exporter, which draws from the global random, ends its retries first
        if thread.name.startswith("span_processors"):
            thread.join(30)
