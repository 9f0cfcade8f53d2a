"""What this package says of itself: seldom, and without values."""

from __future__ import annotations

import logging

import pytest

from span_processors import guard


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_last_said", {})


def test_a_problem_is_told_once_in_a_while_per_sink(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(guard.time, "monotonic", lambda: now[0])
    for _ in range(100):
        guard.warn("a", "it failed:", "ValueError")
    guard.warn("b", "it failed:", "ValueError")
    guard.warn("a", "something else")
    now[0] += 31
    guard.warn("a", "it failed:", "OSError")
    assert [record.getMessage().strip() for record in caplog.records] == [
        "a: it failed: ValueError",
        "b: it failed: ValueError",
        "a: something else",
        "a: it failed: OSError",
    ]
    assert {record.name for record in caplog.records} == {"span_processors"}


def test_what_a_logging_handler_raises_is_not_passed_on() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise BaseException

    handler = Broken()
    logger = logging.getLogger("span_processors")
    logger.addHandler(handler)
    try:
        guard.warn("a", "it failed")
    finally:
        logger.removeHandler(handler)
    assert not guard.own_work.active
