"""Functions around functions: each kind of function gets a wrapper of its own kind.

The wrapped function runs exactly once with the arguments that it was given, and its result, its exception and
its items reach the caller as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any

from otel_telemetry.tracing.generators import GeneratorFunction, drive, drive_async
from otel_telemetry.tracing.handle import Handle

if TYPE_CHECKING:
    from otel_telemetry.tracing.beginning import Beginning

_Begin = Callable[[tuple[Any, ...], dict[str, Any]], Handle | None]


def base_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside `functools.partial` objects."""
    while isinstance(function, partial):
        function = function.func
    return function


def wrap(function: Callable[..., Any], beginning: Beginning) -> Callable[..., Any]:
    """Return `function` with each call recorded."""
    base = base_of(function)
    code: Any = base if inspect.isroutine(base) else type(base).__call__
    wrapper: Callable[..., Any]
    if inspect.isgeneratorfunction(code):
        wrapper = GeneratorFunction(function, code, beginning, drive)
    elif inspect.isasyncgenfunction(code):
        wrapper = GeneratorFunction(function, code, beginning, drive_async)
    elif inspect.iscoroutinefunction(code):
        wrapper = _coroutine_function(function, beginning.begin)
    else:
        wrapper = _function(function, beginning.begin)
    update_wrapper(wrapper, base)
    vars(wrapper)["__wrapped__"] = function  # the signature of a partial is its own
    return wrapper


def _function(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        handle = begin(args, kwargs)
        if handle is None:
            return function(*args, **kwargs)
        handle.__enter__()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            handle.leave(error)
            raise
        handle.leave(None, result)
        return result

    return wrapper


def _coroutine_function(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        handle = begin(args, kwargs)
        if handle is None:
            return await function(*args, **kwargs)
        handle.__enter__()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            handle.leave(error)
            raise
        handle.leave(None, result)
        return result

    return wrapper
