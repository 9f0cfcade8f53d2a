"""What a span says about an exception: once, where it was first seen, with the stack; its parents only refer to it."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Final, NamedTuple

from otel_telemetry.records import ErrorRecord

MAX_STACK_CHARS: Final = 32_768
_CANCELLATIONS: Final = {("asyncio.exceptions", "CancelledError"), ("trio", "Cancelled"), ("trio._core._exceptions", "Cancelled")}
_REMEMBERED: Final = 256


def is_cancellation(error: BaseException) -> bool:
    """Whether `error` is an event loop's way of stopping a task. Asked by name: asyncio is never imported for it."""
    return any((cls.__module__, cls.__name__) in _CANCELLATIONS for cls in type(error).__mro__)


def qualified_name(error: BaseException) -> str:
    """Return the name of the exception's class as OpenTelemetry writes it."""
    cls = type(error)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def stack_of(error: BaseException) -> str:
    """Format the traceback of `error` and its causes, its middle cut out where it is long."""
    text = "".join(traceback.format_exception(error))
    if len(text) <= MAX_STACK_CHARS:
        return text
    half = MAX_STACK_CHARS // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters cut ...\n{text[-half:]}"


class _Origin(NamedTuple):
    """Where an exception stood when it was recorded: enough to know it again without keeping it alive."""

    type: type[BaseException]
    depth: int
    code_id: int
    instruction: int
    record: ErrorRecord


class Recorded:
    """The exceptions that were recorded lately.

    An exception must not be kept alive (its traceback holds the host's frames and their locals) and built-in ones cannot be
    weakly referred to. It is known again by its address and by the frame in which it was recorded, which its traceback
    still holds at the same depth when a parent sees it.
    """

    __slots__ = ("_origins",)

    def __init__(self) -> None:
        self._origins: dict[int, _Origin] = {}

    def add(self, error: BaseException, record: ErrorRecord) -> None:
        """Remember that `error` was recorded as `record`."""
        place = error.__traceback__
        if place is None:
            return
        while len(self._origins) >= _REMEMBERED:
            self._origins.pop(next(iter(self._origins), 0), None)
        self._origins[id(error)] = _Origin(
            type(error), _depth(place), id(place.tb_frame.f_code), place.tb_lasti, record
        )

    def get(self, error: BaseException) -> ErrorRecord | None:
        """Return what `error` was recorded as further down, if it was."""
        origin = self._origins.get(id(error))
        place = error.__traceback__
        if origin is None or place is None or origin.type is not type(error):
            return None
        above = _depth(place) - origin.depth
        while above > 0 and place is not None:
            place, above = place.tb_next, above - 1
        if place is None or above or id(place.tb_frame.f_code) != origin.code_id or place.tb_lasti != origin.instruction:
            return None
        return origin.record


def _depth(place: TracebackType) -> int:
    depth, following = 1, place.tb_next
    while following is not None:
        depth, following = depth + 1, following.tb_next
    return depth
