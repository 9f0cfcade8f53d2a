"""What a store holds already: the questions that merging asks before it says what changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from otel_telemetry.rows import ExecutionRow, SpanRow

Key: TypeAlias = tuple[str, int, int]
"""(execution_id, started_ns, span_id)"""

_AskedT = TypeVar("_AskedT")
_AnswerT = TypeVar("_AnswerT")


def key_of(row: SpanRow) -> Key:
    """Return what a span is found by among all that are stored."""
    return row.execution_id, row.started_ns, row.span_id


class Held(Protocol):
    """What the tables hold, as the transaction sees it."""

    def lock(self, execution_ids: Collection[str]) -> dict[str, ExecutionRow]:
        """Lock the rows of those executions that are there, in the order of their keys, and return them."""

    def own_in_traces(self, trace_ids: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """Return the ids of the executions of ours that have a span in these traces, each with its trace."""

    def covered(self, execution_ids: Sequence[str]) -> list[str]:
        """Return the traces that are read into these executions."""

    def states(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans that are there, without document and payload."""

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans that are there, with everything."""

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return all rows of these executions, without payload; only those of kind EXECUTION with their document."""


class Remembered:
    """Answers, and the questions to a store that they came from.

    What was planned outside of a transaction holds inside, where all of them would be given again.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._asked: list[tuple[Callable[[Any], object], object, object]] = []

    def lock(self, execution_ids: Collection[str]) -> dict[str, ExecutionRow]:
        """See `Held.lock`."""
        return self._ask(self._held.lock, execution_ids)

    def own_in_traces(self, trace_ids: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """See `Held.own_in_traces`."""
        return self._ask(self._held.own_in_traces, trace_ids)

    def covered(self, execution_ids: Sequence[str]) -> list[str]:
        """See `Held.covered`."""
        return self._ask(self._held.covered, execution_ids)

    def states(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """See `Held.states`."""
        return self._ask(self._held.states, keys)

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """See `Held.whole`."""
        return self._ask(self._held.whole, keys)

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """See `Held.spans`."""
        return self._ask(self._held.spans, execution_ids)

    def still_hold(self) -> bool:
        """Ask all over again, and return whether every answer is the same."""
        return all(ask(about) == answer for ask, about, answer in self._asked)

    def _ask(self, ask: Callable[[_AskedT], _AnswerT], about: _AskedT) -> _AnswerT:
        answer = ask(about)
        self._asked.append((ask, about, answer))
        return answer
