"""Memory and disk are bounded in bytes while the backend is away and records of 100 kB come."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.durability.support import start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 2**20
PROGRAM = """
    import json, logging, os, resource, sys
    from pathlib import Path
    import otel_telemetry as ot
    logging.disable()  # that spans are dropped is meant
    url, spill, count, queue_size, spill_size = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    def on_disk():
        return sum(path.stat().st_size for path in Path(spill).rglob("*") if path.is_file())

    telemetry = ot.configure(url, spill=spill, queue_size=queue_size, spill_size=spill_size)
    def record(n):
        with telemetry.execution("w", inputs={"n": n}) as run:
            run.outputs = os.urandom(50_000).hex()
    for n in range(20):
        record(n)
    telemetry.flush(0.5)
    base, seen, most = resident(), [], 0
    for n in range(count):
        record(n)
        if n % 20 == 0:
            seen.append(resident())
            most = max(most, on_disk())
    account = telemetry.health().sinks[0]
    print(json.dumps([base, seen, max(most, on_disk()), account.accepted, account.pending, account.spilled,
                      sum(account.dropped.values())]), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize(
    ("count", "queue_mib", "spill_mib", "at_most_mib"),
    [(1_200, 8, 48, 32), pytest.param(8_000, 64, 512, 80, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
@pytest.mark.promise("P5")
def test_an_outage_with_large_records(
    tmp_path: Path, *, count: int, queue_mib: int, spill_mib: int, at_most_mib: int, observed: Callable[[str], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"postgresql://nobody@127.0.0.1:{deaf.getsockname()[1]}/none"
        with start(PROGRAM, url, tmp_path, count, queue_mib * MIB, spill_mib * MIB) as process:
            out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    base, seen, disk, accepted, pending, spilled, dropped = json.loads(out)
    assert count * 100_000 > (queue_mib + spill_mib) * MIB  # more than there is room for
    assert accepted == pending + dropped == count + 20
    assert dropped
    assert disk <= spill_mib * MIB
    assert max(seen) <= base + at_most_mib * MIB
    second_half = seen[len(seen) // 2 :]
    observed(
        f"{count:,} records of 100 kB, queue {queue_mib} MiB, spill {spill_mib} MiB: resident memory at most "
        f"{(max(seen) - base) / MIB:+.0f} MiB, {(second_half[-1] - second_half[0]) / MIB:+.1f} over the second half; "
        f"{disk / MIB:.0f} MiB on disk; {spilled:,} spilled, {dropped:,} counted as dropped"
    )
