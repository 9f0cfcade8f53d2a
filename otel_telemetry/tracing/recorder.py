"""The recorder: starts executions, steps and tool calls, and never harms the program that it records."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import INVALID_SPAN, NoOpTracer, Span, TracerProvider

from otel_telemetry import semconv
from otel_telemetry.error_registry import ErrorRegistry
from otel_telemetry.errors import DuplicateExecutionError
from otel_telemetry.fields import EXECUTION_TEXTS
from otel_telemetry.records import ExecutionStatus, ExecutionType, StepStatus, StepType, ToolCallSource
from otel_telemetry.rows.hashing import call_hash
from otel_telemetry.tracing.clock import Clock
from otel_telemetry.tracing.context import ExecutionScope, Run, borrowed_run, entered, scope_in, span_in
from otel_telemetry.tracing.handles import ExecutionHandle, Starter, StepHandle, ToolCallHandle
from otel_telemetry.tracing.hashing import code_hash
from otel_telemetry.tracing.ids import new_execution_id
from otel_telemetry.tracing.names import as_text
from otel_telemetry.tracing.open_executions import OpenExecutions
from span_processors.current import current, entry_at
from span_processors.data import CleanAttributes
from span_processors.guard import own_work
from span_processors.redaction import Redactor

if TYPE_CHECKING:
    from typing import Unpack

    from opentelemetry.context import Context

    from otel_telemetry.fields import ExecutionTexts
    from otel_telemetry.tracing.given import Integer, Text
    from otel_telemetry.tracing.handle import Handle

MAX_OPEN = 100_000
"""How many open executions are found by their ids."""
# an enum's members are slow to get at in Python 3.11, and these are asked for at every span
_WORKFLOW, _DIRECT = ExecutionType.WORKFLOW, ExecutionType.DIRECT
_CODE_BLOCK, _TOOL_STEP = ToolCallSource.CODE_BLOCK, ToolCallSource.TOOL_STEP
_CODE = StepType.CODE
_TEXTS = frozenset(name for _, name in EXECUTION_TEXTS)
_ID_CHANGED = "execution_id: cannot be stored as it is, its beginning and a digest stand for it"


class Recorder(Starter):
    """Records executions, steps and tool calls as spans of one tracer. Usable from any thread.

    Nothing that goes wrong inside reaches the host: it is counted in `problems` by kind, logged once a kind, and handed
    to `on_problem`. Only with `strict` do calls that contradict what was recorded raise a `RecordingError`.

    Args:
        tracer_provider: whose tracer makes the spans; without one nothing is recorded.
        redactor: cleans every payload and name before it becomes an attribute; by default one with default settings.
        errors: which exception means which error code; by default the built-in ones.
        clock: the wall clock and the monotonic one.
        strict: raise on calls that contradict what was recorded.
        sample_items: how many of a generator's first items are kept.
        on_change: called with a span whose attributes changed while it is open, so that stores can be told.
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
        on_change: Callable[[Span], None] | None = None,
        on_problem: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        super().__init__(
            redactor=redactor or Redactor(),
            errors=errors or ErrorRegistry(),
            clock=clock or Clock(),
            strict=strict,
            sample_items=sample_items,
            on_problem=on_problem,
        )
        tracer = None if tracer_provider is None else tracer_provider.get_tracer(semconv.SCOPE_NAME)
        self._tracer = None if isinstance(tracer, NoOpTracer) else tracer
        self._on_change = on_change
        self._open = OpenExecutions(MAX_OPEN)

    # starting

    def start_execution(
        self,
        workflow_name: Text | None = None,
        *,
        type: ExecutionType = ExecutionType.WORKFLOW,  # noqa: A002  (the record's field)
        inputs: object = None,
        metadata: object = None,
        execution_id: Text | None = None,
        status: ExecutionStatus = ExecutionStatus.RUNNING,
        function: Text | None = None,
        started_at_ns: Integer | None = None,
        **texts: Unpack[ExecutionTexts],
    ) -> ExecutionHandle:
        """Start an execution; inside another one it is that one's child.

        Args:
            workflow_name: the workflow.
            type: WORKFLOW, or DIRECT for one tool call without a workflow.
            inputs: what it is given.
            metadata: keys and values to find it by.
            execution_id: its id; made up (a UUID of version 7) if not given.
            status: RUNNING, or PENDING for one that is only planned; starting the same id again says that it runs now.
            function: the qualified name of the function that it is.
            started_at_ns: when it started, in nanoseconds since the epoch, UTC; now if not given.
            texts: what else is said of it (`fields.ExecutionTexts`).

        Returns:
            The execution, started. Where `execution_id` is open already, that one.

        Raises:
            DuplicateExecutionError: `execution_id` was used already, and the recorder is strict.
        """
        if not _TEXTS.issuperset(texts):
            raise TypeError(f"start_execution takes no {min(texts.keys() - _TEXTS)}=")
        given = execution_id
        execution_id = new_execution_id(self.clock.time_ns()) if given is None else self.clean_id(given)
        if (known := self._known(execution_id)) is not None:
            return known
        tracer, context = self._tracer, current()
        around = self._scope(context)
        run: Run[StepHandle] = Run(self, execution_id, count())
        run.recording = tracer is not None and (around is None or around.run.recording)
        times = self.times(started_at_ns, run)
        attributes = CleanAttributes()
        span: Span = INVALID_SPAN
        try:
            if run.recording and tracer is not None:
                attributes = CleanAttributes(
                    {
                        semconv.KIND: "execution",
                        semconv.EXECUTION_ID: execution_id,
                        semconv.SEQUENCE: next(run.sequence),
                        semconv.STATUS: status.value,
                        semconv.OPERATION_NAME: semconv.SpanName.EXECUTION,
                        semconv.EXECUTION_TYPE: type.value,
                    }
                )
                if given is not None and execution_id != as_text(given):
                    attributes[semconv.PROBLEMS] = (_ID_CHANGED,)
                self.put_text(attributes, semconv.WORKFLOW_NAME, workflow_name)
                for key, field in EXECUTION_TEXTS:
                    text: Any = texts.get(field)
                    self.put_text(attributes, key, text)
                self.put_text(attributes, semconv.CODE_FUNCTION, function)
                if around is not None:
                    attributes[semconv.PARENT_EXECUTION_ID] = self._id_of(around.run)
                name = " ".join((semconv.SpanName.EXECUTION, attributes.get(semconv.WORKFLOW_NAME, ""))).rstrip()
                span = tracer.start_span(name, context, attributes=attributes, start_time=times[0])
                run.recording = span.is_recording()
                if run.recording and not (inputs is None and metadata is None):
                    # after the sampler's verdict: what is not sampled is not redacted either
                    late = CleanAttributes({key: attributes[key] for key in (semconv.PROBLEMS,) if key in attributes})
                    self.put_payload(late, semconv.INPUTS, inputs, "inputs")
                    self.put_payload(late, semconv.METADATA, metadata, "metadata")
                    span.set_attributes(late)
                    attributes.update(late)
        except BaseException as problem:
            run.recording = span.is_recording()
            self.absorb("start", problem)
        handle = ExecutionHandle(self, span, ExecutionScope(run), attributes, times)
        if self._open.add(handle):
            self.problems["too_many_open"] += 1
        return handle

    def _known(self, execution_id: str) -> ExecutionHandle | None:
        if not self._open.knows(execution_id):
            return None
        known = self._open.find(execution_id)
        if known is None or not known.is_pending:
            self.refuse(DuplicateExecutionError(f"execution {execution_id!r} exists already: give each its own id"))
        if known is not None:
            known.start()
        return known

    def start_step(
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
        function: Text | None = None,
        parent: Handle | None = None,
    ) -> StepHandle:
        """Start a step, in `parent` or else where the code stands.

        Outside any execution one is started around it, a workflow of the step's name that ends when the step ends. Not
        so below a parent in another process: there the step belongs to the trace, and its execution id is the trace id.
        Where `step_id` is planned (PENDING), that step is started. The other arguments are those of
        `ExecutionHandle.step`.
        """
        tracer, name = self._tracer, self.clean(name)
        context, around, owner = self._place(parent, name, _WORKFLOW)
        run = around.run
        step_id = None if step_id is None else self.clean(step_id)
        if step_id is not None and (planned := run.steps.open.get(step_id)) is not None and planned.is_pending:
            planned.start()
            return planned
        times = self.times(None, run)
        attributes = CleanAttributes()
        span: Span = INVALID_SPAN
        number = 1
        try:
            step_id, number = run.steps.admit(name, step_id, attempt)
            if run.recording and tracer is not None:
                attributes = CleanAttributes(
                    {
                        semconv.KIND: "step",
                        semconv.EXECUTION_ID: self._id_of(run),
                        semconv.SEQUENCE: next(run.sequence),
                        semconv.STATUS: status._value_,
                        semconv.STEP_ID: step_id,
                        semconv.STEP_TYPE: step_type._value_,
                        semconv.ATTEMPT: number,
                    }
                )
                self.put_text(attributes, semconv.TOOL_NAME, tool_name)
                self.put_text(attributes, semconv.CODE_FUNCTION, function)
                if code is not None and (digest := code_hash(code)) is not None:
                    attributes[semconv.CODE_HASH] = digest
                if not run.borrowed:
                    self.put_payload(attributes, semconv.STEP_PARAMS, params, "params")
                span = tracer.start_span(
                    f"{semconv.SpanName.STEP} {name}",
                    context,
                    attributes=attributes,
                    start_time=times[0],
                )
                if run.borrowed and (run := self._after_verdict(run, span)).recording:
                    self._put_late(span, attributes, semconv.STEP_PARAMS, params)
        except BaseException as problem:
            self.absorb("start", problem)
        step_id = step_id or name
        source = _CODE_BLOCK if step_type is _CODE else _TOOL_STEP
        scope = ExecutionScope(run, step_id, call_source=source)
        handle = run.steps.open[step_id] = StepHandle(self, span, scope, attributes, times, owner, name, number)
        return handle

    def start_tool_call(
        self,
        tool_name: Text,
        *,
        params: object = None,
        call_id: Text | None = None,
        step_id: Text | None = None,
        source: ToolCallSource | None = None,
        started_at_ns: Integer | None = None,
        function: Text | None = None,
        parent: Handle | None = None,
    ) -> ToolCallHandle:
        """Start a tool call, in `parent` or else where the code stands.

        Outside any execution one of type DIRECT is started around it, which ends when the call ends. Not so below a
        parent in another process: there the call belongs to the trace, and its execution id is the trace id. The other
        arguments are those of `ExecutionHandle.tool_call`.
        """
        tracer = self._tracer
        context, scope, owner = self._place(parent, tool_name, _DIRECT, started_at_ns)
        if step_id is not None and (step_id := self.clean(step_id)) != scope.step_id:
            scope = ExecutionScope(scope.run, step_id)
        run = scope.run
        times = self.times(started_at_ns, run)
        attributes = CleanAttributes()
        span: Span = INVALID_SPAN
        try:
            if run.recording and tracer is not None:
                tool_name = self.clean(tool_name)
                attributes = CleanAttributes(
                    {
                        semconv.KIND: "tool_call",
                        semconv.EXECUTION_ID: self._id_of(run),
                        semconv.SEQUENCE: next(run.sequence),
                        semconv.OPERATION_NAME: semconv.SpanName.TOOL_CALL,
                        semconv.TOOL_NAME: tool_name,
                        semconv.TOOL_SOURCE: (source or scope.call_source)._value_,
                    }
                )
                if scope.step_id is not None:
                    attributes[semconv.STEP_ID] = scope.step_id if run.recorder is self else self.clean(scope.step_id)
                self.put_text(attributes, semconv.TOOL_CALL_ID, call_id)
                self.put_text(attributes, semconv.CODE_FUNCTION, function)
                if not run.borrowed:
                    self.put_payload(attributes, semconv.TOOL_PARAMS, params, "params")
                    attributes[semconv.CALL_HASH] = call_hash(tool_name, attributes.get(semconv.TOOL_PARAMS, ""))
                span = tracer.start_span(
                    f"{semconv.SpanName.TOOL_CALL} {tool_name}", context, attributes=attributes, start_time=times[0]
                )
                if run.borrowed and (run := self._after_verdict(run, span)).recording:
                    self._put_late(span, attributes, semconv.TOOL_PARAMS, params)
        except BaseException as problem:
            self.absorb("start", problem)
        if run is not scope.run:
            scope = ExecutionScope(run, scope.step_id)
        return ToolCallHandle(self, span, scope, attributes, times, owner)

    def wants(self, context: Context) -> bool:
        """Whether what starts in `context` is recorded, as far as that is known before it starts."""
        if own_work.active:  # a callback of the redaction, or a logging handler that reports on us, calls it
            return False
        scope = self._scope(context)
        return self._tracer is not None if scope is None else scope.run.recording

    # finding

    def open_execution(self, execution_id: Text) -> ExecutionHandle:
        """Return the open execution of this id.

        Raises:
            AlreadyEndedError: it has ended.
            UnknownExecutionError: it was not started here, or so long ago that it was let go.
        """
        return self._open.execution(self._open_id(execution_id))

    def open_step(self, execution_id: Text, step_id: Text) -> StepHandle:
        """Return the open step of this id.

        Raises:
            AlreadyEndedError: it, or its execution, has ended.
            UnknownStepError: it was not started.
            UnknownExecutionError: its execution was not started here, or so long ago that it was let go.
        """
        return self._open.step(self._open_id(execution_id), self.clean(step_id))

    def _open_id(self, execution_id: Text) -> str:
        text = as_text(execution_id)
        return text if self._open.knows(text) else self.clean_id(text)

    def current_execution(self) -> ExecutionHandle | None:
        """Return the execution that the running code is part of, if it was started in this process."""
        scope = self._scope(current())
        return None if scope is None else self._open.find(scope.run.execution_id)

    def current_step(self) -> StepHandle | None:
        """Return the step that the running code is part of, if it was started in this process."""
        scope = self._scope(current())
        return None if scope is None else scope.step

    # for the handles

    def forget(self, handle: ExecutionHandle) -> None:
        """Let go of an execution that has ended."""
        self._open.remove(handle)

    def announce(self, span: Span) -> None:
        """Say that an open span's attributes have changed."""
        if self._on_change is not None:
            self._on_change(span)

    def _id_of(self, run: Run[StepHandle]) -> str:
        # one that another process sent was not looked at yet; a trace id stays as it is
        return run.execution_id if run.recorder is self or run.borrowed else self.clean_id(run.execution_id)

    def _scope(self, context: Context) -> ExecutionScope[StepHandle] | None:
        scope = scope_in(context)
        return scope if scope is None or scope.run.recorder is self or scope.run.recorder is None else None

    def _place(
        self, parent: Handle | None, name: Text, around_it: ExecutionType, started_at_ns: Integer | None = None
    ) -> tuple[Context, ExecutionScope[StepHandle], ExecutionHandle | None]:
        """Return the parent context and the scope of what starts, and the execution that is started for its sake."""
        context = current()
        owner = None
        if parent is None:
            scope = self._scope(context)
            if scope is not None:
                return context, scope, None
            scope = self._borrowed(context)
            if scope is not None:
                return context, scope, None
            parent = owner = self.start_execution(name, type=around_it, started_at_ns=started_at_ns)
        scope = parent.scope
        if parent.span is not INVALID_SPAN and scope_in(context) is not scope:
            context = entered(parent.span, scope, context)
        return context, scope, owner

    def _borrowed(self, context: Context) -> ExecutionScope[StepHandle] | None:
        """Return the scope of a trace that came from another process; None where no execution is to be borrowed.

        It is kept on the entry of the trace, so that all steps below one entry share their sequence and their ids.
        """
        if self._tracer is None:
            return None
        try:
            span = span_in(context)
            entry = entry_at(span)
            if entry is None or not isinstance(span, Span):
                return None
            scope: ExecutionScope[StepHandle] | None = entry.kept.get(self)
            if scope is None:
                run: Run[StepHandle] = borrowed_run(self, span.get_span_context().trace_id)
                scope = entry.kept.setdefault(self, ExecutionScope(run))
        except BaseException as problem:
            self.absorb("start", problem)
            return None
        return scope

    def _after_verdict(self, run: Run[StepHandle], span: Span) -> Run[StepHandle]:
        """Return the borrowed run, or one that records nothing where the sampler did not want the span.

        No execution span asked the sampler before, so each step and call of a borrowed run asks for itself.
        """
        return run if span.is_recording() else Run(self, run.execution_id, count(), recording=False)

    def _put_late(self, span: Span, attributes: CleanAttributes, key: str, params: object) -> None:
        """Set what a step or call is given, once its span is sampled: what is not sampled is not redacted either."""
        late = CleanAttributes()
        self.put_payload(late, key, params, "params")
        if key == semconv.TOOL_PARAMS:
            late[semconv.CALL_HASH] = call_hash(attributes[semconv.TOOL_NAME], late.get(key, ""))
        if late:
            span.set_attributes(late)
            attributes.update(late)
