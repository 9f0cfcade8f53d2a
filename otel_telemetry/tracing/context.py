"""Where the running code stands: in which execution and in which step of it.

The answer travels in the OpenTelemetry context, so it follows wherever that goes: into asyncio tasks unaided, into
threads and processes by `otel_telemetry.tracing.carriers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Generic, cast

from opentelemetry.context import Context, create_key

from otel_telemetry import semconv
from otel_telemetry.records import ToolCallSource
from otel_telemetry.tracing.steps import StepLedger, StepT
from span_processors.current import SPAN_KEY, current
from span_processors.ids import random_64

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_SCOPE_KEY: Final = create_key("otel_telemetry.scope")


class Run(Generic[StepT]):
    """What all spans of one execution share in this process.

    Attributes:
        recorder: the recorder that started it; None where another process did.
        borrowed: whether it belongs to a trace that came from another process without an execution id. It has no
            execution span, and its id is the trace id in hex.
    """

    __slots__ = ("borrowed", "execution_id", "latest_start_ns", "recorder", "recording", "sequence", "steps")

    def __init__(
        self,
        recorder: object | None,
        execution_id: str,
        sequence: Iterator[int],
        *,
        recording: bool = True,
        borrowed: bool = False,
    ) -> None:
        self.recorder = recorder
        self.execution_id = execution_id
        self.sequence = sequence
        self.recording = recording
        self.borrowed = borrowed
        self.steps: StepLedger[StepT] = StepLedger()
        self.latest_start_ns = 0


class ExecutionScope(Generic[StepT]):
    """A place in an execution: the run, the step (if any), and what a tool call made here would be."""

    __slots__ = ("call_source", "run", "step", "step_id")

    def __init__(
        self,
        run: Run[StepT],
        step_id: str | None = None,
        step: StepT | None = None,
        call_source: ToolCallSource = ToolCallSource.CODE_BLOCK,
    ) -> None:
        self.run = run
        self.step_id = step_id
        self.step = step
        self.call_source = call_source


def numbers_apart() -> Iterator[int]:
    """Return sequence numbers for a part of an execution: from a random base, so that no other part uses them."""
    return count(random_64() >> 34 << 32)


def borrowed_run(recorder: object | None, trace_id: int) -> Run[Any]:
    """Return the run of what is recorded in a trace that came from another process without an execution id."""
    return Run(recorder, f"{trace_id:032x}", numbers_apart(), borrowed=True)


def scope_in(context: Context) -> ExecutionScope[Any] | None:
    """Return the scope that `context` carries."""
    return cast("ExecutionScope[Any] | None", context.get(_SCOPE_KEY))


def span_in(context: Context) -> object:
    """Return the span that `context` carries."""
    return context.get(SPAN_KEY)


def current_scope() -> ExecutionScope[Any] | None:
    """Return the scope of the running code."""
    return scope_in(current())


def entered(span: Span, scope: ExecutionScope[Any] | None, context: Context) -> Context:
    """Return `context` with `span` and `scope` as its current ones."""
    return Context({**context, SPAN_KEY: span, _SCOPE_KEY: scope})


def scoped(scope: ExecutionScope[Any], context: Context) -> Context:
    """Return `context` with `scope` as its current one."""
    return Context({**context, _SCOPE_KEY: scope})


def inherit(context: Context | None) -> Mapping[str, str | int] | None:
    """Return what a span that others start in `context` inherits from the execution around it.

    Args:
        context: The parent context that the span processor was given; None is the current one.

    Returns:
        The execution's id and the span's place in its order; None outside any recorded execution, and in a borrowed
        run, whose id is the trace id that the span has anyway.
    """
    scope = scope_in(current() if context is None else context)
    if scope is None or not scope.run.recording or scope.run.borrowed:
        return None
    return {semconv.EXECUTION_ID: scope.run.execution_id, semconv.SEQUENCE: next(scope.run.sequence)}
