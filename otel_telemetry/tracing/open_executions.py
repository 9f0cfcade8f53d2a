"""The executions and steps that are open in this process, by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.errors import AlreadyEndedError, UnknownExecutionError, UnknownStepError

if TYPE_CHECKING:
    from otel_telemetry.tracing.handles import ExecutionHandle, StepHandle

_REMEMBERED_ENDS: Final = 10_000


class OpenExecutions:
    """Finds open executions and steps, and tells what has ended lately from what was never heard of.

    Args:
        limit: how many open executions are kept; the oldest is let go first.
    """

    __slots__ = ("_ended", "_limit", "_open")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[str, ExecutionHandle] = {}
        self._ended: dict[str, None] = {}

    def add(self, handle: ExecutionHandle) -> bool:
        """Keep an execution that has started. Returns whether another one had to go for it."""
        self._open[handle.execution_id] = handle
        if len(self._open) <= self._limit:
            return False
        _drop_oldest(self._open)
        return True

    def remove(self, handle: ExecutionHandle) -> None:
        """Let go of an execution that has ended."""
        execution_id = handle.execution_id
        if self._open.get(execution_id) is handle:
            del self._open[execution_id]
        self._ended[execution_id] = None
        if len(self._ended) > _REMEMBERED_ENDS:
            _drop_oldest(self._ended)

    def find(self, execution_id: str) -> ExecutionHandle | None:
        """Return the open execution of this id."""
        return self._open.get(execution_id)

    def knows(self, execution_id: str) -> bool:
        """Whether an execution of this id is open, or has ended lately."""
        return execution_id in self._open or execution_id in self._ended

    def execution(self, execution_id: str) -> ExecutionHandle:
        """Return the open execution of this id, or raise what `Recorder.open_execution` says."""
        handle = self._open.get(execution_id)
        if handle is not None:
            return handle
        if execution_id in self._ended:
            raise AlreadyEndedError(f"execution {execution_id!r} has ended already: start another one")
        raise UnknownExecutionError(f"no execution {execution_id!r} is open in this process: start it first")

    def step(self, execution_id: str, step_id: str) -> StepHandle:
        """Return the open step of this id, or raise what `Recorder.open_step` says."""
        steps = self.execution(execution_id).scope.run.steps
        handle: StepHandle | None = steps.open.get(step_id)
        if handle is not None:
            return handle
        if steps.knows(step_id):
            raise AlreadyEndedError(f"step {step_id!r} has ended already: start it again for another attempt")
        raise UnknownStepError(f"execution {execution_id!r} has no step {step_id!r}: start it first")


def _drop_oldest(kept: dict[str, Any]) -> None:
    try:
        kept.pop(next(iter(kept)), None)
    except (StopIteration, RuntimeError):  # another thread changes it, and keeps it within bounds as well
        return
