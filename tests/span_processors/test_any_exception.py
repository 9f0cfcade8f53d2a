"""No exception of any kind, raised by any part of ours, reaches the host."""

from __future__ import annotations

import builtins
import logging
from typing import TYPE_CHECKING, Any

import pytest

from span_processors import RedactionSettings, Redactor
from tests.span_processors.support import ListSink, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

SPANS = 25


def instance(kind: type[BaseException]) -> BaseException:
    if issubclass(kind, UnicodeDecodeError):
        return kind("utf-8", b"\xff", 0, 1, "value")
    if issubclass(kind, UnicodeEncodeError | UnicodeTranslateError):
        return kind(*(["utf-8"] if issubclass(kind, UnicodeEncodeError) else []), "\ud800", 0, 1, "value")
    if issubclass(kind, BaseExceptionGroup):
        return kind("value", [ValueError()])
    return kind("value")


# Ctrl-C and an exit that come while a span is recorded are the host's own: they go on, and have tests of their own.
KINDS = sorted(
    {
        kind
        for kind in vars(builtins).values()
        if isinstance(kind, type)
        and issubclass(kind, BaseException)
        and not issubclass(kind, KeyboardInterrupt | SystemExit)
    },
    key=lambda kind: kind.__name__,
)


class Broken(Redactor):
    """Raises what it is told to, wherever it is asked."""

    error: BaseException

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise self.error

    text = value = payload = attributes = _fail


@pytest.mark.parametrize("place", ["prepare", "size", "write", "heartbeat", "close", "inherit", "redactor"])
@pytest.mark.promise("P1")
def test_nothing_reaches_the_host(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, observed: Callable[[str], None]
) -> None:
    caplog.set_level(logging.CRITICAL)
    done = 0
    for kind in KINDS:
        error = instance(kind)

        def fail(*_: Any, error: BaseException = error) -> Any:
            raise error

        sink = ListSink()
        if hasattr(sink, place):
            monkeypatch.setattr(sink, place, fail)
        redactor = Broken(RedactionSettings())
        redactor.error = error
        options = {"inherit": {"inherit": fail}, "redactor": {"redactor": redactor}}.get(place, {})
        with pipeline(sink, **options) as (processor, tracer):
            for _ in range(SPANS):
                with tracer.start_as_current_span("span") as span:
                    span.set_attribute("payload", "x")
                done += 1
            processor.force_flush(5_000)
            assert processor.health().sinks[0].accepted == SPANS
            processor.shutdown(1)
    observed(f"{place}: {done:,} spans, {len(KINDS)} kinds of exception, none reached the host")
