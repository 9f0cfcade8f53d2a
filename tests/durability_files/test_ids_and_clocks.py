"""Ids that nothing repeats, and durations that no change of the clock makes wrong."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from array import array
from pathlib import Path

import pytest

import otel_telemetry as ot
from otel_telemetry.tracing import Clock

ROOT = Path(__file__).parents[2]
PROCESSES = 64
HOUR_NS = 3600 * 10**9

IDS = """
    import os, random, sys, threading
    from array import array
    from otel_telemetry.tracing.ids import new_execution_id
    from span_processors.ids import IdGenerator
    processes, count = int(sys.argv[2]), int(sys.argv[3])
    ids = IdGenerator()
    inherited = [ids.generate_span_id() for _ in range(10)]  # so that there is a stock to inherit
    children = []
    for number in range(processes):
        if not (child := os.fork()):
            random.seed(0)
            halves = [array("Q"), array("Q")]
            def draw(half):
                half.extend(ids.generate_span_id() for _ in range(count // 2 - 100))
                for _ in range(50):
                    half.append(ids.generate_trace_id() & (1 << 64) - 1)
                    # the same moment for all: what is left is its random part
                    half.append(int(new_execution_id(0).replace("-", ""), 16) & (1 << 64) - 1)
            threads = [threading.Thread(target=draw, args=(half,)) for half in halves]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with open(f"{sys.argv[1]}/{number}", "wb") as file:
                for half in halves:
                    half.tofile(file)
            os._exit(0)
        children.append(child)
    sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.mark.parametrize(
    "count", [128_000, pytest.param(10_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
@pytest.mark.fault("random.seed(0) in 64 forked processes", "no id twice", backend="memory")
@pytest.mark.promise("P19")
def test_no_id_comes_twice(tmp_path: Path, count: int, observed) -> None:
    command = [sys.executable, "-c", textwrap.dedent(IDS), tmp_path, PROCESSES, count // PROCESSES]
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT, timeout=800)
    ids = array("Q")
    for file in tmp_path.iterdir():
        ids.frombytes(file.read_bytes())
    assert len(ids) == count // PROCESSES * PROCESSES
    different = sum(len({number for number in ids if number & 7 == part}) for part in range(8))
    assert different == len(ids)
    assert 0 not in ids
    observed(f"{different:,} ids of {PROCESSES} processes with two threads each, all different")


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS])
@pytest.mark.parametrize("backend", ["memory", "sqlite"])
@pytest.mark.fault("wall clock set by an hour", "durations as measured, the step noted")
@pytest.mark.promise("P20")
def test_a_step_of_the_wall_clock(tmp_path: Path, backend: str, step_ns: int, observed) -> None:
    offset = 0
    url = "memory://" if backend == "memory" else f"sqlite:///{tmp_path}/store.db"
    with ot.configure(store=url) as telemetry:
        telemetry.recorder.clock = Clock(lambda: time.time_ns() + offset, time.perf_counter_ns)
        with telemetry.execution("w", execution_id="e") as run:
            with run.step("before"):
                pass
            offset = step_ns
            with run.step("after"), run.step("inner"):
                pass
        assert telemetry.flush(30)
        record = telemetry.store.get("e")
        rows = telemetry._exporter.store().spans(["e"])["e"]
    assert record is not None
    assert record.duration_ms is not None
    for duration in (record.duration_ms, *(step.duration_ms for step in record.steps)):
        assert duration is not None
        assert 0 <= duration < 60_000
    assert [step.step_id for step in record.steps] == ["before", "after", "inner"]
    noted = [row for row in rows if "clock_step_ms" in (row.document or "")]
    assert [row.kind for row in noted] == [1]
    observed(f"{step_ns // 10**9:+} s: all 4 durations between 0 and {record.duration_ms} ms, the step noted once")
