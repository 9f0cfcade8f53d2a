"""The packages with what every span goes through compiled, in a folder of their own: the other side of `hot`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

FOLDER = Path(os.environ.get("BENCHMARK_COMPILED", ".cache/benchmark-compiled"))
_HERE = Path(__file__).parents[2]


def folder() -> Path:
    """Return the folder, with a wheel of the checkout as it is now in it, and its tests beside that.

    Raises:
        SystemExit: the wheel cannot be built; the message says why.
    """
    made = FOLDER.absolute()
    wheel = next(made.glob("*.whl"), None)
    sources = [*_HERE.glob("otel_telemetry/**/*.py"), *_HERE.glob("span_processors/**/*.py"), _HERE / ".ci/compile.py"]
    if wheel is None or wheel.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        shutil.rmtree(made, ignore_errors=True)
        print("compiling", file=sys.stderr)
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", made, _HERE]
        switch = {"HATCH_BUILD_HOOK_ENABLE_CUSTOM": "true"}
        finished = subprocess.run(command, env=os.environ | switch, capture_output=True, text=True, check=False)
        if finished.returncode:
            raise SystemExit(f"the packages cannot be compiled:\n{finished.stderr}")
        zipfile.ZipFile(next(made.glob("*.whl"))).extractall(made)
        (made / "tests").symlink_to(_HERE / "tests")
    return made
