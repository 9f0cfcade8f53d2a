"""How this program is called."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "otel-telemetry"


def program() -> str:
    """Return what to type to run this program again: its name, or its path where the shell does not find the name."""
    called = Path(sys.argv[0])
    if called.name != _NAME:
        return _NAME
    found = shutil.which(_NAME)
    return _NAME if found is not None and Path(found).samefile(called) else shlex.quote(sys.argv[0])
