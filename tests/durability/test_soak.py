"""Minutes at full speed through an outage: nothing lost, nothing twice, memory flat.

`OTEL_TELEMETRY_TEST_SOAK_S` sets how many seconds each part takes in all; ten minutes unless it is set.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from statistics import linear_regression
from typing import TYPE_CHECKING

import pytest

from tests.durability.support import SPANS, OwnServer, Way, files, record, sink, wait_until
from tests.span_processors.support import ListSink, account, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = float(os.environ.get("OTEL_TELEMETRY_TEST_SOAK_S", "600"))
MIB = 2**20
SPILL_BYTES = 8 * 1024 * MIB


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 3 + 120)
@pytest.mark.fault("soak through an outage", "0 lost, 0 twice, memory flat", backend="postgresql")
@pytest.mark.promise("P5")
def test_a_soak_at_full_speed_through_an_outage(
    own_way: Way, own_server: OwnServer, observed: Callable[[str], None]
) -> None:
    # an outage of minutes at full speed is more than the half gigabyte that a spill may take unless it is told
    telemetry = own_way.configure(spill_size=SPILL_BYTES)
    executions, ended = [0], threading.Event()

    def produce() -> None:
        while not ended.is_set():
            record(telemetry, 20)
            executions[0] += 20

    producer = threading.Thread(target=produce)
    samples: list[tuple[float, int, int]] = []
    producer.start()
    began = time.monotonic()
    down = up = False
    while (now := time.monotonic() - began) < SECONDS:
        if not down and now > SECONDS * 0.3:
            own_server.crash()
            down = True
        if down and not up and now > SECONDS * 0.6:
            own_server.start()
            up = True
        time.sleep(SECONDS / 300)
        samples.append((now, resident_bytes(), sink(telemetry.health()).spilled))
    ended.set()
    producer.join()
    recorded = executions[0] * SPANS
    began = time.monotonic()
    assert telemetry.flush(SECONDS * 2)
    drained = time.monotonic() - began
    assert telemetry.shutdown()
    found = own_way.stored()
    assert len(found) == len(set(found)) == recorded
    assert files(own_way.spill) == []
    # it settles in each phase: without an outage, in one, and with a full queue while that is made up for
    phases = [
        [(at, resident) for at, resident, _ in samples if begin < at / SECONDS < end]
        for begin, end in ((0.1, 0.3), (0.4, 0.6), (0.8, 1.0))
    ]
    first, peak = phases[0][0][1], max(resident for _, resident, _ in samples)
    slopes = [linear_regression(*zip(*phase, strict=True)).slope * 60 / MIB for phase in phases]
    assert peak < first + 80 * MIB
    observed(
        f"{SECONDS:.0f} s, {SECONDS * 0.3:.0f} of them without a server: {recorded} of {recorded} stored, once each; "
        f"at most {max(spilled for *_, spilled in samples)} on disk, drained {drained:.0f} s after the end; resident "
        f"memory {first / MIB:.0f} MiB, peak {peak / MIB:.0f}; before, in and after the outage it grows by "
        f"{', '.join(f'{slope:+.1f}' for slope in slopes)} MiB a minute"
    )


@pytest.mark.slow
@pytest.mark.fault("backend hangs", "the host is not held up", backend="postgresql")
def test_the_host_is_not_held_up_by_a_backend_that_hangs(way: Way, observed: Callable[[str], None]) -> None:
    telemetry = way.configure()
    tracer = telemetry.tracer_provider.get_tracer("tests")
    record(telemetry, 1)
    assert telemetry.flush(20)

    def times(count: int) -> list[float]:
        took = []
        for n in range(count):
            span = tracer.start_span("span", attributes={"n": n})
            began = time.perf_counter()
            span.end()
            took.append(time.perf_counter() - began)
            if n % 20 == 0:
                time.sleep(0.001)  # a host that also does something else
        return sorted(took)

    healthy = times(20_000)
    assert telemetry.flush(60)
    way.proxy.set("hung")
    hung = times(20_000)
    figures = [
        f"p50 {t[10_000] * 1e6:.0f} us, p99.9 {t[19_980] * 1e6:.0f} us, max {t[-1] * 1e3:.1f} ms"
        for t in (healthy, hung)
    ]
    wait_until(lambda: sink(telemetry.health()).spilled >= 20_000)
    way.proxy.set("open")
    assert telemetry.shutdown(60)
    assert hung[-1] < 0.5  # never for as long as anything waits
    observed(f"the end of a span took {figures[1]}; with a healthy one {figures[0]}")


@pytest.mark.slow
@pytest.mark.promise("P5")
def test_memory_is_bounded_in_bytes_while_nothing_can_be_written(tmp_path: Path) -> None:
    bound = 64 * MIB
    stuck = threading.Event()
    with pipeline(ListSink(lambda rows: stuck.wait(), row_bytes=100_000)) as (processor, tracer):
        before = resident_bytes()
        for _ in range(3_000):
            tracer.start_span("span", attributes={"payload": "x" * 100_000}).end()
        health = account(processor)
        assert health.pending_bytes <= bound
        assert health.accepted == 3_000
        assert resident_bytes() < before + 80 * MIB
        stuck.set()
