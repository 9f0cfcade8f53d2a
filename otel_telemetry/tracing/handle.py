"""What the handles of executions, steps and tool calls share: a span, its times, the one moment at which it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from opentelemetry.trace import INVALID_SPAN, Span, Status, StatusCode

from otel_telemetry import semconv
from otel_telemetry.errors import AlreadyEndedError
from otel_telemetry.records import ErrorRecord
from otel_telemetry.tracing.clock import CLOCK_STEP_THRESHOLD_NS
from otel_telemetry.tracing.context import ExecutionScope, entered
from otel_telemetry.tracing.failures import error_text, is_cancellation
from span_processors.current import current, enter, leave
from span_processors.data import CleanAttributes

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from otel_telemetry.tracing.given import Integer, Text
    from otel_telemetry.tracing.services import Services

CANCELLED: Final = "cancelled"
CLOSED: Final = "closed"
ABANDONED: Final = "abandoned"
_NEVER_ENDED: Final = ErrorRecord(code=ABANDONED, category="defect", message="it was started and never ended")

Attributes = CleanAttributes
Error = BaseException | ErrorRecord | str


class Handle:
    """An open execution, step or tool call. It has started when you hold it.

    Three ways to use it, which mix: as a context manager (``with`` or ``async with``), where what is recorded inside
    belongs to it and it ends with the block; detached, ended by `complete`, `fail` or `cancel` later, elsewhere, in
    another thread; and as the source of its children. Where it is not sampled, or the recorder is off, every method
    does nothing.

    Attributes:
        span: the OpenTelemetry span. What is set on it directly, other span processors see as it is.
        scope: the place where it started; for an execution or a step, the place inside it.
        recorder: the recorder that started it.
        result: what it returned, as it was set.
        ends_by_itself: whether a block, a function or a generator will end it.
    """

    __slots__ = (
        "_attributes",
        "_late",
        "_life",
        "_monotonic_ns",
        "_owner",
        "_problems",
        "_started_ns",
        "_token",
        "_wall_ns",
        "ends_by_itself",
        "recorder",
        "result",
        "scope",
        "span",
    )

    _RESULT_KEY: ClassVar[str]

    def __init__(  # noqa: PLR0917  (one is made for every span, and keywords cost)
        self,
        recorder: Services,
        span: Span,
        scope: ExecutionScope[Any],
        attributes: Attributes,
        times: tuple[int, int, int],
        owner: Handle | None = None,
    ) -> None:
        """Hold what has started.

        Args:
            recorder: the recorder that starts it.
            span: its span; `INVALID_SPAN` where nothing is recorded.
            scope: the place where it starts; for an execution or a step, the place inside it.
            attributes: those that the span started with.
            times: when it started, and what the wall clock and the monotonic one said then: `Services.times`.
            owner: the execution that was started for its sake, and ends with it.
        """
        self.recorder = recorder
        self.span = span
        self.scope = scope
        self._attributes = attributes
        self._started_ns, self._wall_ns, self._monotonic_ns = times
        self._owner = owner
        self._problems: tuple[str, ...] = self._attributes.get(semconv.PROBLEMS, ())
        self._late = CleanAttributes()
        self.result: object = None
        self._token: Token[Context] | None = None
        self.ends_by_itself = False
        self._life: list[None] = [None]  # taken out at the end: of two threads that end it, one succeeds

    def __del__(self) -> None:
        if getattr(self, "_life", None):
            self.abandon()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.execution_id}, {'open' if self.is_open else 'ended'}>"

    @property
    def execution_id(self) -> str:
        """The id of the execution."""
        return self.scope.run.execution_id

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return bool(self._life)

    @property
    def is_recording(self) -> bool:
        """Whether anything is recorded at all: it is sampled, and telemetry is on."""
        return self.scope.run.recording

    def set_attribute(self, key: Text, value: object) -> None:
        """Set an attribute of your own, redacted first.

        Args:
            key: its name; names that start with ``otel_telemetry.`` are this package's.
            value: anything that JSON can say.
        """
        if not self.is_open:
            self._refuse_end()
        elif self.is_recording:
            self.recorder.guarded(self._set_attribute, key, value)

    def _set_attribute(self, key: Text, value: object) -> None:
        self.span.set_attributes(self.recorder.attributes({key: value}))

    def complete(self, result: object = None, *, completed_at_ns: Integer | None = None) -> None:
        """End it as a success.

        Args:
            result: what it returned, if that was not set before.
            completed_at_ns: when it ended, in nanoseconds since the epoch, UTC; now if not given.
        """
        if result is not None:
            self.result = result
        self._end(completed_at_ns=completed_at_ns)

    def fail(self, error: Error, *, completed_at_ns: Integer | None = None) -> None:
        """End it as a failure.

        Args:
            error: the exception, an `ErrorRecord`, or words.
            completed_at_ns: when it ended, in nanoseconds since the epoch, UTC; now if not given.
        """
        self._end(error, CANCELLED if is_cancellation(error) else None, completed_at_ns)

    def cancel(self, reason: Text | None = None) -> None:
        """End it because it was stopped.

        Args:
            reason: why, in words.
        """
        self._end(ErrorRecord(code=CANCELLED, category=CANCELLED, message=reason or "cancelled"), CANCELLED)

    def abandon(self) -> None:
        """End it as a failure because nobody is left who could end it."""
        self._end(_NEVER_ENDED, ABANDONED)

    def __enter__(self) -> Self:
        self.ends_by_itself = True
        if self.span is not INVALID_SPAN:
            self._token = enter(self.context())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(error)

    def context(self) -> Context:
        """Return the current context with this handle's span and scope in it: what its own code runs in."""
        here = current()
        return here if self.span is INVALID_SPAN else entered(self.span, self._inner_scope(), here)

    def leave(self, error: BaseException | None, result: object = None, outcome: str | None = None) -> None:
        """Undo `__enter__`, and end it as `error` or else `result` demands, if it has not ended before.

        Args:
            error: the exception that leaves it.
            result: what it returned, if that was not set before.
            outcome: how it ended, where that was neither an exception nor a plain return.
        """
        token, self._token = self._token, None
        if token is not None:
            leave(token)
        if not self._life:
            return
        if error is None:
            if result is not None:
                self.result = result
            self._end(None, outcome)
        elif isinstance(error, GeneratorExit):
            self._end(None, CLOSED)
        else:
            self._end(error, CANCELLED if is_cancellation(error) else None)

    def elapsed_ns(self) -> int:
        """Return for how long it has been open, in nanoseconds."""
        return self.recorder.clock.monotonic_ns() - self._monotonic_ns

    def add_late(self, attributes: Mapping[str, Any], problems: Iterable[str] = ()) -> None:
        """Keep clean attributes for the end, and words on what could not be recorded as it was given."""
        self._late.update(attributes)
        self._problems += tuple(problems)

    def _end(self, error: Error | None = None, outcome: str | None = None, completed_at_ns: int | None = None) -> None:
        try:
            self._life.pop()
        except IndexError:
            self._refuse_end()
            return
        ended_ns = completed_at_ns
        try:
            if self.scope.run.recording:
                ended_ns = self._ended_at(completed_at_ns)
                error = self._write_end(error, outcome, ended_ns)
        except BaseException as problem:
            self.recorder.absorb("end", problem)
        finally:
            try:
                self.span.end(ended_ns)
                self._after_end(error, outcome, ended_ns)
            except BaseException as problem:
                self.recorder.absorb("end", problem)

    def _write_end(self, error: Error | None, outcome: str | None, ended_ns: int) -> ErrorRecord | None:
        """Set what is known at the end; return the record of `error`."""
        attributes, at_start, span = self._late, self._attributes, self.span
        record: ErrorRecord | None = None
        if error is not None:
            step_id, tool_name = at_start.get(semconv.STEP_ID), at_start.get(semconv.TOOL_NAME)
            record, error_type = self.recorder.failures.note(
                error, span, ended_ns, step_id=step_id, tool_name=tool_name
            )
            attributes[semconv.ERROR_TYPE] = self.recorder.clean(error_type)
            attributes[semconv.ERROR] = error_text(record)
            span.set_status(Status(StatusCode.ERROR, record.message))
        if outcome is not None:
            attributes[semconv.OUTCOME] = outcome
        if self.result is not None:
            attributes[self._RESULT_KEY], notes = self.recorder.payload(self.result, "output")
            if notes:
                self._problems += self.recorder.remarks("result", notes)
        self._conclude(attributes, record, outcome)
        if self._problems:
            attributes[semconv.PROBLEMS] = self._problems
        if getattr(span, "dropped_attributes", 0):
            # the host set more than the SDK keeps, and the oldest, which are ours, had to go
            attributes = CleanAttributes({**at_start, **attributes})
        if attributes:
            span.set_attributes(attributes)
        return record

    def _refuse_end(self) -> None:
        self.recorder.refuse(AlreadyEndedError(f"{self!r}: this handle has ended, start another one"))

    def _ended_at(self, completed_at_ns: int | None) -> int:
        if completed_at_ns is not None:
            return max(completed_at_ns, self._started_ns)
        clock = self.recorder.clock
        took_ns = clock.monotonic_ns() - self._monotonic_ns
        stepped_ns = clock.time_ns() - self._wall_ns - took_ns
        if not -CLOCK_STEP_THRESHOLD_NS < stepped_ns < CLOCK_STEP_THRESHOLD_NS:
            self._late[semconv.CLOCK_STEP_MS] = stepped_ns / 1e6
        return self._started_ns + took_ns

    def _inner_scope(self) -> ExecutionScope[Any]:
        return self.scope

    def _conclude(self, attributes: Attributes, error: ErrorRecord | None, outcome: str | None) -> None:
        """Add what this kind of span says at its end."""

    def _after_end(self, error: Error | None, outcome: str | None, ended_ns: int | None) -> None:
        """Let go of what was kept while it was open."""
        if self._owner is not None:
            self._owner._end(error, outcome, ended_ns)  # noqa: SLF001  (a handle too)
