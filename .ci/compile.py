"""A build hook that compiles the modules that every span goes through, with mypyc, into the wheel.

Off unless asked for, as it needs a C compiler and most of a minute; the same sources run as they are:

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=true pip wheel --no-deps .
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES: Final = ("otel_telemetry", "span_processors")
# Not among them: what hosts and tests derive classes from or replace methods of, and what hardly gains.
MODULES: Final = (
    "span_processors/redaction/fast.py",
    "span_processors/redaction/gate.py",
    "span_processors/redaction/redactor.py",
    "span_processors/redaction/serial.py",
    "span_processors/backlog.py",
    "span_processors/size.py",
    "otel_telemetry/tracing/context.py",
    "otel_telemetry/tracing/handle.py",
    "otel_telemetry/tracing/handles.py",
    "otel_telemetry/tracing/hashing.py",
    "otel_telemetry/tracing/problems.py",
    "otel_telemetry/tracing/recorder.py",
    "otel_telemetry/tracing/services.py",
    "otel_telemetry/tracing/steps.py",
)
GIVEN: Final = "otel_telemetry/tracing/given.py"
OPTIONS: Final = ("--ignore-missing-imports", "--no-warn-unused-ignores")
SETUP: Final = f"""
from mypyc.build import mypycify
from setuptools import setup
compiled = mypycify({[*MODULES, *OPTIONS]}, opt_level="3", debug_level="0")
setup(name="compiled", packages=[], ext_modules=compiled)
"""


class CompiledModules(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled modules to a wheel, beside their sources; not to one that only points to the sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile."""
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp())
        for found in compile_in(Path(self.root), self._folder):
            build_data["force_include"][str(found)] = str(found.relative_to(self._folder))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what is in the wheel now."""
        if version != "editable":
            shutil.rmtree(self._folder, ignore_errors=True)


def compile_in(root: Path, folder: Path) -> list[Path]:
    """Copy the packages to `folder`, compile there, and return the paths of what came out."""
    for package in PACKAGES:
        shutil.copytree(root / package, folder / package)
    given = folder / GIVEN
    anything = given.read_text().replace("import TypeAlias", "import Any, TypeAlias")
    given.write_text(re.sub(r"TypeAlias = \w+", "TypeAlias = Any", anything))
    command = [sys.executable, "-c", SETUP, "build_ext", "--inplace"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(
            f"{finished.stdout}\n{finished.stderr}\ncannot compile; without the build hook, nothing has to"
        )
    return [found for found in folder.rglob("*.*") if found.suffix in {".so", ".pyd"} and "build" not in found.parts]
