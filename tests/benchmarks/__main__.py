"""Run benchmarks: `python -m tests.benchmarks [SUITE]`.

Every comparison runs its sides in turn, each in a fresh process, for five rounds or more, and reports the median,
minimum and maximum of the ratio taken round by round. The rows are also appended to a file of JSON lines.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Comparison:
    """A figure of one side over a figure of the other."""

    name: str
    side: str
    figure: str
    against: str
    against_figure: str
    target: float
    lower_is_better: bool = True


SUITES: dict[str, list[Comparison]] = {
    "hot": [
        Comparison("caller's CPU per span, SQLite", "sqlite", "caller_us", "reference", "caller_us", 0.75),
        Comparison("all CPU per span until stored, SQLite", "sqlite", "total_us", "reference", "total_us", 1.0),
    ],
}


def run_side(side: str, executions: int) -> dict[str, float]:
    """Run one side in a fresh process and return its figures."""
    command = [sys.executable, "-m", "tests.benchmarks.sides", side, str(executions)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return figures


def compare(comparisons: list[Comparison], rounds: int, executions: int) -> list[dict[str, object]]:
    """Run every side that is needed, in turn, `rounds` times, and return a row a comparison."""
    sides = list(dict.fromkeys(side for c in comparisons for side in (c.against, c.side)))
    figures: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides:
            print(f"\rround {number + 1} of {rounds}: {side:<20}", end="", file=sys.stderr, flush=True)
            figures[side].append(run_side(side, executions))
    print(file=sys.stderr)
    rows = []
    for c in comparisons:
        ours = [f[c.figure] for f in figures[c.side]]
        theirs = [f[c.against_figure] for f in figures[c.against]]
        ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
        median = statistics.median(ratios)
        rows.append(
            {
                "name": c.name,
                "ratio": round(median, 3),
                "min": round(ratios[0], 3),
                "max": round(ratios[-1], 3),
                "target": c.target,
                "reached": median <= c.target if c.lower_is_better else median >= c.target,
                "ours": round(statistics.median(ours), 2),
                "reference": round(statistics.median(theirs), 2),
            }
        )
    return rows


def main() -> None:
    """Parse the command line, run, print one table, append JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="?", default="hot", choices=sorted(SUITES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--executions", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks.jsonl"))
    options = parser.parse_args()
    rows = compare(SUITES[options.suite], options.rounds, options.executions)
    about = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "sdk": version("opentelemetry-sdk"),
        "rounds": options.rounds,
        "executions": options.executions,
    }
    print(f"{'':<44} {'ratio':>7} {'min':>7} {'max':>7} {'target':>7}   ours / reference")
    with options.out.open("a") as lines:
        for row in rows:
            lines.write(json.dumps(about | row) + "\n")
            mark = "" if row["reached"] else "  not reached"
            print(
                f"{row['name']:<44} {row['ratio']:>7} {row['min']:>7} {row['max']:>7} {row['target']:>7}"
                f"   {row['ours']} / {row['reference']}{mark}"
            )


if __name__ == "__main__":
    main()
