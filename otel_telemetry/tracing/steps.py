"""The steps of one execution: what each is called, which attempt it is, which are open."""

from __future__ import annotations

from itertools import count
from typing import Generic, TypeVar

StepT = TypeVar("StepT")
"""What stands for an open step: a handle, of which the modules below those of the handles know nothing."""


class StepLedger(Generic[StepT]):
    """Names and counts the steps of one execution.

    Safe without a lock: each operation that matters is one atomic operation of a dict, list or counter.

    Attributes:
        open: the open steps by their ids.
    """

    __slots__ = ("_attempts", "_failed", "_repeats", "open")

    def __init__(self) -> None:
        self._attempts: dict[str, int] = {}
        self._repeats: dict[str, count[int]] = {}
        self._failed: dict[str, list[str]] = {}
        self.open: dict[str, StepT] = {}

    def admit(self, name: str, step_id: str | None, attempt: int | None) -> tuple[str, int]:
        """Decide the id and the attempt of a step that starts.

        A step id that is given stays as it is, and each start of it is its next attempt. Without one the name serves: a
        start after a failure of the same name is that step's next attempt (a retry); a start after a success, or
        beside one that still runs, is another step, ``name#2`` (a loop).

        Returns:
            The step's id and its attempt, from 1.
        """
        if step_id is None:
            step_id = self._retried(name) or self._repeated(name)
        number = self._attempts.get(step_id, 0) + 1
        if attempt is not None and attempt > number:
            number = attempt
        self._attempts[step_id] = number
        return step_id, number

    def _retried(self, name: str) -> str | None:
        failed = self._failed.get(name)
        if not failed:
            return None
        try:
            return failed.pop(0)
        except IndexError:  # another thread retries it
            return None

    def _repeated(self, name: str) -> str:
        repeats = self._repeats.setdefault(name, count(1))
        number = next(repeats)
        step_id = name if number == 1 else f"{name}#{number}"
        return step_id if step_id not in self._attempts else self._repeated(name)

    def failed(self, name: str, step_id: str) -> None:
        """Note that a step failed: the next start of its name retries it."""
        self._failed.setdefault(name, []).append(step_id)

    def close(self, step_id: str, handle: StepT) -> None:
        """Let go of a step that has ended."""
        if self.open.get(step_id) is handle:
            del self.open[step_id]

    def knows(self, step_id: str) -> bool:
        """Whether a step of this id was ever started."""
        return step_id in self._attempts
