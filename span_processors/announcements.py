"""Telling a sink of spans that have not ended yet."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from span_processors.backlog import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from weakref import ReferenceType

    from opentelemetry.sdk.trace import ReadableSpan, Span

    from span_processors.data import SpanData
    from span_processors.sinks import SpanSink

RowT = TypeVar("RowT")

_AT_ONCE: Final = 512


class Announcements(Generic[RowT]):
    """The spans that have started and that one sink has not been told of.

    Each change is a single call into C, so that any thread, signal handler or finalizer may make one at any time.
    """

    def __init__(
        self,
        sink: SpanSink[RowT],
        flatten: Callable[[ReadableSpan], SpanData],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Begin with none.

        Args:
            sink: prepares the rows.
            flatten: turns a span into redacted data.
            failed: told of a span that could not be announced, and why.
        """
        self._sink = sink
        self._flatten = flatten
        self._failed = failed
        self._waiting: dict[int, ReferenceType[Span]] = {}

    def __len__(self) -> int:
        """How many spans wait to be announced."""
        return len(self._waiting)

    def add(self, key: int, span: ReferenceType[Span]) -> None:
        """Note that a span has started."""
        self._waiting[key] = span

    def cancel(self, key: int) -> None:
        """Note that a span has ended: its end says all."""
        self._waiting.pop(key, None)

    def batches(self) -> Iterator[list[Entry[RowT]]]:
        """Make the rows of the spans that are open now, some at a time as they are asked for."""
        spans = iter(list(self._waiting.items()))
        while batch := list(islice(spans, _AT_ONCE)):
            yield self._rows(batch)

    def _rows(self, spans: list[tuple[int, ReferenceType[Span]]]) -> list[Entry[RowT]]:
        rows = []
        for key, reference in spans:
            if self._waiting.pop(key, None) is None or (span := reference()) is None:
                continue
            try:
                data = self._flatten(span)
                if data.end_ns is None:
                    rows.append(Entry(self._sink.prepare(data), self._sink.size(data), 0))
            except BaseException as error:
                self._failed(error)
        return rows
