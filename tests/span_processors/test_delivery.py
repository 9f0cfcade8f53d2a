"""Retry, division and surrender, without a thread."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from span_processors import RetryableError
from span_processors.backlog import Backlog, Entry, QueueSettings
from span_processors.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from span_processors import SinkHealth


class Backend:
    """Takes names; puts off or refuses those it is told to."""

    name = "backend"
    wants_starts = False

    def __init__(
        self, *, put_off: str = "", refuse: str = "", at_most: int = 10_000, answers_lost: Collection[int] = ()
    ) -> None:
        self.put_off = put_off
        self.refuse = refuse
        self.at_most = at_most
        self.answers_lost = answers_lost
        self.names: list[str] = []
        self.committed: list[tuple[SinkHealth, set[str]]] = []
        self.writes = 0

    def prepare(self, span: object) -> str:
        return str(span)

    def size(self, row: str) -> int:
        return 1

    def write(self, rows: Sequence[str]) -> None:
        self.writes += 1
        if len(rows) > self.at_most or set(rows) & set(self.put_off):
            raise RetryableError
        if set(rows) & set(self.refuse):
            raise ValueError
        self.names += rows
        self.committed.append((self.account, set(self.names)))
        if len(self.committed) in self.answers_lost:
            raise RetryableError

    def keep_account(self, account: SinkHealth) -> None:
        self.account = account

    def heartbeat(self) -> None:
        pass

    def after_fork_in_child(self) -> None:
        pass

    def close(self) -> None:
        pass


def delivery(backend: Backend, names: str) -> tuple[Delivery[str], Backlog[str], list[float]]:
    backlog: Backlog[str] = Backlog(QueueSettings())
    for name in names:
        backlog.put(Entry(name, 1), error=False)
    backlog.mark()
    backlog.take()
    pauses: list[float] = []
    return Delivery(backend, backlog, describe=repr, pause=pauses.append), backlog, pauses


def test_rows_that_are_refused_are_found_and_the_others_written() -> None:
    backend = Backend(refuse="dk")
    sent, backlog, pauses = delivery(backend, "abcdefghijklm")
    assert sent.run()
    assert "".join(backend.names) == "abcefghijlm"
    assert backlog.snapshot("", worker_alive=True).dropped == {"rejected": 2}
    assert pauses == []


def test_a_batch_that_is_too_large_is_sent_in_parts() -> None:
    backend = Backend(at_most=4)
    sent, _, _ = delivery(backend, "abcdefghijklm")
    assert sent.run()
    assert sorted(backend.names) == list("abcdefghijklm")


def test_a_row_that_is_always_put_off_goes_once_others_have_got_through() -> None:
    backend = Backend(put_off="d")
    sent, backlog, _ = delivery(backend, "abcdefgh")
    arriving = iter("ijklmnop")

    def more_arrive(_: float) -> None:
        backlog.put(Entry(next(arriving), 1), error=False)

    sent._pause = more_arrive
    with pytest.raises(StopIteration):  # at last nothing more arrives, and so the row waits on
        sent.run()
    backend.put_off = ""
    sent._pause = lambda _: None
    assert sent.run()
    backlog.mark()
    while backlog.take():
        assert sent.run()
    health = backlog.snapshot("", worker_alive=True)
    assert set("abcefgh") <= set(backend.names)
    assert health.stored + health.dropped.get("rejected", 0) == 16


@pytest.mark.promise("P3")
def test_each_transaction_holds_the_account_as_it_stands_after_it() -> None:
    backend = Backend(refuse="dk", at_most=6, answers_lost=(1, 3, 4))
    sent, backlog, _ = delivery(backend, "abcdefghijklm")
    assert sent.run()
    assert len(backend.committed) > 6  # parts, and those whose answer was lost again
    for account, names in backend.committed:
        assert account.stored == len(names)
        assert account.accepted == 13 == account.stored + account.pending + sum(account.dropped.values())
    sent.heartbeat()
    final = backend.account
    assert (final.stored, final.pending, final.dropped) == (11, 0, {"rejected": 2})
    assert final == replace(backlog.snapshot("backend", worker_alive=True), as_of_ns=final.as_of_ns)


def test_delays_grow_and_end_growing() -> None:
    backend = Backend(put_off="a")
    sent, _, pauses = delivery(backend, "a")

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2000:
            backend.put_off = ""

    sent._pause = pause
    assert sent.run()
    assert pauses[0] <= 0.1
    assert pauses[0] < pauses[3] < pauses[6]
    assert max(pauses) <= 30
    assert min(pauses[20:]) >= 15


def test_after_the_deadline_nothing_is_tried_again() -> None:
    backend = Backend(put_off="a")
    sent, backlog, _ = delivery(backend, "a")
    assert not sent.run(deadline=time.monotonic())
    assert backend.writes == 1
    assert backlog.snapshot("", worker_alive=True).pending == 1


def test_what_is_abandoned_is_not_written() -> None:
    backend = Backend()
    sent, backlog, _ = delivery(backend, "abc")
    sent.abandoned = True
    assert sent.run()
    assert backend.writes == 0
    assert backlog.snapshot("", worker_alive=True).dropped == {"shutdown": 3}
