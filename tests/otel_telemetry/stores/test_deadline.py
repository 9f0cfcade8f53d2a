"""The limit to how long work on a connection may take."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from otel_telemetry.stores.postgres.deadline import Watch

SOON_S = 0.05
LATE_S = 60.0


class Line:
    """A connection, and the server at its other end."""

    def __init__(self) -> None:
        self.client, self.server = socket.socketpair()
        self.server.settimeout(LATE_S)

    def wait_until_cut(self) -> None:
        assert self.server.recv(1) == b""

    def is_cut(self) -> bool:
        self.server.setblocking(False)
        try:
            return self.server.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    made = [Line(), Line()]
    yield made
    for line in made:
        line.client.close()
        line.server.close()


def test_what_takes_too_long_is_cut(lines: list[Line]) -> None:
    with Watch() as watch, watch.limit(lines[0].client.fileno(), SOON_S):
        lines[0].wait_until_cut()


def test_a_shorter_limit_counts_beside_a_longer_one(lines: list[Line]) -> None:
    long, short = lines
    with Watch() as watch, watch.limit(long.client.fileno(), LATE_S):
        with watch.limit(short.client.fileno(), SOON_S):
            short.wait_until_cut()
        assert not long.is_cut()


def test_what_ends_in_time_is_left_alone(lines: list[Line]) -> None:
    done, later = lines
    with Watch() as watch:
        with watch.limit(done.client.fileno(), SOON_S):
            pass
        with watch.limit(later.client.fileno(), 2 * SOON_S):
            later.wait_until_cut()
        assert not done.is_cut()


def test_one_thread_keeps_the_time_of_all_and_ends_with_the_watch(lines: list[Line]) -> None:
    def watching() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "otel-telemetry-deadline"}

    before = watching()
    with Watch() as watch:
        for line in lines:
            with watch.limit(line.client.fileno(), LATE_S):
                own = watching() - before
                assert len(own) == 1
    assert not own.pop().is_alive()
