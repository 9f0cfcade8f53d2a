"""`workflow`, `step` and `tool`: each a decorator, bare or called, and a context manager.

@tool("stripe.charge")
def charge(order): ...

with execution("invoice", inputs=order) as run: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar, cast, overload

from otel_telemetry.records import StepType
from otel_telemetry.tracing.beginning import Beginning
from otel_telemetry.tracing.context import span_in
from otel_telemetry.tracing.handle import Handle
from otel_telemetry.tracing.recorder import Recorder
from otel_telemetry.tracing.wrappers import base_of, wrap
from span_processors.current import current

if TYPE_CHECKING:
    from otel_telemetry.tracing.handles import ExecutionHandle, StepHandle, ToolCallHandle

F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]")
H = TypeVar("H", bound=Handle)

CurrentRecorder = Callable[[], Recorder | None]


class _Kind(NamedTuple):
    """What an instrument makes.

    Attributes:
        start: the recorder's method that starts it.
        payload: what that method calls the arguments.
        for_blocks: the options that make sense for one block, not for all calls of a function.
        default_name: what a block without a name is called.
        has_code: whether a hash of the function's code is recorded.
    """

    start: Callable[..., Any]
    payload: str
    for_blocks: frozenset[str]
    default_name: str | None = None
    has_code: bool = False


_EXECUTION: Final = _Kind(Recorder.start_execution, "inputs", frozenset({"inputs", "execution_id"}))
_STEP: Final = _Kind(Recorder.start_step, "params", frozenset({"params", "attempt"}), "step", has_code=True)
_TOOL_CALL: Final = _Kind(Recorder.start_tool_call, "params", frozenset({"params", "call_id"}), "tool")


class Instrument(Generic[H]):
    """Decorates functions, or records a block: each entry is a new handle.

    While no recorder is there, or where the execution around is not sampled, a decorated function is simply called.
    """

    __slots__ = ("_current", "_entered", "_kind", "_name", "_options")

    def __init__(self, current: CurrentRecorder, kind: _Kind, name: str | None, options: dict[str, Any]) -> None:
        self._current = current
        self._kind = kind
        self._name = name
        self._options = {key: value for key, value in options.items() if value is not None}
        self._entered: list[H] = []

    def __call__(self, function: F) -> F:
        """Decorate a function or method.

        Raises:
            TypeError: what is given is neither, or an option was given that is for blocks.
        """
        if isinstance(function, (classmethod, staticmethod)):
            return type(function)(self(function.__func__))
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"cannot decorate {function!r}: decorate a function or a method")
        misplaced = self._kind.for_blocks & self._options.keys()
        if misplaced:
            raise TypeError(f"{min(misplaced)}= is for a with-block: a decorated function is called more than once")
        beginning = Beginning(function, self._current, self._starter(base_of(function)))
        return cast("F", wrap(function, beginning))  # of the same signature

    def _starter(self, function: Callable[..., Any]) -> Callable[[Recorder, object], H]:
        start, payload, *_, has_code = self._kind
        qualified: str = getattr(function, "__qualname__", type(function).__qualname__)
        name = qualified.rpartition("<locals>.")[2] if self._name is None else self._name
        options = {**self._options, "function": f"{function.__module__}.{qualified}"}
        if has_code:
            options["code"] = function
        return lambda recorder, given: start(recorder, name, **{payload: given}, **options)

    def __enter__(self) -> H:
        kind = self._kind
        name = kind.default_name if self._name is None else self._name
        handle: H = kind.start(self._current() or DISABLED, name, **self._options)
        self._entered.append(handle)
        return handle.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)

    async def __aenter__(self) -> H:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        # several threads or tasks may be inside at once: the one that stands here is the one that leaves
        span = span_in(current())
        handle = next((entered for entered in reversed(self._entered) if entered.span is span), self._entered[-1])
        self._entered.remove(handle)
        handle.leave(error)


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
    ) -> Instrument[ExecutionHandle]: ...
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
        return self._bare_or_called(name, _EXECUTION, options)

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
    ) -> Instrument[StepHandle]: ...
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

        A step outside any execution gets one around it, of the same name, unless its trace came from another process.

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
        return self._bare_or_called(name, _STEP, options)

    task = step

    @overload
    def tool(self, function: F, /) -> F: ...
    @overload
    def tool(
        self, name: str | None = None, *, params: object = None, call_id: str | None = None
    ) -> Instrument[ToolCallHandle]: ...
    def tool(self, name: Any = None, *, params: object = None, call_id: str | None = None) -> Any:
        """Record tool calls: of a function, each call of it; as a context manager, the block.

        A tool call outside any execution gets one of type DIRECT around it, unless its trace came from another process.

        Args:
            name: the tool; by default the function's name, ``Class.method``.
            params: what it is given, for a block; a function's are its arguments.
            call_id: its id, for a block; made up if not given.

        Returns:
            The decorated function, of the same type, or something that decorates and is a context manager.
        """
        options = {"params": params, "call_id": call_id}
        return self._bare_or_called(name, _TOOL_CALL, options)

    def _bare_or_called(self, name: Any, kind: _Kind, options: dict[str, Any]) -> Any:
        if callable(name) or isinstance(name, (classmethod, staticmethod)):
            return Instrument[Any](self._current_recorder, kind, None, options)(name)
        return Instrument[Any](self._current_recorder, kind, name, options)


DISABLED = Recorder(None)
"""Hands out handles that do nothing, to blocks that run while there is no recorder."""
