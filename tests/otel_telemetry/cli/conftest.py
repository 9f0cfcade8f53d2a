"""Stores made by the real recorder, and a way to run commands as a shell would."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import otel_telemetry as ot
from otel_telemetry.cli import main

SECRET = secrets.token_hex()
DIES_IN_THE_MIDDLE = """
import os, sys
import otel_telemetry as ot

telemetry = ot.configure(store=sys.argv[1])
run, step = telemetry.execution("import", version="1"), telemetry.step("load")
with run, step, telemetry.tool("s3.get", params={"bucket": "b"}):
    while telemetry.health().sinks[0].starts_stored < 3:
        telemetry.flush(0.05)
    os._exit(9)
"""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()


@pytest.fixture
def run(capsysbinary, monkeypatch):
    """Run a command in this process."""

    def run(*args: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            main(args=[str(arg) for arg in args], prog_name="otel-telemetry")
        except SystemExit as exit_:
            code = exit_.code or 0
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return run


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch, tmp_path):
    """Run in an empty folder, without configuration."""
    for name in ("OTEL_TELEMETRY_STORE", "OTEL_TELEMETRY_CONFIG", "OTEL_EXPORTER_OTLP_ENDPOINT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def shell(*args: str, **options) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-c", "from otel_telemetry.cli import main; main()", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@ot.tool("http.get")
def get(url: str, api_key: str) -> str:
    try:
        raise ConnectionRefusedError("port 443")
    except ConnectionRefusedError as error:
        raise TimeoutError("no answer") from error


@ot.step("fetch")
def fetch(order: int) -> str:
    try:
        return get(f"https://shop.example/{order}", api_key=SECRET)
    except TimeoutError as error:
        raise RuntimeError("order not fetched") from error


@ot.workflow("invoice", version="3", metadata={"tenant": "acme", "order": 7}, caller_id="cron")
def invoice(order: int) -> str:
    return fetch(order)


@ot.tool("mail.send")
def send(to: str) -> str:
    return f"sent to {to}"


@ot.workflow("greet", version="1")
def greet(names: list[str]) -> int:
    for name in names:
        send(name)
    return len(names)


def die_in_the_middle(url: str) -> None:
    """Record, in a process that dies, a run in whose only step a tool call is open."""
    died = subprocess.run([sys.executable, "-c", DIES_IN_THE_MIDDLE, url], timeout=60)
    assert died.returncode == 9


def record(url: str) -> None:
    """Record, oldest first: a run that dies, a direct call, a run that fails, one that succeeds."""
    die_in_the_middle(url)
    with ot.configure(store=url):
        send("ann")
        with pytest.raises(RuntimeError):
            invoice(7)
        greet(["ann", "bob"])


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    """The file of a store in which four runs stand; only read it."""
    path = tmp_path_factory.mktemp("recorded") / "telemetry.db"
    record(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(recorded) -> str:
    """The URL of that store."""
    return f"sqlite:///{recorded}"
