"""A span with the SDK's interface, and without the locks, copies and checks that make up most of the SDK's cost."""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from span_processors.data import CleanAttributes, CleanText

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import TraceFlags, TraceState
    from opentelemetry.util.types import Attributes, AttributeValue

    from span_processors.current import Entry

_UNSET: Final = Status(StatusCode.UNSET)
_KEPT_AS_THEY_ARE: Final = frozenset({str, CleanText, int, bool, float})

_logger: Final = logging.getLogger(__name__)


class Origin(Protocol):
    """What a span asks of the tracer that started it.

    Attributes:
        scope: the tracer's scope.
        limits: how much a span may hold.
    """

    scope: InstrumentationScope
    limits: SpanLimits

    @property
    def resource(self) -> Resource:
        """What produces the spans."""

    def on_end(self, span: LeanSpan, /) -> None:
        """Take a span that has ended."""


class LeanSpan(Span):
    """One span, as `LeanTracer` makes it. It is written as the API says, and read as the SDK's `ReadableSpan` is.

    Without a lock: each change is one step of the interpreter, or concerns what two threads do not set at once.

    Attributes:
        trace_id, span_id, flags, trace_state: what `context` is made of, for whoever asks for that.
        parent_span_id: the id of its parent.
        remote_parent: its parent, where that is in another process.
        clean: those of its attributes that came as `CleanAttributes`; of two of one name, this one counts.
        given: its other attributes.
    """

    # most spans never change these
    remote_parent: SpanContext | None = None
    _span_processors_entry: Entry | None = None  # `ENTRY_ATTRIBUTE`, under which others find it
    kind = SpanKind.INTERNAL
    end_time: int | None = None
    status = _UNSET
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    dropped_attributes = 0
    dropped_events = 0
    dropped_links = 0

    def __init__(  # noqa: PLR0917  (one is made for every span, and keywords cost)
        self,
        tracer: Origin,
        name: str,
        trace_id: int,
        span_id: int,
        flags: TraceFlags,
        trace_state: TraceState | None,
        parent_span_id: int | None,
        start_time: int,
    ) -> None:
        """Make a span that has started.

        Args:
            tracer: whose span it is.
            name: its name.
            trace_id: the id of its trace.
            span_id: its own id.
            flags: those of the trace.
            trace_state: that of the trace.
            parent_span_id: the id of its parent.
            start_time: when it started, in nanoseconds since the epoch, UTC.
        """
        self._tracer = tracer
        self.name = name
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.trace_state = trace_state
        self.parent_span_id = parent_span_id
        self.start_time = start_time
        self.clean: dict[str, Any] = {}
        self.given: dict[str, Any] = {}

    # as the SDK's spans are read

    @property
    def context(self) -> SpanContext:
        """Its ids."""
        return SpanContext(self.trace_id, self.span_id, False, self.flags, self.trace_state)

    @property
    def parent(self) -> SpanContext | None:
        """Those of its parent."""
        if self.parent_span_id is None or self.remote_parent is not None:
            return self.remote_parent
        return SpanContext(self.trace_id, self.parent_span_id, False, self.flags, self.trace_state)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """All its attributes."""
        return self.given | self.clean

    @property
    def is_clean(self) -> bool:
        """Whether it holds nothing but what was clean when it came, its name, and its ids."""
        return not (self.given or self.events or self.links or self.status.description)

    @property
    def resource(self) -> Resource:
        """What produced it."""
        return self._tracer.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Which part of the program recorded it."""
        return self._tracer.scope

    # as the API says

    def get_span_context(self) -> SpanContext:
        """Return its ids."""
        return self.context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self.end_time is None

    def end(self, end_time: int | None = None) -> None:
        """End it, now or at `end_time`, in nanoseconds since the epoch, UTC."""
        if self._may_change("end"):
            self.end_time = time.time_ns() if end_time is None else end_time
            self._tracer.on_end(self)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set attributes, cleaned as the SDK cleans them; where there are too many, the oldest make room."""
        if not self._may_change("set attributes of"):
            return
        if attributes.__class__ is CleanAttributes:
            self.clean.update(attributes)
            return
        for key, value in attributes.items():
            if value.__class__ not in _KEPT_AS_THEY_ARE or key.__class__ is not str or not key:
                cleaned = BoundedAttributes(attributes=attributes)
                self.dropped_attributes += cleaned.dropped
                attributes = cleaned.copy()
                break
        given, most = self.given, self._limits.max_span_attributes
        given.update(attributes)
        while most is not None and len(given) > most:
            given.pop(next(iter(given)))
            self.dropped_attributes += 1

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Note what happened, now or at `timestamp`, in nanoseconds since the epoch, UTC."""
        if self._may_change("add an event to"):
            limits = self._limits
            event = Event(name, BoundedAttributes(limits.max_event_attributes, attributes), timestamp)
            events = (*self.events, event)
            kept = events if limits.max_events is None else events[max(0, len(events) - limits.max_events) :]
            self.events, self.dropped_events = kept, self.dropped_events + len(events) - len(kept)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Point to another span."""
        if self._may_change("add a link to") and (context.is_valid or attributes or context.trace_state):
            limits = self._limits
            links = (*self.links, Link(context, BoundedAttributes(limits.max_link_attributes, attributes)))
            kept = links if limits.max_links is None else links[max(0, len(links) - limits.max_links) :]
            self.links, self.dropped_links = kept, self.dropped_links + len(links) - len(kept)

    def update_name(self, name: str) -> None:
        """Give it another name."""
        if self._may_change("rename"):
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went. OK is the last word on it."""
        if isinstance(status, StatusCode):
            status = Status(status, description)
        is_final = self.status.status_code is StatusCode.OK
        if self._may_change("set the status of") and not is_final and not status.is_unset:
            self.status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002  (the API's signature)
    ) -> None:
        """Note an exception as an event, with its stack."""
        kind = type(exception)
        noted = {
            "exception.type": kind.__qualname__
            if kind.__module__ == "builtins"
            else f"{kind.__module__}.{kind.__qualname__}",
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**noted, **(attributes or {})}, timestamp)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it with a block, and as a failure where an exception leaves that."""
        if error is not None and self.is_recording():
            self.record_exception(error, escaped=True)
            self.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        self.end()

    @property
    def _limits(self) -> SpanLimits:
        return self._tracer.limits

    def _may_change(self, what: str) -> bool:
        if self.end_time is None:
            return True
        _logger.warning("cannot %s a span that has ended", what)
        return False
