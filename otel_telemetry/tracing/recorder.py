"""The recorder: starts executions, steps and tool calls, and never harms the program that it records."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any, Final, Literal, ParamSpec

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Span, TracerProvider

from otel_telemetry import semconv
from otel_telemetry.codec import error_to_json
from otel_telemetry.error_registry import ErrorRegistry
from otel_telemetry.errors import (
    AlreadyEndedError,
    DuplicateExecutionError,
    RecordingError,
    UnknownExecutionError,
    UnknownStepError,
)
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionStatus,
    ExecutionType,
    StepStatus,
    StepType,
    ToolCallSource,
)
from otel_telemetry.tracing.clock import Clock
from otel_telemetry.tracing.context import ExecutionScope, Run, entered, scope_in
from otel_telemetry.tracing.failures import Recorded, qualified_name, stack_of
from otel_telemetry.tracing.handles import ExecutionHandle, Handle, StepHandle, ToolCallHandle
from otel_telemetry.tracing.hashing import call_hash, code_hash
from span_processors.data import CleanText
from span_processors.redaction import RedactionSettings, Redactor, canonical

P = ParamSpec("P")

_logger: Final = logging.getLogger("otel_telemetry")
_REMEMBERED_ENDS: Final = 10_000
_CANCELLED: Final = "cancelled"


class Recorder:
    """Records executions, steps and tool calls as spans of one tracer.

    Nothing that goes wrong inside reaches the host: it is counted in `problems` by kind, logged once a kind, and handed to
    `on_problem`. Only with `strict` do calls that contradict what was recorded raise a `RecordingError`.

    Args:
        tracer_provider: whose tracer makes the spans; without one nothing is recorded.
        redactor: cleans every payload and name before it becomes an attribute; by default one with the default settings.
        errors: turns exceptions into `ErrorRecord`s; by default a new one.
        clock: the wall clock and the monotonic one.
        strict: raise on calls that contradict what was recorded.
        sample_items: how many of a generator's first items are kept.
        max_open: how many open executions are found by id; the oldest is let go, and stays as it was recorded.
        on_problem: called with the kind of each problem and the exception.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        *,
        redactor: Redactor | None = None,
        errors: ErrorRegistry | None = None,
        clock: Clock | None = None,
        strict: bool = False,
        sample_items: int = 5,
        max_open: int = 100_000,
        on_problem: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.redactor = redactor or Redactor(RedactionSettings())
        self.clock = clock or Clock()
        self.strict = strict
        self.sample_items = sample_items
        self.problems: Counter[str] = Counter()
        self.clean: Callable[[str], str] = lru_cache(maxsize=4096)(self.redactor.text)
        self._errors = errors or ErrorRegistry()
        self._tracer = tracer_provider.get_tracer(semconv.SCOPE_NAME) if tracer_provider is not None else None
        self._on_problem = on_problem
        self._recorded = Recorded()
        self._max_open = max_open
        self._open: dict[str, ExecutionHandle] = {}
        self._ended: dict[str, None] = {}

    # starting

    def start_execution(
        self,
        workflow_name: str | None = None,
        *,
        workflow_version: str | None = None,
        type: ExecutionType = ExecutionType.WORKFLOW,  # noqa: A002  (the record's field)
        inputs: object = None,
        caller_id: str | None = None,
        metadata: object = None,
        execution_id: str | None = None,
        status: ExecutionStatus = ExecutionStatus.RUNNING,
        function: str | None = None,
    ) -> ExecutionHandle:
        """Start an execution; inside another one it is that one's child.

        Args:
            workflow_name: the workflow.
            workflow_version: its version.
            type: WORKFLOW, or DIRECT for one tool call without a workflow.
            inputs: what it is given.
            caller_id: who asked for it.
            metadata: keys and values to find it by.
            execution_id: its id; made up (a UUID of version 7) if not given.
            status: RUNNING, or PENDING for one that is only planned: `start` it later.
            function: the qualified name of the function that it is.

        Returns:
            The execution, started. Where `execution_id` is open already, that one.

        Raises:
            DuplicateExecutionError: `execution_id` was used already, and the recorder is strict.
        """
        if execution_id is None:
            execution_id = new_execution_id(self.clock)
        elif (known := self._duplicate(execution_id)) is not None:
            known.start()
            return known
        context = get_current()
        around = self._scope(context)
        tracer = self._tracer
        run = Run(self, execution_id, count())
        run.recording = tracer is not None and (around is None or around.run.recording)
        attributes: dict[str, Any] = {}
        times = self._now(None, run)
        span: Span = INVALID_SPAN
        try:
            if tracer is not None and run.recording:
                attributes = {
                    semconv.KIND: "execution",
                    semconv.EXECUTION_ID: execution_id,
                    semconv.SEQUENCE: next(run.sequence),
                    semconv.STATUS: status.value,
                    semconv.OPERATION_NAME: semconv.SpanName.EXECUTION,
                    semconv.EXECUTION_TYPE: type.value,
                }
                name: str = semconv.SpanName.EXECUTION
                if workflow_name is not None:
                    workflow_name = self.clean(workflow_name)
                    attributes[semconv.WORKFLOW_NAME] = workflow_name
                    name = f"{name} {workflow_name}"
                if workflow_version is not None:
                    attributes[semconv.WORKFLOW_VERSION] = self.clean(workflow_version)
                if caller_id is not None:
                    attributes[semconv.CALLER_ID] = self.clean(caller_id)
                if around is not None:
                    attributes[semconv.PARENT_EXECUTION_ID] = around.run.execution_id
                if function is not None:
                    attributes[semconv.CODE_FUNCTION] = function
                span = tracer.start_span(name, context, attributes=attributes, start_time=times[0])
                run.recording = span.is_recording()
                if run.recording and (inputs is not None or metadata is not None):
                    self._put_inputs(span, attributes, inputs, metadata)
        except BaseException as problem:
            run.recording = span.is_recording()
            self.absorb("start", problem)
        handle = ExecutionHandle(self, span, ExecutionScope(run), attributes, times)
        run.handle = handle
        self._remember(handle)
        return handle

    def _put_inputs(self, span: Span, attributes: dict[str, Any], inputs: object, metadata: object) -> None:
        # after the sampler's verdict: what is not sampled is not redacted either
        later: dict[str, Any] = {}
        problems: tuple[str, ...] = ()
        if inputs is not None:
            problems += self.put_payload(later, semconv.INPUTS, inputs, "input")
        if metadata is not None:
            problems += self.put_payload(later, semconv.METADATA, metadata, "input")
        if problems:
            later[semconv.PROBLEMS] = problems
        span.set_attributes(later)
        attributes.update(later)

    def start_step(
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
        function: str | None = None,
        parent: Handle | None = None,
    ) -> StepHandle:
        """Start a step, in `parent` or else in the current execution.

        Outside any execution, one is started around it, named after the step; it ends when the step ends.
        The other arguments are those of `ExecutionHandle.step`.
        """
        owner: ExecutionHandle | None = None
        context = get_current()
        around = self._scope(context)
        if parent is not None:
            around, context = self._under(parent, context)
        elif around is None:
            owner = self.start_execution(name)
            around, context = self._under(owner, context)
        run = around.run
        times = self._now(None, run)
        span: Span = INVALID_SPAN
        attributes: dict[str, Any] = {}
        number = 1
        try:
            step_id, number = run.steps.admit(name, step_id, attempt)
            if run.recording and self._tracer is not None:
                attributes = {
                    semconv.KIND: "step",
                    semconv.EXECUTION_ID: run.execution_id,
                    semconv.SEQUENCE: next(run.sequence),
                    semconv.STATUS: status.value,
                    semconv.STEP_ID: self.clean(step_id),
                    semconv.STEP_TYPE: step_type.value,
                    semconv.ATTEMPT: number,
                }
                if tool_name is not None:
                    attributes[semconv.TOOL_NAME] = self.clean(tool_name)
                if function is not None:
                    attributes[semconv.CODE_FUNCTION] = function
                if code is not None and (digest := code_hash(code)) is not None:
                    attributes[semconv.CODE_HASH] = digest
                if params is not None and (
                    problems := self.put_payload(attributes, semconv.STEP_PARAMS, params, "input")
                ):
                    attributes[semconv.PROBLEMS] = problems
                span = self._tracer.start_span(
                    f"{semconv.SpanName.STEP} {self.clean(name)}", context, attributes=attributes, start_time=times[0]
                )
        except BaseException as problem:
            self.absorb("start", problem)
        source = ToolCallSource.TOOL_STEP if step_type is StepType.TOOL else ToolCallSource.CODE_BLOCK
        scope = ExecutionScope(run, step_id or name, call_source=source)
        handle = StepHandle(self, span, scope, attributes, times, name=name, attempt=number, owner=owner)
        run.steps.open[scope.step_id or name] = handle
        return handle

    def start_tool_call(
        self,
        tool_name: str,
        *,
        params: object = None,
        call_id: str | None = None,
        step_id: str | None = None,
        source: ToolCallSource | None = None,
        started_at_ns: int | None = None,
        function: str | None = None,
        parent: Handle | None = None,
    ) -> ToolCallHandle:
        """Start a tool call, in `parent` or else where the code stands.

        Outside any execution, one of type DIRECT is started around it; it ends when the call ends.
        The other arguments are those of `ExecutionHandle.tool_call`.
        """
        owner: ExecutionHandle | None = None
        context = get_current()
        around = self._scope(context)
        if parent is not None:
            around, context = self._under(parent, context)
        elif around is None:
            owner = self.start_execution(tool_name, type=ExecutionType.DIRECT)
            around, context = self._under(owner, context)
        if step_id is not None and step_id != around.step_id:
            around = ExecutionScope(around.run, step_id)
        run = around.run
        times = self._now(started_at_ns, run)
        span: Span = INVALID_SPAN
        attributes: dict[str, Any] = {}
        try:
            if run.recording and self._tracer is not None:
                tool_name = self.clean(tool_name)
                sequence = next(run.sequence)
                attributes = {
                    semconv.KIND: "tool_call",
                    semconv.EXECUTION_ID: run.execution_id,
                    semconv.SEQUENCE: sequence,
                    semconv.OPERATION_NAME: semconv.SpanName.TOOL_CALL,
                    semconv.TOOL_NAME: tool_name,
                    semconv.TOOL_CALL_ID: self.redactor.text(call_id) if call_id else f"{run.execution_id}.{sequence}",
                    semconv.TOOL_SOURCE: (source or around.call_source).value,
                }
                if around.step_id is not None:
                    attributes[semconv.STEP_ID] = self.clean(around.step_id)
                if function is not None:
                    attributes[semconv.CODE_FUNCTION] = function
                if params is not None:
                    problems = self.put_payload(attributes, semconv.TOOL_PARAMS, params, "input")
                    if problems:
                        attributes[semconv.PROBLEMS] = problems
                attributes[semconv.CALL_HASH] = call_hash(tool_name, attributes.get(semconv.TOOL_PARAMS, ""))
                span = self._tracer.start_span(
                    f"{semconv.SpanName.TOOL_CALL} {tool_name}", context, attributes=attributes, start_time=times[0]
                )
        except BaseException as problem:
            self.absorb("start", problem)
        return ToolCallHandle(self, span, around, attributes, times, owner=owner)

    def wants(self, context: Context) -> bool:
        """Whether something that starts in `context` is recorded, as far as that is known before it starts."""
        scope = self._scope(context)
        return scope is None or scope.run.recording

    # finding

    def open_execution(self, execution_id: str) -> ExecutionHandle:
        """Return the open execution of this id.

        Raises:
            AlreadyEndedError: it has ended.
            UnknownExecutionError: it was not started here, or so long ago that it was let go.
        """
        handle = self._open.get(execution_id)
        if handle is not None:
            return handle
        if execution_id in self._ended:
            raise AlreadyEndedError(f"execution {execution_id!r} has ended already: start another one")
        raise UnknownExecutionError(f"no execution {execution_id!r} is open in this process: start it first")

    def open_step(self, execution_id: str, step_id: str) -> StepHandle:
        """Return the open step of this id.

        Raises:
            AlreadyEndedError: it, or its execution, has ended.
            UnknownStepError: it was not started.
            UnknownExecutionError: its execution was not started here, or so long ago that it was let go.
        """
        steps = self.open_execution(execution_id).scope.run.steps
        handle = steps.open.get(step_id)
        if handle is not None:
            return handle
        if steps.knows(step_id):
            raise AlreadyEndedError(f"step {step_id!r} has ended already: start it again for another attempt")
        raise UnknownStepError(f"execution {execution_id!r} has no step {step_id!r}: start it first")

    def current_execution(self) -> ExecutionHandle | None:
        """Return the execution that the running code is part of, if it was started in this process."""
        scope = self._scope(get_current())
        return None if scope is None else scope.run.handle

    def current_step(self) -> StepHandle | None:
        """Return the step that the running code is part of, if it was started in this process."""
        scope = self._scope(get_current())
        return None if scope is None else scope.step

    def forget(self, handle: ExecutionHandle) -> None:
        """Let go of an execution that has ended."""
        if self._open.get(handle.execution_id) is handle:
            del self._open[handle.execution_id]
        self._ended[handle.execution_id] = None
        if len(self._ended) > _REMEMBERED_ENDS:
            _drop_oldest(self._ended)

    def _remember(self, handle: ExecutionHandle) -> None:
        self._open[handle.execution_id] = handle
        if len(self._open) > self._max_open:
            _drop_oldest(self._open)
            self.problems["let go"] += 1

    def _duplicate(self, execution_id: str) -> ExecutionHandle | None:
        known = self._open.get(execution_id)
        if known is not None and known.is_pending:
            return known
        if known is not None or execution_id in self._ended:
            self.refuse(DuplicateExecutionError(f"execution {execution_id!r} exists already: give each its own id"))
        return known

    # serving the handles

    def payload(self, value: object, direction: Literal["input", "output"]) -> tuple[CleanText, tuple[str, ...]]:
        """Return `value`, redacted, as JSON text, and notes on what could not be kept as it was."""
        return self.redactor.payload(value, direction=direction)

    def put_payload(
        self, attributes: dict[str, Any], key: str, value: object, direction: Literal["input", "output"]
    ) -> tuple[str, ...]:
        """Write `value`, redacted, into `attributes`; return what could not be kept as it was, in words."""
        attributes[key], notes = self.payload(value, direction)
        return tuple(f"{key.rpartition('.')[2]}: {note}" for note in notes) if notes else ()

    def error_record(
        self,
        error: BaseException | ErrorRecord | str,
        span: Span,
        now_ns: int,
        step_id: str | None,
        tool_name: str | None,
    ) -> ErrorRecord:
        """Return the record of `error`; an exception seen for the first time leaves its stack on `span`."""
        if isinstance(error, str):
            error = ErrorRecord(code="error", category="unknown", message=self.redactor.text(error))
        if isinstance(error, ErrorRecord):
            return self._errors.record(error, redactor=self.redactor, step_id=step_id, tool_name=tool_name)
        known = self._recorded.get(error)
        if known is not None:
            return known
        record = self._errors.record(error, redactor=self.redactor, step_id=step_id, tool_name=tool_name)
        self._recorded.add(error, record)
        span.add_event(
            "exception",
            {
                "exception.type": qualified_name(error),
                "exception.message": record.message,
                "exception.stacktrace": self.redactor.text(stack_of(error)),
            },
            now_ns,
        )
        return record

    def error_text(self, record: ErrorRecord) -> CleanText:
        """Return the record, which is redacted, as the text of an attribute."""
        return CleanText(canonical(error_to_json(record)))

    def cancellation(self, reason: str | None) -> ErrorRecord:
        """Return the record of a cancellation that came without an exception."""
        return ErrorRecord(code=_CANCELLED, category=_CANCELLED, message=reason or "cancelled")

    # when something goes wrong

    def guarded(self, function: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `function`; count what it raises."""
        try:
            function(*args, **kwargs)
        except BaseException as problem:
            self.absorb(function.__name__.strip("_"), problem)

    def absorb(self, kind: str, problem: BaseException) -> None:
        """Count a problem of our own. What stops the program (Ctrl-C, `sys.exit` in a signal handler) goes on."""
        if isinstance(problem, (KeyboardInterrupt, SystemExit)):
            raise problem
        self._report(kind, problem)

    def refuse(self, error: RecordingError) -> None:
        """Raise `error` if strict; count it otherwise."""
        if self.strict:
            raise error
        self._report(type(error).__name__, error)

    def _report(self, kind: str, problem: BaseException) -> None:
        self.problems[kind] += 1
        try:
            if self.problems[kind] == 1:
                # the class only: messages may hold what must not be logged
                _logger.warning("recording failed (%s): %s; further ones are only counted", kind, type(problem).__name__)
            if self._on_problem is not None:
                self._on_problem(kind, problem)
        except Exception:
            self.problems["report"] += 1

    def _scope(self, context: Context) -> ExecutionScope | None:
        scope = scope_in(context)
        return scope if scope is not None and scope.run.recorder in (None, self) else None

    def _under(self, parent: Handle, context: Context) -> tuple[ExecutionScope, Context]:
        scope = parent.scope
        return scope, context if scope_in(context) is scope else entered(parent.span, scope, context)

    def _now(self, started_at_ns: int | None, run: Run) -> tuple[int, int, int]:
        clock = self.clock
        wall_ns = clock.time_ns()
        monotonic_ns = clock.monotonic_ns()
        if started_at_ns is not None:
            return started_at_ns, wall_ns, monotonic_ns
        # a wall clock that was set back does not turn the order of an execution round
        started_ns = run.latest_start_ns = max(wall_ns, run.latest_start_ns)
        return started_ns, wall_ns, monotonic_ns


def new_execution_id(clock: Clock) -> str:
    """Return a UUID of version 7: in the order of time, so that writes land side by side in a store."""
    milliseconds = clock.time_ns() // 1_000_000
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF000 << 64) | (0x7000 << 64)
    number = number & ~(0xC000 << 48) | (0x8000 << 48)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _drop_oldest(kept: dict[str, Any]) -> None:
    try:
        kept.pop(next(iter(kept)), None)
    except (StopIteration, RuntimeError):  # another thread is changing it, and bounds it as well
        return
