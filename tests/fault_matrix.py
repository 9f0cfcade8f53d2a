"""Run the tests of the fault matrix and print it: ``python -m tests.fault_matrix [--slow] [arguments of pytest]``.

With ``--slow`` also those that take long. The table goes to stdout, what pytest says to stderr.
"""

from __future__ import annotations

import sys

import pytest

from tests.faults import Outcome, outcome, table
from tests.marked import run_marked


class _Collector:
    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if (found := outcome(report)) is not None:
            self.outcomes.append(found)


def main(arguments: list[str]) -> int:
    """Return pytest's exit code."""
    collector = _Collector()
    code = run_marked("fault", arguments, collector)
    print(table(collector.outcomes))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
