"""How long a program that records takes to start: `python -m tests.benchmarks.startup sdk|ours`."""

from __future__ import annotations

import sys
import time


def main() -> None:
    """Import what the side that is named imports, and print the CPU time."""
    started = time.process_time()
    if sys.argv[1] == "sdk":
        import opentelemetry.sdk.trace  # noqa: F401

        used = time.process_time() - started
    else:
        import otel_telemetry

        telemetry = otel_telemetry.configure(store="sqlite:////tmp/never-written.db")
        used = time.process_time() - started
        telemetry.shutdown()
    print(f'{{"cpu_ms": {used * 1e3}}}')


if __name__ == "__main__":
    main()
