"""What each of these programs has besides its framework: a provider with our processor, and a list of what ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

import otel_telemetry as ot


class Listing(SpanProcessor):
    """Notes each span that ended, in a file of this process: what the store must have."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}.spans"

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        assert context is not None
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{context.trace_id:032x} {context.span_id:016x} {span.name}\n")


def start(store: str, listed: str) -> tuple[ot.Telemetry, TracerProvider]:
    """Begin to record, with a provider as a program has it whose frameworks are instrumented."""
    telemetry = ot.configure(store=store)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(telemetry.processor)
    provider.add_span_processor(Listing(Path(listed)))
    return telemetry, provider


@contextmanager
def recording(store: str, listed: str) -> Iterator[TracerProvider]:
    """The same for as long as a block lasts; at its end everything is stored."""
    telemetry, provider = start(store, listed)
    yield provider
    assert telemetry.shutdown(30), telemetry.health()
