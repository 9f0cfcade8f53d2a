"""What recording the same workload costs with other libraries, each installed into an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tests.benchmarks.compare import COMPILED, Comparison, Figures, row_of, run, run_side

PACKAGES = {
    "logfire": ("logfire",),
    "langfuse": ("langfuse",),
    "openllmetry": ("traceloop-sdk", "httpx"),  # which it imports and does not ask for
    "openinference": ("openinference-instrumentation", "arize-phoenix-otel"),
    "mlflow": ("mlflow",),
}
"""What is installed for each; the first names the version that is reported."""
ENVIRONMENTS = Path(os.environ.get("BENCHMARK_PEERS", ".cache/benchmark-peers"))


def measure(rounds: int, executions: int) -> list[dict[str, Any]]:
    """Return a row for ourselves and a row a peer: one that cannot be installed or run says so."""
    reference, ours = f"sides reference {executions}", f"sides sqlite {executions}"
    compiled = COMPILED + ours
    commands: dict[str, list[str]] = {}
    failures: dict[str, str] = {}
    for name, packages in PACKAGES.items():
        try:
            python = _environment(name, packages)
        except subprocess.CalledProcessError as error:
            failures[name] = f"not installed: {_last_line(error)}"
        else:
            commands[name] = [python, "-m", "tests.benchmarks.peer", name, str(executions)]
    figures: dict[str, list[Figures]] = {side: [] for side in (reference, ours, compiled, *commands)}
    for number in range(rounds):
        for side, found in figures.items():
            if side in failures:
                continue
            print(f"\rround {number + 1} of {rounds}: {side:<40}", end="", file=sys.stderr, flush=True)
            try:
                found.append(run(commands[side]) if side in commands else run_side(side, None))
            except subprocess.CalledProcessError as error:
                failures[side] = f"does not run: {_last_line(error)}"
    print(file=sys.stderr)
    rows = [
        _row("otel-telemetry, redacted and stored in SQLite", ours, reference, figures),
        _row("the same, compiled", compiled, reference, figures),
    ]
    for name, packages in PACKAGES.items():
        title = f"{packages[0]} {_version(name, packages[0])}"
        if name in failures:
            rows.append({"name": title, "median": None, "note": failures[name]})
        else:
            rows.append(_row(title, name, reference, figures))
    return rows


def _row(title: str, side: str, reference: str, figures: dict[str, list[Figures]]) -> dict[str, Any]:
    comparison = Comparison(f"caller's CPU per span, us, {title}", side, "caller_us", None, reference)
    rate = sorted(each["rate"] for each in figures[side])[len(figures[side]) // 2]
    return row_of(comparison, figures) | {"note": f", {rate:,.0f} spans a second in all"}


def _environment(name: str, packages: tuple[str, ...]) -> str:
    """Return the interpreter of the environment that has `packages`, which is made where there is none."""
    folder = ENVIRONMENTS.absolute() / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {' '.join(packages)}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        command = [python, "-m", "pip", "install", "-q", *packages]
        subprocess.run(command, check=True, capture_output=True, text=True)
        (folder / "complete").touch()
    return str(python)


def _version(name: str, package: str) -> str:
    found = (ENVIRONMENTS / name).glob(f"lib/python*/site-packages/{package.replace('-', '_')}-*.dist-info")
    return next((folder.name.split("-")[1].removesuffix(".dist") for folder in found), "")


def _last_line(error: subprocess.CalledProcessError) -> str:
    return (str(error.stderr).strip().splitlines() or [str(error)])[-1][:200]
