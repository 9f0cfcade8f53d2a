"""Running sides in turn, each in a fresh process, and putting their figures beside each other."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import compiled, places
from tests.benchmarks import workload as w

Figures = dict[str, float]
COMPILED = "compiled "
"""What a side begins with that runs with the compiled packages."""


@dataclass(frozen=True)
class Comparison:
    """A figure of one side, alone or over a figure of another.

    A side is a module of this package and its arguments, such as ``"sides sqlite 2000"``, which prints its figures as
    one JSON object. One that has ``postgres`` in its name finds the URL of an empty schema in the environment.
    """

    name: str
    side: str
    figure: str
    target: float | None
    against: str = ""
    against_figure: str = ""
    unit: str = "ratio"
    lower_is_better: bool = True


def needs_postgres(comparisons: Sequence[Comparison]) -> bool:
    """Whether a server has to be there."""
    return any("postgres" in side.lower() for c in comparisons for side in (c.side, c.against))


def run_side(side: str, server: str | None) -> Figures:
    """Run one side in a fresh process and return its figures."""
    folder = compiled.folder() if side.startswith(COMPILED) else None
    module, *arguments = side.removeprefix(COMPILED).split()
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    if server is None or "postgres" not in side:
        return run(command, folder)
    with places.postgres_schema(server) as url:
        return run(command, folder, **{places.POSTGRES_URL: url})


def run(command: Sequence[str], folder: Path | None = None, **environment: str) -> Figures:
    """Run a program, in `folder`, and return the figures on the last line that it prints.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    # Compiled modules are a part of how a program starts.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    finished = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=folder, env=inherited | environment
    )
    figures: Figures = json.loads(finished.stdout.splitlines()[-1])
    return figures


def calibration() -> float:
    """Milliseconds of CPU that a fixed piece of work takes: what makes absolute figures of two machines comparable."""
    started = time.process_time()
    for n in range(2000):
        json.loads(json.dumps(w.result(n, "stripe.charge")))
    return (time.process_time() - started) * 1e3


def compare(comparisons: Sequence[Comparison], rounds: int, server: str | None) -> list[dict[str, Any]]:
    """Run every side that is needed, in turn, `rounds` times, and return a row a comparison."""
    sides = list(dict.fromkeys(side for c in comparisons for side in (c.against, c.side) if side))
    figures: dict[str, list[Figures]] = {side: [] for side in sides}
    speed: list[float] = []
    for number in range(rounds):
        speed.append(calibration())
        for side in sides if number % 2 == 0 else sides[::-1]:
            print(f"\rround {number + 1} of {rounds}: {side:<40}", end="", file=sys.stderr, flush=True)
            try:
                figures[side].append(run_side(side, server))
            except subprocess.CalledProcessError as error:
                raise SystemExit(f"\n{side} failed:\n{error.stderr}") from error
    print(file=sys.stderr)
    about = {"calibration_ms": round(statistics.median(speed), 1), "calibration_max_ms": round(max(speed), 1)}
    return [row_of(c, figures) | about for c in comparisons]


def row_of(c: Comparison, figures: dict[str, list[Figures]]) -> dict[str, Any]:
    """Return what a comparison comes to, given the figures of each side, round by round."""
    ours = [f[c.figure] for f in figures[c.side]]
    theirs = [f[c.against_figure or c.figure] for f in figures[c.against]] if c.against else []
    values = sorted(a / b for a, b in zip(ours, theirs, strict=True)) if theirs else sorted(ours)
    median = statistics.median(values)
    return {
        "name": c.name,
        "unit": c.unit,
        "median": round(median, 3),
        "min": round(values[0], 3),
        "max": round(values[-1], 3),
        "target": c.target,
        "reached": None if c.target is None else median <= c.target if c.lower_is_better else median >= c.target,
        "ours": round(statistics.median(ours), 3),
        "reference": round(statistics.median(theirs), 3) if theirs else None,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a table for a terminal."""
    lines = [f"{'':<62} {'median':>9} {'min':>9} {'max':>9} {'target':>8}"]
    for row in rows:
        if row["median"] is None:
            lines.append(f"{row['name']:<62} {row['note']}")
            continue
        pair = "" if row["reference"] is None else f"   {row['ours']:g} / {row['reference']:g}"
        mark = "   not reached" if row["reached"] is False else ""
        target = "" if row["target"] is None else f"{row['target']:g}"
        name = row["name"] if row["unit"] == "ratio" else f"{row['name']}, {row['unit']}"
        values = " ".join(f"{row[key]:>9g}" for key in ("median", "min", "max"))
        lines.append(f"{name:<62} {values} {target:>8}{pair}{mark}{row.get('note', '')}")
    return "\n".join(lines)
