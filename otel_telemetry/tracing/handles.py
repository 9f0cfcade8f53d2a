"""Handles: an execution, a step and a tool call while they are open.

A handle has started when you hold it. It can be used in three ways, which mix:

* as a context manager (``with`` or ``async with``): what is recorded inside belongs to it, and it ends with the block;
* detached: ended by `complete`, `fail`, `cancel` or `skip`, later, elsewhere, in another thread;
* as the source of its children: `step`, `tool_call`.

Of a handle that was not sampled, or whose recorder is off, every method does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, Span, Status, StatusCode

from otel_telemetry import semconv
from otel_telemetry.errors import AlreadyEndedError
from otel_telemetry.records import ErrorRecord, ExecutionStatus, StepStatus, StepType, ToolCallSource
from otel_telemetry.tracing.clock import CLOCK_STEP_THRESHOLD_NS
from otel_telemetry.tracing.context import ExecutionScope, detach, entered
from otel_telemetry.tracing.failures import is_cancellation, qualified_name

if TYPE_CHECKING:
    from otel_telemetry.tracing.recorder import Recorder

CANCELLED = "cancelled"
CLOSED = "closed"
ABANDONED = "abandoned"

Attributes = dict[str, Any]

_NEVER_ENDED = ErrorRecord(code=ABANDONED, category="internal", message="it was started and never ended")


class Handle:
    """What the three handles share: a span, its times, and the one moment at which it ends.

    Attributes:
        span: the OpenTelemetry span. What is set on it directly, other span processors see as it is.
        scope: the place where it was started; for an execution or a step, the place inside it.
        recorder: the recorder that started it.
        ends_by_itself: whether a block, a function or a generator will end it.
    """

    __slots__ = (
        "_attributes",
        "_context_token",
        "_late",
        "_monotonic_ns",
        "_open",
        "_owner",
        "_problems",
        "_result",
        "_started_ns",
        "_wall_ns",
        "ends_by_itself",
        "recorder",
        "scope",
        "span",
    )

    _RESULT_KEY: ClassVar[str]

    def __init__(
        self,
        recorder: Recorder,
        span: Span,
        scope: ExecutionScope,
        attributes: Attributes,
        times: tuple[int, int, int],
        owner: ExecutionHandle | None = None,
    ) -> None:
        self.span = span
        self.scope = scope
        self.recorder = recorder
        self._owner = owner
        self._attributes = attributes
        self._started_ns, self._wall_ns, self._monotonic_ns = times
        self._problems: tuple[str, ...] = attributes.get(semconv.PROBLEMS, ())
        self._result: object = None
        self._late: Attributes | None = None
        self.ends_by_itself = False
        self._context_token: Token[Context] | None = None
        self._open = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} of {self.execution_id} {'open' if self.is_open else 'ended'}>"

    @property
    def _name(self) -> str:
        return getattr(self.span, "name", "")

    @property
    def execution_id(self) -> str:
        """The id of the execution."""
        return self.scope.run.execution_id

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return hasattr(self, "_open")

    @property
    def is_recording(self) -> bool:
        """Whether anything is recorded at all: it is sampled, and telemetry is on."""
        return self.scope.run.recording

    def set_attribute(self, key: str, value: object) -> None:
        """Set an attribute of your own, redacted first.

        Args:
            key: its name; names starting with ``otel_telemetry.`` are this package's.
            value: anything JSON can say.
        """
        if self.scope.run.recording:
            self.recorder.guarded(self._set_attribute, key, value)

    def _set_attribute(self, key: str, value: object) -> None:
        self.span.set_attributes(self.recorder.redactor.attributes({key: value}))  # type: ignore[arg-type]

    def complete(self, result: object = None, *, completed_at_ns: int | None = None) -> None:
        """End it as a success.

        Args:
            result: what it returned, if that was not set before.
            completed_at_ns: when it ended, in nanoseconds since the epoch, UTC; now if not given.
        """
        if result is not None:
            self._result = result
        self._end(StatusCode.UNSET, completed_at_ns=completed_at_ns)

    def fail(self, error: BaseException | ErrorRecord | str, *, completed_at_ns: int | None = None) -> None:
        """End it as a failure.

        Args:
            error: the exception, an `ErrorRecord`, or words.
            completed_at_ns: when it ended, in nanoseconds since the epoch, UTC; now if not given.
        """
        self._end(StatusCode.ERROR, error, completed_at_ns=completed_at_ns)

    def cancel(self, reason: str | None = None) -> None:
        """End it because it was stopped.

        Args:
            reason: why, in words.
        """
        self._end(StatusCode.ERROR, self.recorder.cancellation(reason), outcome=CANCELLED)

    def __enter__(self) -> Self:
        self.ends_by_itself = True
        if self.span is not INVALID_SPAN:
            self._context_token = attach(self.context())
        return self

    def context(self) -> Context:
        """Return the current context with this handle's span and scope in it: what its own code runs in."""
        here = get_current()
        return here if self.span is INVALID_SPAN else entered(self.span, self._inner_scope(), here)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)

    def leave(self, error: BaseException | None, result: object = None, outcome: str | None = None) -> None:
        """Undo `__enter__`, and end it as `error` or else `result` demands, if it has not ended before.

        Args:
            error: the exception that leaves it.
            result: what it returned, if that was not set before.
            outcome: how it ended, where that was neither an exception nor a plain return.
        """
        token, self._context_token = self._context_token, None
        detach(token)
        if not hasattr(self, "_open"):
            return
        if error is None:
            if result is not None:
                self._result = result
            self._end(StatusCode.UNSET, outcome=outcome)
        elif isinstance(error, GeneratorExit):
            self._end(StatusCode.UNSET, outcome=CLOSED)
        else:
            self._end(StatusCode.ERROR, error, outcome=CANCELLED if is_cancellation(error) else None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def abandon(self) -> None:
        """End it because nobody is left who could."""
        self._end(StatusCode.ERROR, _NEVER_ENDED, outcome=ABANDONED)

    def elapsed_ns(self) -> int:
        """Return for how long it has been open, in nanoseconds."""
        return self.recorder.clock.monotonic_ns() - self._monotonic_ns

    def add_late(self, attributes: Attributes) -> None:
        """Keep attributes, clean ones, for the end."""
        self._late = {**(self._late or {}), **attributes}

    def add_problems(self, problems: Iterable[str]) -> None:
        """Keep, in words, what could not be recorded as it was given."""
        self._problems += tuple(problems)

    def _inner_scope(self) -> ExecutionScope:
        return self.scope

    def _end(
        self,
        code: StatusCode,
        error: BaseException | ErrorRecord | str | None = None,
        *,
        outcome: str | None = None,
        completed_at_ns: int | None = None,
    ) -> None:
        try:
            del self._open  # atomic: of two threads that end it, one succeeds
        except AttributeError:
            self.recorder.refuse(AlreadyEndedError(f"{self._name!r} has ended already: end each handle once"))
            return
        if not self.scope.run.recording:
            self._after_end(code, None, outcome)
            return
        recorder = self.recorder
        ended_ns: int | None = completed_at_ns
        record: ErrorRecord | None = None
        try:
            attributes = self._late or {}
            ended_ns = self._ended_at(completed_at_ns, attributes)
            if error is not None:
                record = self._note_error(error, attributes, ended_ns)
            if outcome is not None:
                attributes[semconv.OUTCOME] = outcome
            if self._result is not None:
                self._problems += recorder.put_payload(attributes, self._RESULT_KEY, self._result, "output")
            self._structure(attributes, code, outcome)
            if self._problems:
                attributes[semconv.PROBLEMS] = self._problems
            span = self.span
            if getattr(span, "dropped_attributes", 0):
                # the host set more attributes than the SDK keeps, and the oldest, ours, had to go
                attributes = {**self._attributes, **attributes}
            span.set_attributes(attributes)
            if code is StatusCode.ERROR:
                span.set_status(Status(code, record.message if record is not None else None))
        except BaseException as problem:
            recorder.absorb("end", problem)
        finally:
            try:
                self.span.end(ended_ns)
                self._after_end(code, record, outcome)
            except BaseException as problem:
                recorder.absorb("end", problem)

    def _ended_at(self, completed_at_ns: int | None, attributes: Attributes) -> int:
        if completed_at_ns is not None:
            return max(completed_at_ns, self._started_ns)
        clock = self.recorder.clock
        took_ns = self.elapsed_ns()
        stepped_ns = clock.time_ns() - self._wall_ns - took_ns
        if not -CLOCK_STEP_THRESHOLD_NS < stepped_ns < CLOCK_STEP_THRESHOLD_NS:
            attributes[semconv.CLOCK_STEP_MS] = stepped_ns / 1e6
        return self._started_ns + took_ns

    def _note_error(self, error: BaseException | ErrorRecord | str, attributes: Attributes, now_ns: int) -> ErrorRecord:
        at_start = self._attributes
        record = self.recorder.error_record(
            error, self.span, now_ns, at_start.get(semconv.STEP_ID), at_start.get(semconv.TOOL_NAME)
        )
        attributes[semconv.ERROR] = self.recorder.error_text(record)
        attributes[semconv.ERROR_TYPE] = qualified_name(error) if isinstance(error, BaseException) else record.code
        return record

    def _structure(self, attributes: Attributes, code: StatusCode, outcome: str | None) -> None:
        """Add what this kind of span says at its end."""

    def _after_end(self, code: StatusCode, record: ErrorRecord | None, outcome: str | None) -> None:
        """Tell whoever keeps open handles."""
        if self._owner is not None:
            self._owner._end(code, record, outcome=outcome)  # noqa: SLF001  (a handle too)


class ToolCallHandle(Handle):
    """A tool call that is being made."""

    __slots__ = ()

    _RESULT_KEY = semconv.TOOL_RESULT

    @property
    def call_id(self) -> str:
        """The id of the call."""
        return str(self._attributes.get(semconv.TOOL_CALL_ID, ""))

    @property
    def step_id(self) -> str | None:
        """The step that makes the call; None outside any step."""
        return self.scope.step_id

    @property
    def result(self) -> object:
        """What the tool returned, as it was set."""
        return self._result

    @result.setter
    def result(self, value: object) -> None:
        self._result = value

    def _inner_scope(self) -> ExecutionScope:
        scope = self.scope
        if scope.call_source is ToolCallSource.CODE_BLOCK:
            return scope
        return ExecutionScope(scope.run, scope.step_id, scope.step)

    def __del__(self) -> None:
        if hasattr(self, "_open"):
            self.abandon()


class _Parent(Handle):
    """A handle that has children."""

    __slots__ = ()

    def step(
        self,
        name: str,
        *,
        step_type: StepType = StepType.CODE,
        step_id: str | None = None,
        tool_name: str | None = None,
        params: object = None,
        code: str | Callable[..., Any] | None = None,
        attempt: int | None = None,
        status: StepStatus = StepStatus.RUNNING,
    ) -> StepHandle:
        """Start a step.

        Args:
            name: what the step is called.
            step_type: whether it calls one tool or runs code.
            step_id: its id, kept as given; a second start of it is its next attempt. By default the name serves: a start
                after a failure is the next attempt, any other repetition becomes ``name#2``, ``name#3``, ...
            tool_name: the tool that a step of type TOOL calls.
            params: what the step is given.
            code: the function or source text that it runs, for its `code_hash`.
            attempt: which attempt it is, if more than were seen here.
            status: RUNNING, or PENDING for a step that is only planned: `start` it later.

        Returns:
            The step, started.
        """
        return self.recorder.start_step(
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
        tool_name: str,
        *,
        params: object = None,
        call_id: str | None = None,
        step_id: str | None = None,
        source: ToolCallSource | None = None,
        started_at_ns: int | None = None,
    ) -> ToolCallHandle:
        """Start a tool call.

        Args:
            tool_name: the tool.
            params: what it is given.
            call_id: its id; made up if not given.
            step_id: the step that it belongs to, where that is not this handle's.
            source: where the call comes from; by default TOOL_STEP directly in a step of type TOOL, else CODE_BLOCK.
            started_at_ns: when it started, in nanoseconds since the epoch, UTC; now if not given.

        Returns:
            The call, started.
        """
        return self.recorder.start_tool_call(
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
        """Whether it is registered and not started."""
        return self._attributes.get(semconv.STATUS) == "pending"

    def start(self) -> None:
        """Say that what was registered as PENDING runs now: an event ``started`` marks when."""
        if self.is_pending:
            self.recorder.guarded(self._start)

    def _start(self) -> None:
        self._attributes[semconv.STATUS] = "running"
        self.span.set_attribute(semconv.STATUS, "running")
        self.span.add_event("started")


class StepHandle(_Parent):
    """A step that is open."""

    __slots__ = ("_key", "_skipped", "attempt")

    _RESULT_KEY = semconv.STEP_RESULT

    def __init__(
        self,
        recorder: Recorder,
        span: Span,
        scope: ExecutionScope,
        attributes: Attributes,
        times: tuple[int, int, int],
        *,
        owner: ExecutionHandle | None,
        name: str,
        attempt: int,
    ) -> None:
        super().__init__(recorder, span, scope, attributes, times, owner)
        scope.step = self
        self._key = name
        self._skipped = False
        self.attempt = attempt

    @property
    def step_id(self) -> str:
        """The id of the step."""
        return self.scope.step_id or ""

    @property
    def result(self) -> object:
        """What the step returned, as it was set."""
        return self._result

    @result.setter
    def result(self, value: object) -> None:
        self._result = value

    def skip(self, reason: str) -> None:
        """End it because there is nothing to do.

        Args:
            reason: why, in words.
        """
        self._skipped = True
        self.add_late({semconv.SKIP_REASON: self.recorder.clean(reason)})
        self._end(StatusCode.UNSET)

    def _structure(self, attributes: Attributes, code: StatusCode, outcome: str | None) -> None:
        attributes[semconv.STATUS] = "skipped" if self._skipped else "failed" if code is StatusCode.ERROR else "completed"

    def _after_end(self, code: StatusCode, record: ErrorRecord | None, outcome: str | None) -> None:
        steps, step_id = self.scope.run.steps, self.step_id
        self.scope.step = None  # a cycle less for the garbage collector
        if steps.open.get(step_id) is self:
            del steps.open[step_id]
        if self._skipped:
            steps.skipped(step_id)
        elif code is StatusCode.ERROR:
            steps.failed(self._key, step_id)
        super()._after_end(code, record, outcome)


class ExecutionHandle(_Parent):
    """An execution that is open."""

    __slots__ = ()

    _RESULT_KEY = semconv.OUTPUTS

    @property
    def outputs(self) -> object:
        """What the execution returned, as it was set."""
        return self._result

    @outputs.setter
    def outputs(self, value: object) -> None:
        self._result = value

    @property
    def result(self) -> object:
        """The same as `outputs`."""
        return self._result

    @result.setter
    def result(self, value: object) -> None:
        self._result = value

    def _structure(self, attributes: Attributes, code: StatusCode, outcome: str | None) -> None:
        if outcome == CANCELLED:
            status = ExecutionStatus.CANCELLED
        else:
            status = ExecutionStatus.FAILED if code is StatusCode.ERROR else ExecutionStatus.COMPLETED
        attributes[semconv.STATUS] = status.value
        attributes[semconv.PATH_HASH] = self.scope.run.steps.path_hash()

    def _after_end(self, code: StatusCode, record: ErrorRecord | None, outcome: str | None) -> None:
        run = self.scope.run
        run.handle = None  # a cycle less for the garbage collector
        self.recorder.forget(self)
        for step in [*run.steps.open.values()]:
            if step.is_pending:
                step.skip("the execution ended before the step was started")
            elif not step.ends_by_itself:
                step.abandon()
