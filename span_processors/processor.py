"""The span processor: what it does in the host's threads is quick, never raises, and loses nothing uncounted."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor

from span_processors.backlog import QueueSettings
from span_processors.flatten import flatten
from span_processors.guard import own_work, warn
from span_processors.ledger import DropReason, Health
from span_processors.redaction import RedactionSettings, Redactor
from span_processors.worker import Worker

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.util.types import AttributeValue

    from span_processors.sinks import SpanSink

Inherit = Callable[["Context | None"], "Mapping[str, AttributeValue] | None"]

_NAME = "processor"


class RedactingSpanProcessor(SpanProcessor):
    """Redacts each span that ends and gives it to every sink, through one queue and thread per sink.

    A span is redacted and flattened in the thread that ends it, so that no secret waits in a queue and the sinks' threads
    are left with nothing but their drivers. Sinks that want starts get a row of each span that stays open for more than
    a few milliseconds.

    Nothing is raised into the host program by any method (save its own KeyboardInterrupt or SystemExit, which is passed on).
    What is left when the interpreter exits, or when nobody refers to the processor any more, is written then, for at most
    5 seconds. A child process made by fork starts with empty queues.
    """

    def __init__(
        self,
        sinks: Sequence[SpanSink[Any]] = (),
        *,
        redactor: Redactor | None = None,
        queue: QueueSettings | None = None,
        inherit: Inherit | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a processor; add it to a `TracerProvider`.

        Args:
            sinks: where spans go. The processor owns them from now on.
            redactor: what every span goes through; by default one with the default settings.
            queue: the bound of each sink's queue, and what happens there.
            inherit: from the parent context of a span that starts to attributes for it. They are set unless the span has
                the first of them already.
            clock: seconds, monotonic; the heartbeats go by it.
        """
        self._redactor = redactor or Redactor(RedactionSettings())
        self._queue = queue or QueueSettings()
        self._inherit = inherit
        self._clock = clock
        self._open: dict[int, weakref.ReferenceType[Span]] = {}
        self._inherited: frozenset[int] = frozenset()
        self._workers: list[Worker[Any]] = []
        self._adding = threading.Lock()
        self._down = False
        for sink in sinks:
            self.add_sink(sink)
        self._at_exit = weakref.finalize(self, _shut_down, self._workers, 5.0)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_WeakCall(self._after_fork_in_child))

    def add_sink(self, sink: SpanSink[Any]) -> None:
        """Give spans to one more sink, from now on; spans that are open are announced to it."""
        worker: Worker[Any] = Worker(
            sink,
            queue=self._queue,
            flatten=self._flatten,
            describe=self._describe,
            open_spans=self._open,
            clock=self._clock,
        )
        for key, span in list(self._open.items()):
            worker.announce(key, span)
        self._workers.append(worker)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note that a span is open. Called by the SDK in the thread that starts it."""
        if own_work.active or self._down:
            return
        own_work.active = True
        try:
            context = span.get_span_context()
            if not context.trace_flags & 1:  # recorded for the host's own processors only
                return
            if self._inherit is not None:
                inherited = self._inherit(parent_context)
                if inherited and next(iter(inherited)) not in span.attributes:
                    span.set_attributes(inherited)
            key = context.span_id
            self._open[key] = reference = weakref.ref(span)
            for worker in self._workers:
                worker.announce(key, reference)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            warn(_NAME, "a span's start could not be noted:", type(error).__name__)
        finally:
            own_work.active = False

    def on_end(self, span: ReadableSpan) -> None:
        """Redact, flatten and queue a span. Called by the SDK in the thread that ends it."""
        context = span.context
        if context is None or not context.trace_flags & 1:
            return
        key = context.span_id
        self._open.pop(key, None)
        if own_work.active:
            self._drop(key, "reentrant")
            return
        own_work.active = True
        try:
            if key in self._inherited:
                self._drop(key, "inherited")
                return
            try:
                data = flatten(span, self._redactor)
            except (KeyboardInterrupt, SystemExit):
                self._drop(key, "interrupted")
                raise
            except BaseException as error:
                self._drop(key, "unreadable")
                warn(_NAME, "a span could not be read and is lost:", type(error).__name__)
                return
            for worker in self._workers:
                worker.submit(key, data)
        finally:
            own_work.active = False

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Have everything written that waits, and announce every open span.

        Args:
            timeout_millis: how long to wait, in milliseconds.

        Returns:
            True only when every span that ended before the call is stored in every sink.
        """
        if own_work.active:
            return False  # called from within a sink or a logging handler: to wait for itself would be for ever
        deadline = time.monotonic() + timeout_millis / 1000
        asked = [(worker, worker.request_flush()) for worker in self._workers]
        return all([worker.await_flush(flush, deadline) for worker, flush in asked])

    def shutdown(self, timeout_s: float = 5.0) -> None:
        """Write what waits, close the sinks, and let nothing more in. Calling it again does nothing.

        Args:
            timeout_s: how long to wait, in seconds; what has not been written then is counted as dropped.
        """
        self._down = True
        if self._at_exit.detach():
            _shut_down(self._workers, timeout_s)

    def health(self) -> Health:
        """Return the account of every span, per sink."""
        return Health(open_spans=len(self._open), sinks=tuple(worker.health() for worker in self._workers))

    def _flatten(self, span: ReadableSpan) -> Any:
        return flatten(span, self._redactor)

    def _describe(self, error: BaseException) -> str:
        try:
            return f"{type(error).__name__}: {self._redactor.text(str(error))[:500]}"
        except BaseException:
            return type(error).__name__

    def _drop(self, key: int, reason: DropReason) -> None:
        for worker in self._workers:
            worker.drop(key, reason)

    def _after_fork_in_child(self) -> None:
        self._inherited |= self._open.keys()
        self._open.clear()
        for worker in self._workers:
            worker.after_fork_in_child()


def _shut_down(workers: list[Worker[Any]], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    for worker in workers:
        worker.begin_shutdown()
    for worker in workers:
        worker.end_shutdown(deadline)


class _WeakCall:
    """Calls a method as long as its object exists; a fork hook cannot be taken back."""

    def __init__(self, method: Callable[[], None]) -> None:
        self._method = weakref.WeakMethod(method)

    def __call__(self) -> None:
        method = self._method()
        if method is not None:
            try:
                method()
            except BaseException as error:
                warn(_NAME, "could not be prepared for life after a fork:", type(error).__name__)
