"""Running the tests that bear a mark, to print a table of what they saw."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import pytest


def run_marked(mark: str, arguments: list[str], collector: object) -> int:
    """Run them, with ``--slow`` among the arguments also those that take long; return pytest's exit code.

    What pytest says goes to stderr.
    """
    wanted = mark if "--slow" in arguments else f"{mark} and not slow"
    given = [argument for argument in arguments if argument != "--slow"]
    with redirect_stdout(sys.stderr):
        return int(pytest.main(["-q", "-m", wanted, *given], plugins=[collector]))
