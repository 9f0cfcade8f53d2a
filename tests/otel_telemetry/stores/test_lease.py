"""Leases: a pure function of what is known, and what is known of real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from otel_telemetry.query import Lease
from otel_telemetry.stores import lease as lease_module
from otel_telemetry.stores.lease import HEARTBEAT_LIMIT_NS, Machine, is_alive, live_leases, new_lease, this_machine

NOW = 1_763_800_000_000_000_000
LEASE = Lease(lease_id=1, host="here", pid=10, boot_id="boot", process_started="500", heartbeat_ns=NOW, closed_ns=None)
OLD = NOW - HEARTBEAT_LIMIT_NS
TEN_MINUTES = 600 * 10**9


def machine(*, host: str = "here", boot_id: str = "boot", processes: dict[int, str] | None = None) -> Machine:
    return Machine(host, boot_id, (processes or {}).get)


RUNNING = {10: "500"}


@pytest.mark.parametrize(
    ("lease", "seen_from", "alive"),
    [
        pytest.param(LEASE, machine(processes=RUNNING), True, id="its process is there"),
        pytest.param(LEASE, machine(), False, id="its process is gone, however young the heartbeat"),
        pytest.param(LEASE, machine(processes={10: "501"}), False, id="another process was given its id"),
        pytest.param(LEASE._replace(heartbeat_ns=OLD), machine(processes=RUNNING), True, id="busy, and late"),
        pytest.param(LEASE._replace(heartbeat_ns=0), machine(processes=RUNNING), True, id="stopped for years"),
        pytest.param(LEASE._replace(closed_ns=NOW), machine(processes=RUNNING), False, id="closed"),
        pytest.param(LEASE, machine(host="there"), True, id="elsewhere, young heartbeat"),
        pytest.param(LEASE._replace(heartbeat_ns=OLD + 1), machine(host="there"), True, id="elsewhere, just in time"),
        pytest.param(LEASE._replace(heartbeat_ns=OLD), machine(host="there"), False, id="elsewhere, too late"),
        pytest.param(LEASE._replace(heartbeat_ns=NOW + TEN_MINUTES), machine(host="there"), True, id="clock ahead"),
        pytest.param(LEASE, machine(boot_id="later"), True, id="restarted machine, young heartbeat"),
        pytest.param(
            LEASE._replace(heartbeat_ns=OLD), machine(boot_id="later", processes=RUNNING), False, id="restarted"
        ),
        pytest.param(
            LEASE._replace(boot_id=""), machine(boot_id="", processes={}), True, id="unknown boots are not equal"
        ),
        pytest.param(
            LEASE._replace(boot_id="", heartbeat_ns=OLD),
            machine(boot_id="", processes=RUNNING),
            False,
            id="unknown boot, late",
        ),
    ],
)
def test_alive(lease: Lease, seen_from: Machine, *, alive: bool) -> None:
    assert is_alive(lease, NOW, seen_from) is alive


def test_a_healthy_process_is_never_called_dead_however_long_it_runs() -> None:
    mine = new_lease()
    for minutes in range(0, 600, 7):
        assert is_alive(mine, mine.heartbeat_ns + minutes * 60 * 10**9, this_machine())


def test_each_lease_has_an_id_of_its_own_that_a_64_bit_column_holds() -> None:
    ids = {new_lease().lease_id for _ in range(100)}
    assert len(ids) == 100
    assert all(0 <= n < 2**63 for n in ids)


def test_a_process_that_was_killed_is_gone_before_and_after_it_is_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    held = new_lease()._replace(pid=child.pid, process_started=this_machine().process_started(child.pid) or "")
    assert live_leases([held], held.heartbeat_ns) == {held.lease_id}

    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table of processes
    assert live_leases([held], held.heartbeat_ns) == frozenset()
    child.communicate()
    assert live_leases([held], held.heartbeat_ns) == frozenset()


def test_another_process_sees_this_one_alive_and_dates_it_alike() -> None:
    mine = new_lease()
    program = (
        "import sys; from otel_telemetry.stores.lease import live_leases; from otel_telemetry.query import Lease\n"
        f"print(live_leases([{mine!r}], 2**62))"
    )
    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert seen.stdout == f"frozenset({{{mine.lease_id}}})\n"


def test_a_name_of_a_program_with_parentheses_and_spaces_is_no_trouble() -> None:
    program = "open('/proc/self/comm', 'w').write(') R 1 (x'); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    started = this_machine().process_started(child.pid)
    child.communicate(b"\n")
    assert started is not None
    assert int(started) >= int(this_machine().process_started(os.getpid()) or 0)


def test_where_there_is_no_proc_heartbeats_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(lease_module.Path, "read_text", missing)
    assert lease_module._boot_id() == ""
