"""Cursors: text that leads on, and nothing else."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.errors import InvalidCursorError
from otel_telemetry.query import ORDERS, Filter, OrderBy, Position
from otel_telemetry.reader import cursors

SAFE_IN_URLS = set(string.ascii_letters + string.digits + "-_")
WHERE = Filter.parse(0, status="failed", metadata={"b": {"y": 1, "x": 2}, "a": 1}, started_after="1d")
WRITTEN = cursors.write(17, Position(2, 1, "run"), WHERE, "-started_at")

int64 = st.integers(-(2**63), 2**63 - 1)
positions = st.builds(Position, int64, int64, st.text(st.characters(exclude_categories=["Cs"])))


@given(as_of=int64, position=positions, order_by=st.sampled_from(ORDERS))
def test_what_is_written_is_read(as_of: int, position: Position, order_by: OrderBy) -> None:
    written = cursors.write(as_of, position, WHERE, order_by)
    assert set(written) <= SAFE_IN_URLS
    cursor = cursors.read(written)
    cursors.check(cursor, WHERE, order_by)
    assert (cursor.as_of_ns, cursor.position) == (as_of, position)


def test_every_damage_is_noticed() -> None:
    """Any one character changed, lost or doubled."""
    for place in range(len(WRITTEN)):
        for other in ("A", "Z", "-", "9", "", WRITTEN[place] * 2, "\0", "\u00e9", "="):
            damaged = WRITTEN[:place] + other + WRITTEN[place + 1 :]
            if damaged != WRITTEN:
                with pytest.raises(InvalidCursorError, match="start again without a cursor"):
                    cursors.check(cursors.read(damaged), WHERE, "-started_at")


@pytest.mark.parametrize(
    "given",
    ["", "x", "bnVsbA", "W10", "WzEsMiwzLDQsNV0", "WzEsMiwzLDQsNSw2XQ", WRITTEN + "=", 17, None, b"x", "\ud800"],
)
def test_what_is_no_cursor_is_refused(given: Any) -> None:
    with pytest.raises(InvalidCursorError, match="start again without a cursor"):
        cursors.check(cursors.read(given), WHERE, "-started_at")


@pytest.mark.parametrize(
    ("where", "order_by"),
    [
        (WHERE, "started_at"),
        (Filter(), "-started_at"),
        (
            Filter.parse(0, status="failed", metadata={"b": {"y": 1, "x": 2}, "a": 1.0}, started_after="1d"),
            "-started_at",
        ),
        (Filter.parse(1, status="failed", metadata={"b": {"y": 1, "x": 2}, "a": 1}, started_after="1d"), "-started_at"),
    ],
)
def test_a_cursor_of_another_query_is_refused(where: Filter, order_by: OrderBy) -> None:
    with pytest.raises(InvalidCursorError, match="other filters or another order"):
        cursors.check(cursors.read(WRITTEN), where, order_by)


def test_the_order_in_which_filters_are_given_does_not_matter() -> None:
    same = Filter.parse(0, started_after="1d", metadata={"a": 1, "b": {"x": 2, "y": 1}}, status=["failed", "failed"])
    cursors.check(cursors.read(WRITTEN), same, "-started_at")
