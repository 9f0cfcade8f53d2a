"""A real OpenTelemetry Collector for the tests: found, or built from its Go modules and kept for the next run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

CONFIGURATIONS = Path(__file__).parent.parent / "collector-config"
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.158.0"


def binary() -> Path | None:
    """Return the Collector's executable; None where there is none and no Go to build it with."""
    given = os.environ.get("OTEL_TELEMETRY_TEST_COLLECTOR")
    if given:
        return Path(given)
    go = shutil.which("go")
    if not go:
        return None
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otel-telemetry" / BUILDER.rpartition("@")[2]
    )
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        flock(lock, LOCK_EX)  # test processes running side by side build it once
        built = cache / "otelcol"
        if not built.exists():
            environ = os.environ | {"GOBIN": str(cache)}
            subprocess.run([go, "install", BUILDER], env=environ, check=True, capture_output=True)
            manifest = (CONFIGURATIONS / "builder.yaml").read_text().replace("./build/otelcol", str(cache / "source"))
            (cache / "builder.yaml").write_text(manifest)
            command = [cache / "builder", "--config", cache / "builder.yaml"]
            subprocess.run(command, env=environ, check=True, capture_output=True)
            (cache / "source" / "otelcol").rename(built)
    return built


@dataclass(frozen=True)
class Collector:
    """A running Collector."""

    http: str
    grpc: str
    process: subprocess.Popen[bytes]


@contextmanager
def running(executable: Path, configuration: str, **environ: str) -> Iterator[Collector]:
    """Run the Collector with a file of collector-config/ on free ports; end it with SIGTERM, as an operator would."""
    http, grpc = _free_port(), _free_port()
    environ = {"OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}", "OTLP_GRPC_ENDPOINT": f"127.0.0.1:{grpc}", **environ}
    command = [executable, "--config", CONFIGURATIONS / configuration]
    process = subprocess.Popen(command, env=os.environ | environ, stderr=subprocess.PIPE)
    try:
        _wait_for(process, http)
        yield Collector(f"http://127.0.0.1:{http}", f"http://127.0.0.1:{grpc}", process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise RuntimeError(f"the Collector ended: {process.communicate()[1][-2000:]!r}")
        time.sleep(0.05)
    raise RuntimeError("the Collector does not listen after 30 s")
