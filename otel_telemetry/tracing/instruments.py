"""`workflow`, `step` and `tool`: each a decorator, bare or called, and a context manager.

@tool("stripe.charge")
def charge(order): ...

with execution("invoice", inputs=order) as run: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, TypeVar, overload

from otel_telemetry.records import StepType
from otel_telemetry.tracing.beginning import Beginning
from otel_telemetry.tracing.handle import Handle
from otel_telemetry.tracing.handles import ExecutionHandle, StepHandle, ToolCallHandle
from otel_telemetry.tracing.recorder import Recorder
from otel_telemetry.tracing.wrappers import base_of, wrap

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]")
H = TypeVar("H", bound=Handle)

CurrentRecorder = Callable[[], Recorder | None]


class Instrument(Generic[H]):
    """Decorates functions, or records a block: each entry is a new handle.

    While no recorder is there, or where the execution around is not sampled, a decorated function is simply called.
    """

    __slots__ = ("_current", "_entered", "_name", "_options")

    def __init__(self, current: CurrentRecorder, name: str | None, options: dict[str, Any]) -> None:
        self._current = current
        self._name = name
        self._options = {key: value for key, value in options.items() if value is not None}
        self._entered: list[H] = []

    def __call__(self, function: F) -> F:
        """Decorate `function`."""
        if isinstance(function, (classmethod, staticmethod)):
            return type(function)(self(function.__func__))  # type: ignore[return-value]  # the same kind of descriptor
        return wrap(function, self._beginning(function))  # type: ignore[return-value]  # the same signature

    def _beginning(self, function: Callable[..., Any]) -> Beginning:
        base = base_of(function)
        qualified: str = getattr(base, "__qualname__", type(base).__qualname__)
        name = self._name or qualified.rpartition("<locals>.")[2]
        return Beginning(function, self._current, self._start(name, f"{base.__module__}.{qualified}", base))

    def _start(self, name: str, function: str, code: Callable[..., Any]) -> Callable[[Recorder, object], H]:
        raise NotImplementedError

    def _open(self, recorder: Recorder) -> H:
        raise NotImplementedError

    def __enter__(self) -> H:
        handle = self._open(self._current() or DISABLED)
        self._entered.append(handle)
        return handle.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    async def __aenter__(self) -> H:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class ExecutionInstrument(Instrument[ExecutionHandle]):
    """Makes executions."""

    __slots__ = ()

    def _start(
        self, name: str, function: str, code: Callable[..., Any]
    ) -> Callable[[Recorder, object], ExecutionHandle]:
        options = self._options

        def start(recorder: Recorder, params: object) -> ExecutionHandle:
            return recorder.start_execution(name, inputs=params, function=function, **options)

        return start

    def _open(self, recorder: Recorder) -> ExecutionHandle:
        return recorder.start_execution(self._name, **self._options)


class StepInstrument(Instrument[StepHandle]):
    """Makes steps."""

    __slots__ = ()

    def _start(self, name: str, function: str, code: Callable[..., Any]) -> Callable[[Recorder, object], StepHandle]:
        options = self._options

        def start(recorder: Recorder, params: object) -> StepHandle:
            return recorder.start_step(name, params=params, function=function, code=code, **options)

        return start

    def _open(self, recorder: Recorder) -> StepHandle:
        return recorder.start_step(self._name or "step", **self._options)


class ToolInstrument(Instrument[ToolCallHandle]):
    """Makes tool calls."""

    __slots__ = ()

    def _start(
        self, name: str, function: str, code: Callable[..., Any]
    ) -> Callable[[Recorder, object], ToolCallHandle]:
        options = self._options

        def start(recorder: Recorder, params: object) -> ToolCallHandle:
            return recorder.start_tool_call(name, params=params, function=function, **options)

        return start

    def _open(self, recorder: Recorder) -> ToolCallHandle:
        return recorder.start_tool_call(self._name or "tool", **self._options)


class Instruments:
    """The instruments that act on whatever recorder `current` returns at the time of the call.

    Args:
        current: returns the recorder, or None while there is nothing to record to.
    """

    def __init__(self, current: CurrentRecorder) -> None:
        self._current_recorder = current

    @overload
    def workflow(self, function: F, /) -> F: ...
    @overload
    def workflow(
        self,
        name: str | None = None,
        *,
        version: str | None = None,
        inputs: object = None,
        caller_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
        execution_id: str | None = None,
    ) -> ExecutionInstrument: ...
    def workflow(
        self,
        name: Any = None,
        *,
        version: str | None = None,
        inputs: object = None,
        caller_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
        execution_id: str | None = None,
    ) -> Any:
        """Record executions: of a function, each call of it; as a context manager, the block.

        Args:
            name: the workflow; by default the function's name, ``Class.method``.
            version: its version.
            inputs: what it is given, for a block; a function's are its arguments.
            caller_id: who asks for it.
            metadata: keys and values to find it by.
            execution_id: its id, for a block; made up if not given.

        Returns:
            The decorated function, of the same type, or something that decorates and is a context manager.
        """
        options = {
            "workflow_version": version,
            "inputs": inputs,
            "caller_id": caller_id,
            "metadata": metadata,
            "execution_id": execution_id,
        }
        return _bare_or_called(name, lambda given: ExecutionInstrument(self._current_recorder, given, options))

    execution = workflow

    @overload
    def step(self, function: F, /) -> F: ...
    @overload
    def step(
        self,
        name: str | None = None,
        *,
        step_type: StepType = StepType.CODE,
        step_id: str | None = None,
        tool_name: str | None = None,
        params: object = None,
        attempt: int | None = None,
    ) -> StepInstrument: ...
    def step(
        self,
        name: Any = None,
        *,
        step_type: StepType = StepType.CODE,
        step_id: str | None = None,
        tool_name: str | None = None,
        params: object = None,
        attempt: int | None = None,
    ) -> Any:
        """Record steps: of a function, each call of it; as a context manager, the block.

        A step outside any execution gets one around it, of the same name.

        Args:
            name: the step; by default the function's name, ``Class.method``.
            step_type: whether it calls one tool or runs code.
            step_id: its id, kept as given; by default the name, and ``name#2`` ... for its repetitions.
            tool_name: the tool that a step of type TOOL calls.
            params: what it is given, for a block; a function's are its arguments.
            attempt: which attempt it is, for a block, if more than were seen.

        Returns:
            The decorated function, of the same type, or something that decorates and is a context manager.
        """
        options = {
            "step_type": step_type,
            "step_id": step_id,
            "tool_name": tool_name,
            "params": params,
            "attempt": attempt,
        }
        return _bare_or_called(name, lambda given: StepInstrument(self._current_recorder, given, options))

    task = step

    @overload
    def tool(self, function: F, /) -> F: ...
    @overload
    def tool(self, name: str | None = None, *, params: object = None, call_id: str | None = None) -> ToolInstrument: ...
    def tool(self, name: Any = None, *, params: object = None, call_id: str | None = None) -> Any:
        """Record tool calls: of a function, each call of it; as a context manager, the block.

        A tool call outside any execution gets one of type DIRECT around it.

        Args:
            name: the tool; by default the function's name, ``Class.method``.
            params: what it is given, for a block; a function's are its arguments.
            call_id: its id, for a block; made up if not given.

        Returns:
            The decorated function, of the same type, or something that decorates and is a context manager.
        """
        options = {"params": params, "call_id": call_id}
        return _bare_or_called(name, lambda given: ToolInstrument(self._current_recorder, given, options))


def _bare_or_called(name: Any, instrument: Callable[[str | None], Instrument[Any]]) -> Any:
    if name is None or isinstance(name, str):
        return instrument(name)
    return instrument(None)(name)


DISABLED = Recorder(None)
"""Hands out handles that do nothing, to blocks that run while there is no recorder."""
