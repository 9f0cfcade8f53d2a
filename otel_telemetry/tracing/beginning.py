"""The start of a recorded call of one decorated function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from otel_telemetry.tracing.arguments import Binder
from span_processors.current import current

if TYPE_CHECKING:
    from otel_telemetry.tracing.handle import Handle
    from otel_telemetry.tracing.recorder import Recorder


class Beginning:
    """Starts a handle for each call of one function, unless there is nothing to record to.

    Args:
        function: the function that is called.
        current: returns the recorder at the time of the call.
        start: starts the handle, given the recorder and the arguments by name.
    """

    __slots__ = ("_bind", "_current", "_start")

    def __init__(
        self,
        function: Callable[..., Any],
        current: Callable[[], Recorder | None],
        start: Callable[[Recorder, object], Handle],
    ) -> None:
        self._current = current
        self._start = start
        self._bind = Binder(function).bind

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Handle | None:
        """Start recording a call; None where it is not recorded. Never raises."""
        recorder = self._current()
        if recorder is None or not recorder.wants(current()):
            return None
        try:
            return self._start(recorder, self._bind(args, kwargs))
        except BaseException as problem:
            recorder.absorb("start", problem)
            return None

    def is_wanted(self) -> bool:
        """Whether a call made now would be recorded."""
        recorder = self._current()
        return recorder is not None and recorder.wants(current())
