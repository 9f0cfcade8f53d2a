"""Saying that this process is alive, while it has anything to be alive for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import ReferenceType

    from opentelemetry.sdk.trace import Span

    from span_processors.sinks import SpanSink

_EVERY_S: Final = 5.0


class Heartbeat:
    """Calls for a sink's `heartbeat` every few seconds, and forgets open spans that the host has thrown away."""

    def __init__(
        self,
        sink: SpanSink[Any],
        beat: Callable[[], None],
        open_spans: dict[int, ReferenceType[Span]],
        clock: Callable[[], float],
    ) -> None:
        """Begin to count the time.

        Args:
            sink: has a heart if it wants starts: to others an open span means nothing.
            beat: has the sink say that this process is alive.
            open_spans: the spans that have not ended, by id.
            clock: seconds, monotonic.
        """
        self._sink = sink
        self._beat = beat
        self._open_spans = open_spans
        self._clock = clock
        self._last = clock()
        self.has_news = False
        """Whether something was written since the last beat."""

    def due_in_s(self) -> float | None:
        """Return the seconds until the next beat; None where nothing is open and nothing has happened."""
        if not (self._sink.wants_starts and (self._open_spans or self.has_news)):
            return None
        return max(0.0, self._last + _EVERY_S - self._clock())

    def beat(self) -> None:
        """Beat, if it is time. Raises whatever the sink raises."""
        if self._clock() - self._last < _EVERY_S:
            return
        self._last = self._clock()
        self.has_news = False
        for key, reference in list(self._open_spans.items()):
            if reference() is None:
                self._open_spans.pop(key, None)
        if self._sink.wants_starts:
            self._beat()
