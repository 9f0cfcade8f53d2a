"""Sinks to test with, and providers that are wired to them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from span_processors import IdGenerator, RedactingSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.trace import Tracer

    from span_processors import SinkHealth, SpanData


class ListSink:
    """Keeps what is written. `before` runs first in each write and may raise or wait."""

    def __init__(
        self,
        before: Callable[[Sequence[SpanData]], None] | None = None,
        *,
        name: str = "list",
        wants_starts: bool = True,
        row_bytes: int = 100,
    ) -> None:
        self.name = name
        self.wants_starts = wants_starts
        self.batches: list[list[SpanData]] = []
        self.heartbeats = 0
        self.closed = 0
        self.forked = 0
        self._before = before
        self._row_bytes = row_bytes

    def prepare(self, span: SpanData) -> SpanData:
        return span

    def size(self, row: SpanData) -> int:
        return self._row_bytes

    def write(self, rows: Sequence[SpanData]) -> None:
        if self._before is not None:
            self._before(rows)
        self.batches.append(list(rows))

    def heartbeat(self) -> None:
        self.heartbeats += 1

    def after_fork_in_child(self) -> None:
        self.forked += 1

    def close(self) -> None:
        self.closed += 1

    @property
    def rows(self) -> list[SpanData]:
        return [row for batch in self.batches for row in batch]

    @property
    def ended(self) -> list[str]:
        return [row.name for row in self.rows if row.end_ns is not None]

    @property
    def started(self) -> list[str]:
        return [row.name for row in self.rows if row.end_ns is None]


class Gate:
    """Holds up whoever passes through it until it is opened."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()

    def __call__(self, rows: Sequence[SpanData]) -> None:
        self._entered.set()
        assert self._open.wait(60)

    def wait_until_entered(self) -> None:
        assert self._entered.wait(60)

    def open(self) -> None:
        self._open.set()


@contextmanager
def pipeline(*sinks: Any, **options: Any) -> Iterator[tuple[RedactingSpanProcessor, Tracer]]:
    """A processor on a provider of its own, shut down at the end."""
    provider = TracerProvider(id_generator=IdGenerator(), resource=Resource({}), shutdown_on_exit=False)
    processor = RedactingSpanProcessor(sinks, **options)
    provider.add_span_processor(processor)
    try:
        yield processor, provider.get_tracer("tests")
    finally:
        processor.shutdown()


def account(processor: RedactingSpanProcessor, sink: int = 0) -> SinkHealth:
    """The account of one sink, after checking that it adds up."""
    health = processor.health().sinks[sink]
    assert health.accepted == health.stored + health.pending + sum(health.dropped.values())
    return health
