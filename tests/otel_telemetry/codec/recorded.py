"""Traces that others recorded, from the folder of test data."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from otel_telemetry.formats.otlp.json_spans import request_from_json
from span_processors.data import EventData, ResourceData, ScopeData, SpanData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_JAEGER_KINDS = {"internal": 0, "server": 1, "client": 2, "producer": 3, "consumer": 4}


def traces(folder: Path) -> Iterator[tuple[str, list[SpanData]]]:
    """Yield each trace with the name of its file."""
    with gzip.open(folder / "otel-demo-otlp/otel-demo-traces.otlp.jsonl.gz") as lines:
        demo = [json.loads(line) for line in lines]
    yield from _by_trace("otel-demo", (span for request in demo for span in request_from_json(request)))
    for name in (
        "jaeger/otel_traces_01.json",
        "jaeger/otlp2jaeger-multi-in-combined.otlp.json",
        "otlp-proto-examples/trace.json",
    ):
        yield from _by_trace(name, request_from_json(json.loads((folder / name).read_text())))
    jaeger = json.loads((folder / "jaeger/genaiTestTrace.jaeger.json").read_text())
    yield from _by_trace("genai", (_jaeger_span(span, jaeger["processes"]) for span in jaeger["spans"]))
    captured = json.loads((folder / "openinference/vercel-v6-all-spans.json").read_text())
    yield from _by_trace("vercel", map(_captured_span, captured))


def _by_trace(name: str, spans: Iterable[SpanData]) -> Iterator[tuple[str, list[SpanData]]]:
    found: dict[int, list[SpanData]] = defaultdict(list)
    for span in spans:
        found[span.trace_id].append(span)
    for trace in found.values():
        yield name, trace


def _jaeger_span(span: dict[str, Any], processes: dict[str, Any]) -> SpanData:
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    parents = [reference["spanID"] for reference in span["references"] if reference["refType"] == "CHILD_OF"]
    start = span["startTime"] * 1000
    events = tuple(
        EventData("log", log["timestamp"] * 1000, {field["key"]: field["value"] for field in log["fields"]})
        for log in span["logs"]
    )
    return SpanData(
        int(span["traceID"], 16),
        int(span["spanID"], 16),
        int(parents[0], 16) if parents else None,
        "",
        1,
        span["operationName"],
        _JAEGER_KINDS[tags.pop("span.kind", "internal")],
        start,
        start + span["duration"] * 1000,
        2 if tags.pop("error", False) else 0,
        None,
        tags,
        events,
        (),
        0,
        0,
        0,
        ResourceData.of({"service.name": processes[span["processID"]]["serviceName"]}),
        ScopeData(""),
    )


def _captured_span(span: dict[str, Any]) -> SpanData:
    context = span["spanContext"]
    start, end = (seconds * 10**9 + rest for seconds, rest in (span["startTime"], span["endTime"]))
    return SpanData(
        int(context["traceId"], 16),
        int(context["spanId"], 16),
        int(span["parentSpanId"], 16) if span.get("parentSpanId") else None,
        "",
        1,
        span["name"],
        0,
        start,
        end,
        span["status"]["code"],
        span["status"].get("message"),
        span["attributes"],
        (),
        (),
        0,
        0,
        0,
        ResourceData.of({}),
        ScopeData("ai"),
    )
