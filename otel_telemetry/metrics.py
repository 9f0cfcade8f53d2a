"""The account of every span as OpenTelemetry metrics, for whoever has set up a meter provider.

Only the API is used. Without a provider, now or later, nothing is ever asked.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from span_processors.ledger import SinkHealth
    from span_processors.processor import RedactingSpanProcessor

_METER: Final = "otel_telemetry"
_UNIT: Final = "{span}"

_observed: Final[WeakSet[RedactingSpanProcessor]] = WeakSet()


def observe(processor: RedactingSpanProcessor) -> None:
    """Let the metrics speak of this processor too, for as long as it exists."""
    _observed.add(processor)
    _make_instruments()


@cache
def _make_instruments() -> None:
    """Make the instruments, once in a process: two of one name would be a conflict."""
    meter = get_meter(_METER)
    meter.create_observable_counter(
        "otel_telemetry.spans.accepted", [_accepted], unit=_UNIT, description="Spans that ended, per sink"
    )
    meter.create_observable_counter(
        "otel_telemetry.spans.stored", [_stored], unit=_UNIT, description="Spans that the sink has stored"
    )
    meter.create_observable_counter(
        "otel_telemetry.spans.dropped", [_dropped], unit=_UNIT, description="Spans that are lost, by reason"
    )
    meter.create_observable_up_down_counter(
        "otel_telemetry.spans.pending", [_pending], unit=_UNIT, description="Spans that wait, in memory or on disk"
    )


def _sinks() -> Iterator[SinkHealth]:
    for processor in list(_observed):
        yield from processor.health().sinks


def _accepted(_: CallbackOptions) -> Iterable[Observation]:
    return _added_up((sink.accepted, {"sink": sink.name}) for sink in _sinks())


def _stored(_: CallbackOptions) -> Iterable[Observation]:
    return _added_up((sink.stored, {"sink": sink.name}) for sink in _sinks())


def _dropped(_: CallbackOptions) -> Iterable[Observation]:
    return _added_up(
        (count, {"sink": sink.name, "reason": reason}) for sink in _sinks() for reason, count in sink.dropped.items()
    )


def _pending(_: CallbackOptions) -> Iterable[Observation]:
    return _added_up(
        (count, {"sink": sink.name, "where": where})
        for sink in _sinks()
        for where, count in (("memory", sink.pending - sink.spilled), ("disk", sink.spilled))
    )


def _added_up(counts: Iterable[tuple[int, dict[str, str]]]) -> list[Observation]:
    """Add up what has the same attributes: two processors may have sinks of one name."""
    sums: dict[tuple[tuple[str, str], ...], int] = {}
    for count, attributes in counts:
        key = tuple(attributes.items())
        sums[key] = sums.get(key, 0) + count
    return [Observation(count, dict(key)) for key, count in sums.items()]
