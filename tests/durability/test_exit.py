"""The end of a program: soon, with its own exit code, and nothing that was recorded unaccounted for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import otel_telemetry as ot
from tests.durability.support import SPANS, Way, record, sink, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.durability.proxy import Mode

EXECUTIONS = 200
PROGRAM = """
    import sys, time
    import otel_telemetry as ot
    from tests.durability.support import record, sink
    telemetry = ot.configure(sys.argv[1], spill=sys.argv[2])
    record(telemetry, 1, "first")
    assert telemetry.flush(20)
    print("ready", flush=True)
    sys.stdin.readline()
    record(telemetry, int(sys.argv[3]))
    print(time.time(), flush=True)
    sys.exit(7)
"""
MODES: list[Mode] = ["open", "refused", "black hole", "hung"]


@pytest.mark.fault("program ends while the backend is away", "within 5 s, exit code kept, 0 lost", backend="postgresql")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.promise("P11")
def test_a_program_ends_in_time_with_its_own_exit_code(way: Way, mode: Mode, observed: Callable[[str], None]) -> None:
    program = start(PROGRAM, way.url, way.spill, EXECUTIONS)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    way.proxy.set(mode)
    output, problems = program.communicate("\n", timeout=60)
    took = time.time() - float(output)
    assert program.returncode == 7
    assert "Traceback" not in problems
    assert took < 5
    stored, spilled = set(way.stored()), set(way.spilled())
    assert len(stored | spilled) == (EXECUTIONS + 1) * SPANS
    assert bool(spilled) == (mode != "open")
    observed(f"{mode}: {took:.1f} s, exit code 7, {len(stored - spilled)} stored, {len(spilled)} spilled, 0 lost")


@pytest.mark.parametrize("mode", MODES)
def test_a_shutdown_keeps_its_timeout_and_says_what_it_left(way: Way, mode: Mode) -> None:
    telemetry = way.configure()
    record(telemetry, 10)
    assert telemetry.flush(20)
    way.proxy.set(mode)
    record(telemetry, EXECUTIONS)
    began = time.monotonic()
    complete = telemetry.shutdown(3)
    assert time.monotonic() - began < 3.1
    account = sink(telemetry.health())
    assert complete == (mode == "open")
    assert account.accepted == (EXECUTIONS + 10) * SPANS
    assert not account.dropped
    assert account.pending == account.spilled == len(way.spilled())


def test_a_shutdown_sends_what_was_spilled_if_the_backend_is_back(way: Way) -> None:
    way.proxy.set("refused")
    telemetry = way.configure()
    record(telemetry, EXECUTIONS)
    telemetry.flush(0.3)
    way.proxy.set("open")
    assert telemetry.shutdown()
    assert len(way.stored()) == EXECUTIONS * SPANS
    assert not way.spilled()


@pytest.mark.promise("P11")
def test_what_a_hung_endpoint_has_not_got_is_on_disk_at_the_end(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, and never reads
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        telemetry = ot.configure(f"sqlite:///{tmp_path}/t.db", spill=str(tmp_path / "spill"))
        record(telemetry, 10)
        began = time.monotonic()
        assert not telemetry.shutdown(4)
        assert time.monotonic() - began < 4.1
    store, forward = sink(telemetry.health(), 0), sink(telemetry.health(), 1)
    assert (store.stored, store.pending) == (10 * SPANS, 0)
    assert (forward.stored, forward.spilled, forward.dropped) == (0, 10 * SPANS, {})
