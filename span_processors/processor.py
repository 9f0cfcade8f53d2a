"""The span processor: quick in the host's threads, never raising there, and losing nothing uncounted."""

from __future__ import annotations

import os
import sys
import time
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.trace import StatusCode

from span_processors.backlog import QueueSettings
from span_processors.current import hand_entry_down
from span_processors.data import SpanData
from span_processors.flatten import flatten
from span_processors.guard import own_work, warn
from span_processors.lean_span import LeanSpan
from span_processors.ledger import Health
from span_processors.redaction import RedactionSettings, Redactor
from span_processors.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span as ApiSpan
    from opentelemetry.util.types import AttributeValue

    from span_processors.ledger import DropReason
    from span_processors.sinks import SpanSink, Spill

_NAME: Final = "processor"
_SAMPLED: Final = 1
_ERROR: Final = StatusCode.ERROR
_EXIT_TIMEOUT_S: Final = 5.0
_SYNC_TIMEOUT_S: Final = 30.0


class RedactingSpanProcessor(SpanProcessor):
    """Redacts each span that ends and gives it to every sink, through one queue and thread per sink.

    A span is redacted and flattened in the thread that ends it, unless nothing in it can hold a secret: so none waits
    in a queue. The sinks' threads do the rest. Sinks that want starts also get a row of every span that stays open for
    more than a few milliseconds.

    No method raises into the host program, save its own KeyboardInterrupt or SystemExit, which are passed on. What is
    left when the interpreter exits, or when nothing refers to the processor any more, is written then, within 5
    seconds. A child process made by fork starts with empty queues, and leaves the end of the spans it inherits to the
    parent.
    """

    def __init__(
        self,
        sinks: Sequence[SpanSink[Any]] = (),
        *,
        redactor: Redactor | None = None,
        queue: QueueSettings | None = None,
        inherit: Callable[[Context | None], Mapping[str, AttributeValue] | None] | None = None,
        sync: Callable[[SpanData], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a processor, to be added to a `TracerProvider`.

        Args:
            sinks: where spans go. The processor owns them from now on.
            redactor: what every span goes through; by default one with the default settings.
            queue: the bound of each sink's queue, and what happens there.
            inherit: from the parent context of a span that starts to attributes for it; they are set on a span that
                does not have the first of them.
            sync: says of a span whether its end returns only once the span is safe: committed in every sink that is a
                store, or in its spill; after 30 seconds it returns all the same.
            clock: seconds, monotonic; the heartbeats go by it.
        """
        self._redactor = redactor or Redactor(RedactionSettings())
        self._queue = queue or QueueSettings()
        self._inherit = inherit
        self._sync = sync
        self._clock = clock
        # weak, and so without a cost to the garbage collector, nor a leak where the host throws a span away
        self._open: dict[int, weakref.ReferenceType[Any]] = {}
        self._not_ours: frozenset[int] = frozenset()
        self._workers: list[Worker[Any]] = []
        for sink in sinks:
            self.add_sink(sink)
        self._at_exit = weakref.finalize(self, _shut_down, self._workers, _EXIT_TIMEOUT_S)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_WeakCall(self._after_fork_in_child))

    def add_sink(self, sink: SpanSink[Any], *, spill: Spill[Any] | None = None) -> None:
        """Give spans to one more sink from now on; those that are open are announced to it.

        Args:
            sink: where spans go. The processor owns it from now on.
            spill: where they wait on disk while the sink cannot take them; without one, they wait in memory.
        """
        worker: Worker[Any] = Worker(
            sink,
            queue=self._queue,
            flatten=partial(flatten, redactor=self._redactor),
            describe=partial(_describe, redactor=self._redactor),
            open_spans=self._open,
            before_start=_WeakCall(self._before_thread),
            clock=self._clock,
            spill=spill,
        )
        self._workers.append(worker)
        for key, span in list(self._open.items()):
            worker.announce(key, span)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note that a span is open. The SDK calls it in the thread that starts the span."""
        if own_work.active:
            return
        try:
            own_work.active = True
            hand_entry_down(span, parent_context)
            context = span.get_span_context()
            if not context.trace_flags & _SAMPLED:
                return  # recorded for the eyes of the host's own processors
            if self._inherit is not None:
                inherited = self._inherit(parent_context)
                if inherited and next(iter(inherited)) not in (span.attributes or ()):
                    span.set_attributes(inherited)
            self._announce(span, context.span_id)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            warn(_NAME, "the start of a span could not be noted:", type(error).__name__)
        finally:
            own_work.active = False

    def opened(self, span: LeanSpan) -> None:
        """Note that a span is open which inherits nothing: `on_start` for the spans of a `LeanTracer`."""
        if not own_work.active:
            self._announce(span, span.span_id)

    def announce(self, span: ApiSpan) -> None:
        """Have an open span written again as it is now, where sinks want starts: something about it has changed."""
        key = span.get_span_context().span_id
        if key in self._open and isinstance(span, (Span, LeanSpan)):
            self._announce(span, key)

    def _announce(self, span: Span | LeanSpan, key: int) -> None:
        reference: weakref.ReferenceType[Any] = weakref.ref(span)
        self._open[key] = reference
        for worker in self._workers:
            worker.announce(key, reference)

    def on_end(self, span: ReadableSpan | LeanSpan) -> None:
        """Redact, flatten and queue a span. The SDK calls it in the thread that ends the span."""
        reentrant = own_work.active
        unserved = self._workers[:]
        interrupt: BaseException | None = None
        data: SpanData | LeanSpan | None = None
        try:
            own_work.active = True
            if span.__class__ is LeanSpan:
                key = span.span_id
            else:
                context = span.context
                if context is None or not context.trace_flags & _SAMPLED:
                    return
                key = context.span_id
            self._open.pop(key, None)
            refusal: DropReason | None = "reentrant" if reentrant else "inherited" if key in self._not_ours else None
            if refusal is not None:
                self._drop(unserved, refusal)
                return
            if span.__class__ is LeanSpan and span.is_clean and len(unserved) == 1 and self._sync is None:
                data = span  # no secret waits in it, and the rest need not keep the host's thread
            else:
                data = flatten(span, self._redactor)
            failed = span.status.status_code is _ERROR
            while unserved:
                interrupt = unserved[-1].submit(key, data, failed=failed) or interrupt
                unserved.pop()
        except (KeyboardInterrupt, SystemExit):
            self._drop(unserved, "interrupted")
            raise
        except BaseException as error:
            self._drop(unserved, "unreadable")
            warn(_NAME, "a span could not be read and is lost:", type(error).__name__)
        finally:
            own_work.active = reentrant
        if interrupt is not None:
            raise interrupt
        if self._sync is not None and data.__class__ is SpanData:
            self._wait_until_safe(data, self._sync)

    def _wait_until_safe(self, span: SpanData, sync: Callable[[SpanData], bool]) -> None:
        try:
            if not sync(span):
                return
            deadline = time.monotonic() + _SYNC_TIMEOUT_S
            stores = [worker for worker in self._workers if worker.is_store]
            asked = [(worker, worker.request_flush(deadline, safe=True)) for worker in stores]
            answers = [worker.await_flush(flush) for worker, flush in asked]
            if not all(answers):
                warn(_NAME, "the end of a span could not be committed in time")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            warn(_NAME, "the end of a span could not be waited for:", type(error).__name__)

    def force_flush(self, timeout_millis: int = 30000, *, stores_only: bool = False) -> bool:
        """Have everything written that waits, and the open spans announced.

        Args:
            timeout_millis: how long to wait at most, in milliseconds.
            stores_only: whether sinks that only forward are not waited for.

        Returns:
            True only if every span that ended before the call, and was not dropped before it, is stored in every sink.
            What waits in a spill is not stored yet.
        """
        if own_work.active:
            return False  # asked by a sink, a callback or a logging handler of ours: it would wait for itself
        deadline = time.monotonic() + timeout_millis / 1000
        try:
            workers = [worker for worker in self._workers if worker.is_store or not stores_only]
            asked = [(worker, worker.request_flush(deadline)) for worker in workers]
            answers = [worker.await_flush(flush) for worker, flush in asked]
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            warn(_NAME, "a flush failed:", type(error).__name__)
            return False
        return all(answers)

    def shutdown(self, timeout_s: float = _EXIT_TIMEOUT_S) -> None:
        """Write what waits, close the sinks, and let nothing more in. Calling it again does nothing.

        Args:
            timeout_s: how long to wait at most, in seconds; what is not written by then is dropped and counted.
        """
        if self._at_exit.detach():
            _shut_down(self._workers, timeout_s)

    def health(self) -> Health:
        """Return the account of all spans, per sink."""
        return Health(open_spans=len(self._open), sinks=tuple(worker.health() for worker in self._workers))

    def _drop(self, workers: list[Worker[Any]], reason: DropReason) -> None:
        while workers:
            workers.pop().drop(reason)

    def _before_thread(self) -> None:
        # Before Python 3.13 a child of multiprocessing ends without the hooks of atexit, but not without these.
        util = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if util is not None and process is not None and process.parent_process() is not None:
            util.Finalize(None, self._at_exit, exitpriority=0)

    def _after_fork_in_child(self) -> None:
        self._not_ours |= self._open.keys()
        self._open.clear()
        for worker in self._workers:
            worker.after_fork_in_child()


def _shut_down(workers: list[Worker[Any]], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    try:
        for worker in workers:
            worker.begin_shutdown(deadline)
        for worker in workers:
            worker.end_shutdown(deadline)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        warn(_NAME, "the shutdown failed:", type(error).__name__)


def _describe(error: BaseException, redactor: Redactor) -> str:
    try:
        return redactor.error_text(f"{type(error).__name__}: {error}")[:500]
    except BaseException:
        return type(error).__name__


class _WeakCall:
    """Calls a method as long as its object exists, and lets nothing out of it."""

    def __init__(self, method: Callable[[], None]) -> None:
        self._method = weakref.WeakMethod(method)

    def __call__(self) -> None:
        method = self._method()
        if method is not None:
            try:
                method()
            except BaseException as error:
                warn(_NAME, "a hook failed:", type(error).__name__)
