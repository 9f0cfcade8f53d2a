"""What a decorated function costs that is not recorded: `python -m tests.benchmarks.calls CALLS`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import otel_telemetry as ot

ROUNDS = 7


def plain(number: int) -> int:
    """Do nothing, quickly."""
    return number


def main() -> None:
    """Print the microseconds that each decorator adds to a call."""
    calls = int(sys.argv[1])
    disabled = ot.configure(store="memory://", disabled=True)
    unsampled = ot.configure(store="memory://", sampler=ALWAYS_OFF)
    functions = {
        "bare": plain,
        "disabled": disabled.tool("t")(plain),
        "unsampled": unsampled.tool("t")(plain),
    }
    took: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            took[name].append(_us(function, calls))
    bare = statistics.median(took.pop("bare"))
    print(json.dumps({name: statistics.median(each) - bare for name, each in took.items()}))


def _us(function: Callable[[int], int], calls: int) -> float:
    started = time.process_time()
    for number in range(calls):
        function(number)
    return (time.process_time() - started) / calls * 1e6


if __name__ == "__main__":
    main()
