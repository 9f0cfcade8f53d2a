"""Run benchmarks: `python -m tests.benchmarks [SUITE …]`, all of them unless told.

Every comparison runs its sides in turn, each in a fresh process, for five rounds or more, and reports the median,
minimum and maximum, of ratios taken round by round. The rows are also appended to a file of JSON lines.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks import peers, places, reading
from tests.benchmarks.compare import Comparison, compare, needs_postgres, table
from tests.benchmarks.suites import EXECUTIONS, SUITES


def main() -> None:
    """Parse the command line, run, print one table, append JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    suites = [*SUITES, "peers"]
    parser.add_argument("suite", nargs="*", metavar="SUITE", help=", ".join(suites))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--executions",
        type=int,
        help=f"of 21 spans each; unless told, {EXECUTIONS}; the whole size: query 1000000, grow 95000",
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks.jsonl"))
    options = parser.parse_args()
    if unknown := set(options.suite) - set(suites):
        parser.error(f"no suite {', '.join(sorted(unknown))}: there are {', '.join(suites)}")
    rows = [
        row for name in options.suite or suites for row in run(name, options.rounds, options.executions, options.out)
    ]
    print(table(rows))


def run(name: str, rounds: int, executions: int | None, out: Path) -> list[dict[str, Any]]:
    """Run one suite and note its rows."""
    executions = executions or EXECUTIONS[name]
    about: dict[str, Any] = {
        "suite": name,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "sqlite": sqlite3.sqlite_version,
        "sdk": version("opentelemetry-sdk"),
        "rounds": rounds,
        "executions": executions,
    }
    if name == "peers":
        rows = peers.measure(rounds, executions)
    else:
        comparisons = SUITES[name](executions)
        with contextlib.ExitStack() as stack:
            server = None
            if needs_postgres(comparisons):
                server = stack.enter_context(places.postgres_server())
                about["postgresql"] = _server_version(server)
            stack.enter_context(stores(comparisons, server))
            rows = compare(comparisons, rounds, server)
    with out.open("a") as lines:
        lines.writelines(json.dumps(about | row) + "\n" for row in rows)
    return rows


@contextlib.contextmanager
def stores(comparisons: Sequence[Comparison], server: str | None) -> Iterator[None]:
    """Load the stores that sides ask for: `reading` and `growth` name them by a variable and a number of executions."""
    wanted = {tuple(side.split()[1:]) for c in comparisons for side in (c.side, c.against) if side[:7] in _LOADED}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(places.folder())
        for variable, executions in sorted(wanted, key=lambda pair: int(pair[1])):
            name = f"{variable}_{executions}"
            if server is not None and variable.endswith("POSTGRES"):
                url = stack.enter_context(places.postgres_schema(server))
            else:
                url = f"sqlite:///{folder / name}.db"
            reading.load(url, int(executions))
            os.environ[name] = url
        yield


_LOADED = ("reading", "growth ")


def _server_version(server: str) -> str:
    with psycopg.connect(server) as connection:
        return str(connection.info.parameter_status("server_version"))


if __name__ == "__main__":
    main()
