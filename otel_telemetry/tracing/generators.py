"""Generators and async generators: recorded from the first item that is asked for until they end, however that is.

The context is the span's while the generator's own code runs, and the consumer's in between, so that each side's
spans have the right parent. A generator that its consumer drops (`break`, garbage collection) ends as ``abandoned``,
one that is closed as ``closed``.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from otel_telemetry.tracing.handle import ABANDONED, CLOSED, Handle
from otel_telemetry.tracing.items import Items
from span_processors.current import current, enter, leave

if TYPE_CHECKING:
    from otel_telemetry.tracing.beginning import Beginning

AnyGenerator = Generator[Any, Any, Any]
AnyAsyncGenerator = AsyncGenerator[Any, Any]


class GeneratorFunction:
    """Stands for a generator function, and looks like it to `inspect`.

    It is no function because a weak reference to each generator that it makes is what tells closing from dropping: the
    interpreter clears it before it finalises what was dropped.
    """

    def __init__(
        self, function: Callable[..., Any], template: FunctionType, beginning: Beginning, drive: Callable[..., Any]
    ) -> None:
        # what `inspect` asks a function for, its flags among it
        self.__code__ = template.__code__
        self.__defaults__ = template.__defaults__
        self.__kwdefaults__ = template.__kwdefaults__
        self._function = function
        self._beginning = beginning
        self._drive = drive

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Make a generator, as the function does, and record what becomes of it."""
        source = self._function(*args, **kwargs)
        if not self._beginning.is_wanted():
            return source
        consumer = _Consumer()
        generator = self._drive(source, lambda: self._beginning.begin(args, kwargs), consumer)
        generator.__name__, generator.__qualname__ = source.__name__, source.__qualname__
        consumer.generator = weakref.ref(generator)
        return generator

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str:
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]  # found by name, like any function

    def __repr__(self) -> str:
        return repr(self._function)


class _Consumer:
    """Knows whether anyone still holds the generator."""

    __slots__ = ("generator",)

    generator: Callable[[], object]

    def outcome(self) -> str:
        return ABANDONED if self.generator() is None else CLOSED


def drive(source: AnyGenerator, begin: Callable[[], Handle | None], consumer: _Consumer) -> AnyGenerator:
    """Run `source`, recorded: what is sent, thrown and returned passes through."""
    handle = begin()
    if handle is None:
        return (yield from source)
    items = Items(handle)
    context = handle.context()
    resume: Callable[[Any], Any] = source.send
    given: Any = None
    while True:
        token = enter(context)
        try:
            item = resume(given)
        except StopIteration as stop:
            items.end(result=stop.value)
            return stop.value
        except BaseException as error:
            items.end(error)
            raise
        finally:
            given = None
            context = current()
            leave(token)
        items.add(item)
        try:
            given = yield item
            resume = source.send
        except GeneratorExit:
            token = enter(context)
            try:
                last: Any = source.close()  # type: ignore[func-returns-value]  # from Python 3.13 on
            except BaseException as error:
                items.end(error)
                raise
            finally:
                leave(token)
            items.end(outcome=consumer.outcome())
            if last is not None:
                return last
            raise
        except BaseException as thrown:
            given, resume = thrown, source.throw
        del item


async def drive_async(
    source: AnyAsyncGenerator, begin: Callable[[], Handle | None], consumer: _Consumer
) -> AnyAsyncGenerator:
    """Run `source`, recorded: what is sent and thrown passes through."""
    handle = begin()
    items = Items(handle)
    context = current() if handle is None else handle.context()
    resume: Callable[[Any], Any] = partial(_first_of, source)
    given: Any = None
    while True:
        token = enter(context)
        try:
            item = await resume(given)
        except StopAsyncIteration:
            items.end()
            return
        except BaseException as error:
            items.end(error)
            raise
        finally:
            given = None
            context = current()
            leave(token)
        items.add(item)
        try:
            given = yield item
            resume = source.asend
        except GeneratorExit:
            token = enter(context)
            try:
                await source.aclose()
            except BaseException as error:
                items.end(error)
                raise
            finally:
                leave(token)
            items.end(outcome=consumer.outcome())
            raise
        except BaseException as thrown:
            given, resume = thrown, source.athrow
        del item


def _first_of(source: AnyAsyncGenerator, given: Any) -> Any:
    # the event loop finalises the generator that the consumer holds, which closes `source`; were `source` known to the
    # loop as well, the two would close it at the same time
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return source.asend(given)
    finally:
        sys.set_asyncgen_hooks(*hooks)
