"""The telemetry store by ids alone, for engines that start a thing in one place and end it in another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

from otel_telemetry.errors import InvalidFilterError, RecordingError, unknown
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionStatus,
    ExecutionType,
    StepStatus,
    StepType,
    ToolCallSource,
)

if TYPE_CHECKING:
    from typing import Unpack

    from otel_telemetry.formats import Source, Target
    from otel_telemetry.query import OrderBy
    from otel_telemetry.reader import Filters, Page, Reader, Stats, StatsBy
    from otel_telemetry.records import ExecutionRecord, ExecutionSummary
    from otel_telemetry.tracing import Recorder

Error: TypeAlias = BaseException | ErrorRecord | str
Time: TypeAlias = int | datetime

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
READ_YOUR_WRITES_S: Final = 5.0
"""How long a question waits, at most, for what this process recorded before it was asked."""


class TelemetryStore:
    """Record by ids, and ask about everything that is stored.

    The recording methods never raise into the engine that calls them: a call that contradicts what was recorded (an
    unknown step, an execution ended twice) is counted and logged; with ``strict=True`` it raises a `RecordingError`.
    They mix freely with decorators and context managers: an id is an id, whoever started it in this process.

    The asking methods see whatever this process recorded before, and raise a `TelemetryError` that says what to do.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        open_reader: Callable[[], Reader],
        flush: Callable[[float], bool],
        import_source: Callable[[Source], int],
        delete: Callable[[Sequence[str]], int],
    ) -> None:
        self._recorder = recorder
        self._open_reader = open_reader
        self._flush = flush
        self._import_source = import_source
        self._delete = delete

    # recording

    def start_execution(
        self,
        *,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
        type: ExecutionType | str = ExecutionType.WORKFLOW,  # noqa: A002  (the record's field)
        inputs: object = None,
        caller_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        execution_id: str | None = None,
        status: ExecutionStatus | str = ExecutionStatus.RUNNING,
    ) -> str:
        """Start an execution.

        Args:
            workflow_name: the workflow.
            workflow_version: its version.
            type: WORKFLOW, or DIRECT for one tool call without a workflow.
            inputs: what it is given.
            caller_id: who asked for it.
            metadata: keys and values to find it by.
            execution_id: its id, if the engine has one; otherwise a UUID of version 7 is made up.
            status: RUNNING, or PENDING for one that is only planned; starting the same id again says that it runs now.

        Returns:
            The execution's id.
        """
        with self._recording():
            handle = self._recorder.start_execution(
                workflow_name,
                workflow_version=workflow_version,
                type=_member(ExecutionType, type),
                inputs=inputs,
                caller_id=caller_id,
                metadata=metadata,
                execution_id=execution_id,
                status=_member(ExecutionStatus, status),
            )
            return handle.execution_id
        return execution_id or ""

    def complete_execution(self, execution_id: str, outputs: object = None) -> None:
        """End an execution as a success, with what it returned."""
        with self._recording():
            self._recorder.open_execution(execution_id).complete(outputs)

    def fail_execution(self, execution_id: str, error: Error) -> None:
        """End an execution as a failure, with its exception, an `ErrorRecord`, or words."""
        with self._recording():
            self._recorder.open_execution(execution_id).fail(error)

    def cancel_execution(self, execution_id: str, reason: str | None = None) -> None:
        """End an execution because it was stopped."""
        with self._recording():
            self._recorder.open_execution(execution_id).cancel(reason)

    def start_step(
        self,
        execution_id: str,
        step_id: str,
        *,
        step_type: StepType | str = StepType.CODE,
        tool_name: str | None = None,
        tool_params: object = None,
        code: str | Callable[..., Any] | None = None,
        attempt: int = 1,
        status: StepStatus | str = StepStatus.RUNNING,
    ) -> None:
        """Start a step of an open execution; starting a step that has ended again is its next attempt.

        Args:
            execution_id: the execution.
            step_id: the step's id, unique in the execution but for its attempts.
            step_type: whether it calls one tool or runs code.
            tool_name: the tool that a step of type TOOL calls.
            tool_params: what the step is given.
            code: the function or source text that it runs, for its `code_hash`.
            attempt: 1, or more for a retry, where the engine counts them itself.
            status: RUNNING, or PENDING for one that is only planned; starting the same id again says that it runs now.
        """
        with self._recording():
            execution = self._recorder.open_execution(execution_id)
            step_id = self._recorder.clean(step_id)
            planned = execution.scope.run.steps.open.get(step_id)
            if planned is not None and planned.is_pending:
                planned.start()
                return
            execution.step(
                step_id,
                step_id=step_id,
                step_type=_member(StepType, step_type),
                tool_name=tool_name,
                params=tool_params,
                code=code,
                attempt=attempt,
                status=_member(StepStatus, status),
            )

    def complete_step(self, execution_id: str, step_id: str, result: object = None) -> None:
        """End a step as a success, with what it returned."""
        with self._recording():
            self._recorder.open_step(execution_id, step_id).complete(result)

    def fail_step(self, execution_id: str, step_id: str, error: Error) -> None:
        """End a step as a failure, with its exception, an `ErrorRecord`, or words."""
        with self._recording():
            self._recorder.open_step(execution_id, step_id).fail(error)

    def skip_step(self, execution_id: str, step_id: str, reason: str) -> None:
        """Say that a step is not needed, and why. It may have been started, planned, or never heard of before."""
        with self._recording():
            execution = self._recorder.open_execution(execution_id)
            step_id = self._recorder.clean(step_id)
            if not execution.scope.run.steps.knows(step_id):
                execution.step(step_id, step_id=step_id, status=StepStatus.PENDING)
            self._recorder.open_step(execution_id, step_id).skip(reason)

    def record_tool_call(
        self,
        execution_id: str | None = None,
        *,
        tool_name: str,
        step_id: str | None = None,
        params: object = None,
        result: object = None,
        error: Error | None = None,
        source: ToolCallSource | str = ToolCallSource.TOOL_STEP,
        started_at: Time | None = None,
        completed_at: Time | None = None,
        call_id: str | None = None,
    ) -> str:
        """Record a tool call that has been made.

        Args:
            execution_id: the execution; None for a call outside any, which is an execution of type DIRECT.
            tool_name: the tool.
            step_id: the step that made the call, if it was made in one.
            params: what the tool was given.
            result: what it returned.
            error: why it failed, if it did.
            source: TOOL_STEP for the call that a step of type TOOL is, CODE_BLOCK for one made by code.
            started_at: when it started, a datetime (UTC if naive) or nanoseconds since the epoch; by default when it
                ended.
            completed_at: when it ended; by default now.
            call_id: its id; made up if not given.

        Returns:
            The call's id.
        """
        ended_ns = _nanoseconds(completed_at)
        started_ns = _nanoseconds(started_at)
        if started_ns is None:
            started_ns = ended_ns if ended_ns is not None else time.time_ns()
        with self._recording():
            origin: ToolCallSource = _member(ToolCallSource, source)
            if execution_id is None:
                call = self._recorder.start_tool_call(
                    tool_name, params=params, call_id=call_id, step_id=step_id, source=origin, started_at_ns=started_ns
                )
            else:
                execution = self._recorder.open_execution(execution_id)
                steps = execution.scope.run.steps
                step_id = None if step_id is None else self._recorder.clean(step_id)
                if step_id is not None and not steps.knows(step_id):
                    self._recorder.open_step(execution_id, step_id)  # raises: it was never started
                parent = steps.open.get(step_id, execution) if step_id is not None else execution
                call = parent.tool_call(
                    tool_name, params=params, call_id=call_id, step_id=step_id, source=origin, started_at_ns=started_ns
                )
            if error is not None:
                call.result = result
                call.fail(error, completed_at_ns=ended_ns)
            else:
                call.complete(result, completed_at_ns=ended_ns)
            return call.call_id
        return call_id or ""

    @contextmanager
    def _recording(self) -> Iterator[None]:
        try:
            yield
        except RecordingError as error:
            self._recorder.refuse(error)
        except Exception as error:
            if self._recorder.strict:
                raise
            self._recorder.absorb("call", error)

    # asking

    @property
    def reader(self) -> Reader:
        """The reader of the same store, up to date with what this process has recorded."""
        self._flush(READ_YOUR_WRITES_S)
        return self._open_reader()

    @overload
    def query(
        self,
        *,
        payloads: Literal[True] = True,
        order_by: OrderBy = ...,
        limit: int = ...,
        cursor: str | None = ...,
        **filters: Unpack[Filters],
    ) -> Page[ExecutionRecord]: ...
    @overload
    def query(
        self,
        *,
        payloads: Literal[False],
        order_by: OrderBy = ...,
        limit: int = ...,
        cursor: str | None = ...,
        **filters: Unpack[Filters],
    ) -> Page[ExecutionSummary]: ...
    def query(
        self,
        *,
        payloads: bool = True,
        order_by: OrderBy = "-started_at",
        limit: int = 50,
        cursor: str | None = None,
        **filters: Unpack[Filters],
    ) -> Page[ExecutionRecord] | Page[ExecutionSummary]:
        """Return a page of executions; see `Reader.query`."""
        if payloads:
            return self.reader.query(payloads=True, order_by=order_by, limit=limit, cursor=cursor, **filters)
        return self.reader.query(payloads=False, order_by=order_by, limit=limit, cursor=cursor, **filters)

    def get(self, execution_id: str) -> ExecutionRecord | None:
        """Return one execution with everything nested; None where there is none of this id."""
        return self.reader.get(self._recorder.clean_id(execution_id))

    def count(self, **filters: Unpack[Filters]) -> int:
        """Return how many executions match."""
        return self.reader.count(**filters)

    def iterate(self, **filters: Unpack[Filters]) -> Iterator[ExecutionRecord]:
        """Yield every execution that matches, newest first, in constant memory."""
        return self.reader.iterate(**filters)

    def stats(self, by: StatsBy = "tool", *, exact: bool = False, **filters: Unpack[Filters]) -> list[Stats]:
        """Return counts, failures and durations per tool or step; see `Reader.stats`."""
        return self.reader.stats(by, exact=exact, **filters)

    def export(self, format: str | None, target: Target, **filters: Unpack[Filters]) -> int:  # noqa: A002
        """Write the executions that match to a file, a stream or an endpoint, oldest first.

        Args:
            format: ``json``, ``jsonl``, ``csv``, ``otlp`` or ``otlp-proto``; None: by the target's suffix.
            target: a file's name, a binary stream, or an OTLP endpoint such as ``http://host:4318``.
            filters: which executions; see `Filter`.

        Returns:
            How many executions were written.

        Raises:
            FormatError: an unknown format, or one that cannot be told.
        """
        from otel_telemetry.formats import export_to  # noqa: PLC0415  (few programs that record also export)

        return export_to(format, target, self.reader.iterate(order_by="started_at", **filters))

    def delete(self, execution_id: str | None = None, /, **filters: Unpack[Filters]) -> int:
        """Remove executions for good: spans, terms, and their share of the statistics. Late spans of them are refused.

        Args:
            execution_id: one execution.
            filters: instead of it, those that match; see `Filter`. At least one is needed.

        Returns:
            How many there were.

        Raises:
            InvalidFilterError: neither was given, or both.
            StoreError: the store cannot remove anything, or cannot be reached.
        """
        asked = {name: value for name, value in filters.items() if value is not None}
        if (execution_id is None) == (not asked):
            raise InvalidFilterError(
                "delete takes an execution's id, or filters: to remove everything, delete the store"
            )
        if execution_id is not None:
            self._flush(READ_YOUR_WRITES_S)
            return self._delete([self._recorder.clean_id(execution_id)])
        found = self.reader.iterate(payloads=False, **filters)
        return self._delete([summary.execution_id for summary in found])

    def import_(self, source: Source) -> int:
        """Read executions that were exported as JSON, JSON lines or OTLP, redact them and store them.

        Importing the same again changes nothing.

        Returns:
            How many spans were read.

        Raises:
            FormatError: the source is damaged, or in no format that can be imported.
        """
        return self._import_source(source)


def _member(enum: Any, value: Any) -> Any:
    try:
        return enum(value.lower() if type(value) is str else value)
    except ValueError:
        raise ValueError(unknown(enum.__name__, value, [member.value for member in enum])) from None


def _nanoseconds(moment: Time | None) -> int | None:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # in whole microseconds: a float of seconds would be off by up to 100 ns
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
