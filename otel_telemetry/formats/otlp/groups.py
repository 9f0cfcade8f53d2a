"""Spans as requests: what one line or one message holds, grouped by resource and scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.codec import encode
from otel_telemetry.formats.otlp.values import shallow
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import ResourceData, ScopeData, SpanData

_MAX_SPANS: Final = 512
_MAX_TEXT: Final = 2 << 20
"""Characters of attributes; with the rest, a request then stays below the 4 MiB that gRPC takes by default."""


class ScopeSpans(NamedTuple):
    """Spans of one instrumentation scope."""

    scope: ScopeData
    spans: list[SpanData]


class ResourceSpans(NamedTuple):
    """Spans of one resource."""

    resource: ResourceData
    scopes: list[ScopeSpans]


def batches(spans: Iterable[SpanData]) -> Iterator[list[SpanData]]:
    """Cut `spans` into lists that go into one request each: as many as in the SDK's batches, or fewer heavy ones.

    Values that are too deep for protobuf are put into boxes (see `shallow`).
    """
    batch: list[SpanData] = []
    size = 0
    for span in map(_shallow, spans):
        weight = len(canonical(span.attributes))
        if batch and (len(batch) == _MAX_SPANS or size + weight > _MAX_TEXT):
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += weight
    if batch:
        yield batch


def _shallow(span: SpanData) -> SpanData:
    return span._replace(
        attributes=shallow(span.attributes),
        events=tuple(event._replace(attributes=shallow(event.attributes)) for event in span.events),
        links=tuple(link._replace(attributes=shallow(link.attributes)) for link in span.links),
        resource=span.resource._replace(attributes=shallow(span.resource.attributes)),
        scope=span.scope._replace(attributes=shallow(span.scope.attributes)),
    )


def requests(records: Iterable[ExecutionRecord]) -> Iterator[list[ResourceSpans]]:
    """Yield the content of each request. An execution has its own, or several: so a line of a file is about one run."""
    for record in records:
        for batch in batches(encode(record)):
            yield grouped(batch)


def grouped(spans: Iterable[SpanData]) -> list[ResourceSpans]:
    """Group by resource, then by scope, each in the order first seen."""
    resources: dict[int, ResourceSpans] = {}
    scopes: dict[tuple[int, str, str, str, str], ScopeSpans] = {}
    for span in spans:
        resource, scope = span.resource, span.scope
        key = (resource.key, scope.name, scope.version, scope.schema_url, canonical(scope.attributes))
        if key not in scopes:
            scopes[key] = ScopeSpans(scope, [])
            resources.setdefault(resource.key, ResourceSpans(resource, [])).scopes.append(scopes[key])
        scopes[key].spans.append(span)
    return list(resources.values())
