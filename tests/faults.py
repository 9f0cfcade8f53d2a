"""The fault matrix: what may go wrong, what must happen then, and what was seen to happen.

A test of a cell says which one, and what it saw:

    @pytest.mark.fault("disk full", "the batch waits, and is written once there is room", backend="sqlite")
    def test_a_full_disk(observed):
        ...
        observed("512 of 512 rows stored after the disk had room again")

Without `backend` it is the test's parameter that names one. ``python -m tests.fault_matrix`` prints the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BACKENDS = ("memory", "sqlite", "postgresql")


class Outcome(NamedTuple):
    """One test of one cell."""

    fault: str
    backend: str
    expected: str
    observed: str


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the cell on the test's report, which xdist carries from its workers."""
    for marker in item.iter_markers("fault"):
        item.user_properties.append(("fault", _cell(item, *marker.args, **marker.kwargs)))


def _cell(item: pytest.Item, fault: str, expected: str, backend: str | None = None) -> list[str]:
    if backend is None:
        parameters = item.callspec.params.values() if isinstance(item, pytest.Function) else ()
        backend = next(value for value in parameters if value in BACKENDS)
    return [fault, backend, expected]


@pytest.fixture
def observed(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say what happened, in a few words with figures, once every assertion has passed."""
    return lambda what: record_property("observed", what)


def outcome(report: pytest.TestReport) -> Outcome | None:
    """Return what the report of a test says about a cell; None where it is about none, or not the last word."""
    properties = dict(report.user_properties)
    if "fault" not in properties or (report.when != "call" and report.passed):
        return None
    seen = str(properties.get("observed", "as expected")) if report.passed else f"**{report.outcome}**"
    return Outcome(*properties["fault"], seen)


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the outcomes as a table in Markdown, a line for each."""
    ordered = sorted(outcomes, key=lambda outcome: (outcome.fault, BACKENDS.index(outcome.backend), outcome))
    lines = [Outcome._fields, ("---",) * len(Outcome._fields), *ordered]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
