"""What spans say about an exception: the one that saw it first says all, its parents refer to it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.codec import error_to_json
from otel_telemetry.error_registry import ErrorRegistry, stacktrace
from otel_telemetry.error_registry.describe import type_name
from otel_telemetry.records import ErrorRecord
from span_processors.data import CleanText
from span_processors.redaction import Redactor, canonical

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_CANCELLATIONS: Final = {("asyncio.exceptions", "CancelledError"), ("trio", "Cancelled")}
_REMEMBERED: Final = 256


def is_cancellation(error: object) -> bool:
    """Whether `error` is an event loop's way of stopping a task. Asked by name, so that no event loop is imported."""
    return any((cls.__module__, cls.__name__) in _CANCELLATIONS for cls in type(error).__mro__)


def error_text(record: ErrorRecord) -> CleanText:
    """Return a record, which is redacted, as the text of an attribute."""
    return CleanText(canonical(error_to_json(record)))


class Failures:
    """Turns errors into records, and leaves an exception's stack on the span that saw it first.

    Args:
        registry: which exception means which code.
        redactor: what messages and stacks go through.
    """

    def __init__(self, registry: ErrorRegistry, redactor: Redactor) -> None:
        self._registry = registry
        self._redactor = redactor
        self._origins: dict[int, _Origin] = {}

    def note(
        self,
        error: BaseException | ErrorRecord | str,
        span: Span,
        now_ns: int,
        *,
        step_id: str | None,
        tool_name: str | None,
    ) -> tuple[ErrorRecord, str]:
        """Return the record of `error`, and the type to name.

        Args:
            error: an exception, a record, or words.
            span: the span that fails with it.
            now_ns: when, in nanoseconds since the epoch, UTC.
            step_id: the step that fails.
            tool_name: the tool that fails.
        """
        if isinstance(error, str):
            error = ErrorRecord(code="error", category="unexpected", message=error)
        if isinstance(error, ErrorRecord):
            record = self._registry.record(error, redactor=self._redactor, step_id=step_id, tool_name=tool_name)
            return record, record.code
        kind = type_name(error)
        known = self._seen(error, getattr(span, "start_time", None))
        if known is not None:
            return known, kind
        record = self._registry.record(error, redactor=self._redactor, step_id=step_id, tool_name=tool_name)
        self._remember(error, record, now_ns)
        event = {
            "exception.type": kind,
            "exception.message": record.message,
            "exception.stacktrace": stacktrace(error, self._redactor),
        }
        span.add_event("exception", event, now_ns)
        return record, kind

    def _remember(self, error: BaseException, record: ErrorRecord, now_ns: int) -> None:
        place = error.__traceback__
        if place is None:
            return
        if len(self._origins) >= _REMEMBERED:
            self._origins = {}
        self._origins[id(error)] = _Origin(
            type(error), _depth(place), id(place.tb_frame.f_code), place.tb_lasti, now_ns, record
        )

    def _seen(self, error: BaseException, started_ns: int | None) -> ErrorRecord | None:
        """Return the record of an exception that something inside the span failed with, which started at `started_ns`.

        What was noted before that is another one: a retry raises at the same place, and may get the same address.
        """
        origin = self._origins.get(id(error))
        place = error.__traceback__
        if origin is None or place is None or origin.type is not type(error):
            return None
        if started_ns is not None and origin.noted_ns < started_ns:
            return None
        for _ in range(_depth(place) - origin.depth):
            place = place.tb_next or place
        same = (
            _depth(place) == origin.depth
            and id(place.tb_frame.f_code) == origin.code_id
            and place.tb_lasti == origin.instruction
        )
        return origin.record if same else None


class _Origin(NamedTuple):
    """How an exception is known again when it reaches a parent.

    It must not be kept alive, because its traceback holds the host's frames with their locals, and a built-in one has
    no weak reference. So: its address, which another exception may have later, and the frame in which it was
    recorded, which only its own traceback holds at this depth.
    """

    type: type[BaseException]
    depth: int
    code_id: int
    instruction: int
    noted_ns: int
    record: ErrorRecord


def _depth(place: TracebackType) -> int:
    depth, following = 1, place.tb_next
    while following is not None:
        depth, following = depth + 1, following.tb_next
    return depth
