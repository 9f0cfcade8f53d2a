"""The queue: which rows survive at its bound, and an account that adds up after every step."""

from __future__ import annotations

import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from span_processors.backlog import Backlog, Entry, QueueSettings

if TYPE_CHECKING:
    from span_processors import SinkHealth


def contents(backlog: Backlog[str]) -> list[str]:
    backlog.mark()
    rows = []
    while backlog.take():
        rows += [entry.row for entry in backlog.chunk() or ()]
        backlog.settle()
    return rows


def put(backlog: Backlog[str], *rows: str) -> None:
    """Rows of 10 bytes each; those in capitals have an error."""
    for row in rows:
        backlog.put(Entry(row, 10), error=row.isupper())


def health(backlog: Backlog[Any]) -> SinkHealth:
    return backlog.snapshot("sink", worker_alive=False)


@pytest.mark.parametrize(
    ("overflow", "rows", "survivors"),
    [
        ("drop_newest", "abcde", "abc"),
        ("drop_newest", "abcDE", "DEa"),
        ("drop_newest", "ABCDe", "ABC"),
        ("drop_oldest", "abcde", "cde"),
        ("drop_oldest", "Abcde", "Ade"),
        ("drop_oldest", "ABCde", "ABC"),
        ("drop_oldest", "ABCD", "BCD"),
        ("drop_oldest", "abcDE", "DEc"),
        ("block", "abcde", "abc"),
        ("block", "abcDE", "DEa"),
    ],
)
@pytest.mark.promise("P4")
def test_who_survives_at_the_bound(overflow: Any, rows: str, survivors: str) -> None:
    backlog: Backlog[str] = Backlog(QueueSettings(max_bytes=30, overflow=overflow, block_timeout_s=0))
    put(backlog, *rows)
    assert health(backlog).dropped == {"full": len(rows) - len(survivors)}
    assert contents(backlog) == list(survivors)


def test_a_row_larger_than_the_bound_is_let_in_alone() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings(max_bytes=30, overflow="drop_oldest"))
    assert backlog.put(Entry("huge", 1000), error=False)
    assert not backlog.put(Entry("small", 1), error=False) or contents(backlog) == ["small"]
    backlog = Backlog(QueueSettings(max_bytes=30, overflow="drop_oldest"))
    put(backlog, "a", "b")
    assert not backlog.put(Entry("HUGE", 1000), error=True)
    assert contents(backlog) == ["a", "b"]


def test_a_thread_that_waits_for_room_goes_on_when_there_is_some() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings(max_bytes=10, block_timeout_s=60))
    put(backlog, "a")
    waiting = threading.Thread(target=put, args=(backlog, "b"))
    waiting.start()
    backlog.mark()
    assert backlog.take()
    backlog.settle()
    waiting.join()
    assert contents(backlog) == ["b"]
    assert health(backlog).dropped == {}


def test_a_thread_that_waits_for_room_goes_on_at_the_shutdown() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings(max_bytes=10, block_timeout_s=60))
    put(backlog, "a")
    waiting = threading.Thread(target=put, args=(backlog, "b"))
    waiting.start()
    backlog.close()
    waiting.join()
    assert health(backlog).dropped == {"shutdown": 1}


def test_a_dead_sink_costs_one_wait_not_one_per_span() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings(max_bytes=10, block_timeout_s=0.5))
    put(backlog, "a", *["b"] * 1000)
    assert health(backlog).dropped == {"full": 1000}
    backlog.mark()
    backlog.take()
    backlog.settle()
    assert backlog.put(Entry("c", 10), error=False)
    assert not backlog._stalled  # and threads wait again, now that the sink has written


def test_only_what_waited_at_the_mark_is_taken() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings())
    put(backlog, "a", "B")
    backlog.mark()
    put(backlog, "c", "D")
    assert backlog.take()
    assert [entry.row for entry in backlog.chunk() or ()] == ["B", "a"]
    assert not backlog.take()
    assert len(backlog) == 2


def test_a_row_that_is_always_put_off_holds_up_nobody_and_goes_at_last() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings())
    put(backlog, "x", "a", "b", "c")
    backlog.mark()
    backlog.take()
    written = []
    for _ in range(100):
        chunk = backlog.chunk()
        if chunk is None:
            break
        rows = [entry.row for entry in chunk]
        if "x" in rows:
            backlog.doubt()
            put(backlog, "d")
        else:
            written += rows
            backlog.settle()
    assert set(written) == {"a", "b", "c", "d"}
    assert health(backlog).dropped == {"rejected": 1}
    assert backlog.casualties == 1


def test_a_row_is_not_given_up_while_nothing_else_gets_through() -> None:
    backlog: Backlog[str] = Backlog(QueueSettings())
    put(backlog, *"abcdefgh")
    backlog.mark()
    backlog.take()
    for _ in range(1000):
        backlog.doubt()
    assert health(backlog).pending == 8
    assert sorted(contents_of_chunks(backlog)) == list("abcdefgh")


def contents_of_chunks(backlog: Backlog[str]) -> list[str]:
    rows = []
    while chunk := backlog.chunk():
        rows += [entry.row for entry in chunk]
        backlog.settle()
    return rows


class Account(RuleBasedStateMachine):
    """Whatever is done to a backlog: what was put in is stored, pending or dropped, and the bound holds."""

    BOUND = 100

    def __init__(self) -> None:
        super().__init__()
        self.put_in = 0
        self.starts = 0

    @initialize(overflow=st.sampled_from(["drop_newest", "drop_oldest", "block"]))
    def configure(self, overflow: Any) -> None:
        settings = QueueSettings(max_bytes=self.BOUND, overflow=overflow, block_timeout_s=0)
        self.backlog: Backlog[int] = Backlog(settings)

    @rule(size=st.integers(1, 60) | st.just(150), error=st.booleans())
    def put(self, *, size: int, error: bool) -> None:
        entry = Entry(self.put_in, size)
        before = health(self.backlog).accepted
        admitted = self.backlog.put(entry, error=error)
        self.put_in += 1
        assert health(self.backlog).accepted == before + 1
        assert self.backlog.holds(entry) or not admitted

    @rule()
    def drop(self) -> None:
        self.backlog.drop("unreadable")
        self.put_in += 1

    @rule()
    def mark(self) -> None:
        self.backlog.mark()

    @rule(starts=st.integers(0, 2))
    def take(self, starts: int) -> None:
        self.backlog.take([Entry(-1, 0, 0)] * starts)
        self.starts += starts

    @rule(lost=st.sampled_from([None, None, "rejected", "shutdown"]))
    @precondition(lambda self: self.backlog.chunk())
    def settle(self, lost: Any) -> None:
        self.backlog.settle(lost)

    @rule()
    @precondition(lambda self: self.backlog.chunk() and len(self.backlog.chunk()) > 1)
    def split(self) -> None:
        self.backlog.split()

    @rule()
    @precondition(lambda self: self.backlog.chunk())
    def doubt(self) -> None:
        self.backlog.doubt()

    @rule()
    def discard(self) -> None:
        self.backlog.discard()

    @rule()
    def close(self) -> None:
        self.backlog.close()

    @invariant()
    def adds_up(self) -> None:
        account = health(self.backlog)
        held = [*self.backlog._errors, *self.backlog._details, *chain(*self.backlog._chunks)]
        assert account.accepted == self.put_in
        assert account.accepted == account.stored + account.pending + sum(account.dropped.values())
        assert account.pending == sum(entry.spans for entry in held)
        assert account.pending_bytes == sum(entry.size for entry in held)
        assert account.pending_bytes <= self.BOUND or account.pending == 1
        waiting = sum(1 for entry in held if not entry.spans)
        assert account.starts_stored + account.starts_rejected + waiting == self.starts


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAccount.pytestmark = [pytest.mark.promise("P3")]


def test_a_producer_that_fills_the_queue_lets_the_writer_have_its_turns() -> None:
    backlog: Backlog[int] = Backlog(QueueSettings())
    turns = []
    for n in range(2048 + 640):
        assert backlog.put(Entry(n, 1024), error=False)
        turns.append(backlog.gives_a_turn())
    assert not any(turns[:2048])
    assert sum(turns[2048:]) == 10
