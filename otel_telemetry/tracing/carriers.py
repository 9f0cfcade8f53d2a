"""Taking the place in an execution along: into threads, executors and other processes.

pool.submit(wrap(charge), order)             # threads, and processes as well
requests.get(url, headers=inject())          # out of one process ...
with attach(request.headers): ...            # ... into another
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import Token
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar
from urllib.parse import quote, unquote

from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_telemetry.rows import MAX_TEXT
from otel_telemetry.tracing.context import ExecutionScope, Run, borrowed_run, numbers_apart, scope_in, scoped
from span_processors.current import current, enter, leave

if TYPE_CHECKING:
    from opentelemetry.context import Context

P = ParamSpec("P")
R = TypeVar("R")

EXECUTION_HEADER: Final = "otel-telemetry-execution-id"
STEP_HEADER: Final = "otel-telemetry-step-id"
_MAX_QUOTED: Final = 12 * MAX_TEXT
"""Characters of an id in a header: each one may take four bytes, and each byte three characters."""
_traceparent: Final = TraceContextTextMapPropagator()


def inject(carrier: MutableMapping[str, str] | None = None) -> MutableMapping[str, str]:
    """Write the place of the running code into headers: W3C ``traceparent``, execution id and step id. Never baggage.

    In a trace that came from another process without an execution id, none is written: ``traceparent`` says it all.

    Args:
        carrier: the headers to add to; new ones if not given.

    Returns:
        The headers.
    """
    headers: MutableMapping[str, str] = {} if carrier is None else carrier
    context = current()
    _traceparent.inject(headers, context)
    scope = scope_in(context)
    if scope is not None and scope.run.recording:
        if not scope.run.borrowed:
            headers[EXECUTION_HEADER] = quote(scope.run.execution_id, safe="", errors="replace")
        if scope.step_id is not None:
            headers[STEP_HEADER] = quote(scope.step_id, safe="", errors="replace")
    return headers


class attach:  # noqa: N801  (a context manager, called like a function)
    """Record what happens in the block as part of the execution and step that the headers name.

    Usable in any process, with ``with`` or ``async with``. Headers that name nothing, or nonsense, change nothing.

    Args:
        carrier: what `inject` wrote. Names of headers are compared without regard to case.
    """

    __slots__ = ("_context", "_token")

    def __init__(self, carrier: Mapping[str, str]) -> None:
        self._context = _context_of(carrier)
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = enter(self._context)

    def __exit__(self, *exc_info: object) -> None:
        leave(self._token)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.__exit__()


def _context_of(carrier: Mapping[str, str]) -> Context:
    here = current()
    headers = {key.lower(): value for key, value in carrier.items() if isinstance(key, str) and isinstance(value, str)}
    context = _traceparent.extract(headers, here)
    execution_id, step_id = _id_in(headers, EXECUTION_HEADER), _id_in(headers, STEP_HEADER)
    run: Run[Any]
    if execution_id is not None:
        run = Run(None, execution_id, numbers_apart())
    elif step_id is not None and context is not here:  # the trace stands for the execution
        run = borrowed_run(None, get_current_span(context).get_span_context().trace_id)
    else:
        return context
    return scoped(ExecutionScope(run, step_id), context)


def _id_in(headers: Mapping[str, str], name: str) -> str | None:
    found = headers.get(name)
    found_id = unquote(found) if found and len(found) <= _MAX_QUOTED else ""
    return found_id if 0 < len(found_id) <= MAX_TEXT else None


class wrap(Generic[P, R]):  # noqa: N801  (used like a function; a class, so that it can be pickled)
    """Return `function`, to be run elsewhere as part of the execution and step in which `wrap` is called.

    For threads and executors of threads or processes: ``pool.submit(wrap(charge), order)``. Into another process go
    only the headers of `inject`. Tasks of asyncio need no wrapping.
    """

    _context: Context | None
    _carrier: Mapping[str, str]

    def __init__(self, function: Callable[P, R]) -> None:
        self._context = current()
        self._carrier = inject()
        update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function in the place where it was wrapped."""
        token = enter(_context_of(self._carrier) if self._context is None else self._context)
        try:
            return self._function(*args, **kwargs)
        finally:
            leave(token)

    def __reduce__(self) -> tuple[Any, ...]:
        return _wrapped, (self._function, dict(self._carrier))


def _wrapped(function: Callable[P, R], carrier: Mapping[str, str]) -> wrap[P, R]:
    arrived = wrap(function)
    arrived._context = None  # noqa: SLF001  (of this module)
    arrived._carrier = carrier  # noqa: SLF001
    return arrived
