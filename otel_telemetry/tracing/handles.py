"""Handles of executions, steps and tool calls, from their start until they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry import semconv
from otel_telemetry.records import ErrorRecord, ExecutionStatus, StepStatus, StepType, ToolCallSource
from otel_telemetry.tracing.context import ExecutionScope
from otel_telemetry.tracing.handle import CANCELLED, Attributes, Error, Handle
from otel_telemetry.tracing.services import Services
from span_processors.data import CleanAttributes

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from otel_telemetry.tracing.given import Integer, Text


# an enum's members are slow to get at in Python 3.11, and these are asked for at every span
_CODE_BLOCK: Final = ToolCallSource.CODE_BLOCK
_COMPLETED: Final = StepStatus.COMPLETED.value
_FAILED: Final = StepStatus.FAILED.value
_SKIPPED: Final = StepStatus.SKIPPED.value


class ToolCallHandle(Handle):
    """A tool call that is being made."""

    __slots__ = ()

    _RESULT_KEY = semconv.TOOL_RESULT

    @property
    def call_id(self) -> str:
        """The id of the call: the one that was given, or else that of its span."""
        given: str | None = self._attributes.get(semconv.TOOL_CALL_ID)
        return f"{self.span.get_span_context().span_id:016x}" if given is None else given

    @property
    def step_id(self) -> str | None:
        """The step that makes the call; None outside any step."""
        return self.scope.step_id

    def _inner_scope(self) -> ExecutionScope[StepHandle]:
        scope = self.scope
        if scope.call_source is _CODE_BLOCK:
            return scope
        return ExecutionScope(scope.run, scope.step_id, scope.step)


class _Parent(Handle):
    """A handle that has children."""

    __slots__ = ()

    @property
    def _starter(self) -> Starter:
        starter: Starter = self.recorder  # type: ignore[assignment]  # what has handles with children starts them
        return starter

    def step(
        self,
        name: Text,
        *,
        step_type: StepType = StepType.CODE,
        step_id: Text | None = None,
        tool_name: Text | None = None,
        params: object = None,
        code: str | Callable[..., Any] | None = None,
        attempt: Integer | None = None,
        status: StepStatus = StepStatus.RUNNING,
    ) -> StepHandle:
        """Start a step.

        Args:
            name: what the step is called.
            step_type: whether it calls one tool or runs code.
            step_id: its id, kept as given; a second start of it is its next attempt. By default the name serves: a
                start after a failure is the next attempt, any other repetition becomes ``name#2``, ``name#3``, ...
            tool_name: the tool that a step of type TOOL calls.
            params: what the step is given.
            code: the function or source text that it runs, for its `code_hash`.
            attempt: which attempt it is, if more than were seen here.
            status: RUNNING, or PENDING for a step that is only planned: `start` it later.

        Returns:
            The step, started.
        """
        return self._starter.start_step(
            name,
            step_type=step_type,
            step_id=step_id,
            tool_name=tool_name,
            params=params,
            code=code,
            attempt=attempt,
            status=status,
            parent=self,
        )

    def tool_call(
        self,
        tool_name: Text,
        *,
        params: object = None,
        call_id: Text | None = None,
        step_id: Text | None = None,
        source: ToolCallSource | None = None,
        started_at_ns: Integer | None = None,
    ) -> ToolCallHandle:
        """Start a tool call.

        Args:
            tool_name: the tool.
            params: what it is given.
            call_id: its id; that of its span if not given.
            step_id: the step that it belongs to, where that is not this handle's.
            source: where the call comes from; by default TOOL_STEP directly in a step of type TOOL, else CODE_BLOCK.
            started_at_ns: when it started, in nanoseconds since the epoch, UTC; now if not given.

        Returns:
            The call, started.
        """
        return self._starter.start_tool_call(
            tool_name,
            params=params,
            call_id=call_id,
            step_id=step_id,
            source=source,
            started_at_ns=started_at_ns,
            parent=self,
        )

    @property
    def is_pending(self) -> bool:
        """Whether it is registered, and not started yet."""
        return self._attributes.get(semconv.STATUS) == StepStatus.PENDING.value

    def start(self) -> None:
        """Say that what was registered as PENDING runs now.

        It stays one span, from its registration on: an event ``started`` marks when it began to run.
        """
        if self.is_pending and self.is_open:
            self.recorder.guarded(self._start)

    def _start(self) -> None:
        self._attributes[semconv.STATUS] = StepStatus.RUNNING.value
        self.span.set_attributes(CleanAttributes({semconv.STATUS: StepStatus.RUNNING.value}))
        self.span.add_event("started")
        self._starter.announce(self.span)


class StepHandle(_Parent):
    """A step that is open.

    Attributes:
        attempt: 1 for the first attempt, 2 for its first retry.
    """

    __slots__ = ("_name", "_skipped", "attempt")

    _RESULT_KEY = semconv.STEP_RESULT

    def __init__(  # noqa: PLR0917  (as for any handle)
        self,
        recorder: Services,
        span: Span,
        scope: ExecutionScope[Any],
        attributes: Attributes,
        times: tuple[int, int, int],
        owner: Handle | None,
        name: Text,
        attempt: int,
    ) -> None:
        super().__init__(recorder, span, scope, attributes, times, owner)
        self._name = name
        self._skipped = False
        self.attempt = attempt
        scope.step = self

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return self.scope.step_id or self._name

    def skip(self, reason: Text) -> None:
        """End it because it is not needed.

        Args:
            reason: why, in words.
        """
        self._skipped = True
        self.add_late({semconv.SKIP_REASON: self.recorder.sentence(reason)})
        self._end()

    def _conclude(self, attributes: Attributes, error: ErrorRecord | None, outcome: str | None) -> None:  # noqa: ARG002  (a hook)
        attributes[semconv.STATUS] = _FAILED if error is not None else _SKIPPED if self._skipped else _COMPLETED

    def _after_end(self, error: Error | None, outcome: str | None, ended_ns: int | None) -> None:
        self.scope.step = None  # one cycle less for the garbage collector
        steps = self.scope.run.steps
        steps.close(self.step_id, self)
        if error is not None:
            steps.failed(self._name, self.step_id)
        super()._after_end(error, outcome, ended_ns)


class ExecutionHandle(_Parent):
    """An execution that is open. When it ends, what is still open in it and has nobody to end it ends as well."""

    __slots__ = ()

    _RESULT_KEY = semconv.OUTPUTS

    @property
    def outputs(self) -> object:
        """What the execution returned, as it was set: the same as `result`."""
        return self.result

    @outputs.setter
    def outputs(self, value: object) -> None:
        self.result = value

    def _conclude(self, attributes: Attributes, error: ErrorRecord | None, outcome: str | None) -> None:
        if outcome == CANCELLED:
            status = ExecutionStatus.CANCELLED
        else:
            status = ExecutionStatus.FAILED if error is not None else ExecutionStatus.COMPLETED
        attributes[semconv.STATUS] = status.value

    def _after_end(self, error: Error | None, outcome: str | None, ended_ns: int | None) -> None:  # noqa: ARG002  (a hook)
        run = self.scope.run
        self._starter.forget(self)
        for step in list(run.steps.open.values()):
            if step.is_pending:
                step.skip("the execution ended before the step was started")
            elif not step.ends_by_itself:
                step.abandon()


class Starter(Services, ABC):
    """What handles ask of the recorder, which is one: to start their children, and to know what becomes of them."""

    @abstractmethod
    def start_step(
        self,
        name: Text,
        *,
        step_type: StepType,
        step_id: Text | None,
        tool_name: Text | None,
        params: object,
        code: str | Callable[..., Any] | None,
        attempt: Integer | None,
        status: StepStatus,
        parent: Handle | None,
    ) -> StepHandle:
        """Start a step in `parent`."""

    @abstractmethod
    def start_tool_call(
        self,
        tool_name: Text,
        *,
        params: object,
        call_id: Text | None,
        step_id: Text | None,
        source: ToolCallSource | None,
        started_at_ns: Integer | None,
        parent: Handle | None,
    ) -> ToolCallHandle:
        """Start a tool call in `parent`."""

    @abstractmethod
    def announce(self, span: Span) -> None:
        """Say that an open span's attributes have changed."""

    @abstractmethod
    def forget(self, handle: ExecutionHandle) -> None:
        """Let go of an execution that has ended."""
