"""The format ``otlp``: a line of OTLP/JSON for each request, as the Collector's file exporter writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from otel_telemetry.errors import FormatError
from otel_telemetry.formats import json_text
from otel_telemetry.formats.otlp.endpoint import send
from otel_telemetry.formats.otlp.groups import requests
from otel_telemetry.formats.otlp.json_spans import OTHER_SIGNALS, TRACES, request_from_json, request_to_json
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData


class OtlpJson:
    """OTLP/JSON lines. A single request spread over many lines is read too; logs and metrics in between are skipped."""

    name = "otlp"
    suffixes = (".otlp.jsonl", ".otlp.json", ".otlp")

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write a line for each execution, or several where it has very many spans."""
        out.writelines(canonical(request_to_json(request)).encode() + b"\n" for request in requests(records))

    def recognises(self, head: bytes) -> bool:
        """Say whether the first key is one of OTLP's."""
        return json_text.first_key(head) in {TRACES, *OTHER_SIGNALS}

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        """Yield the spans of each request, in the order they stand there."""
        for number, document in json_text.documents(source):
            try:
                yield from request_from_json(document)
            except FormatError as exc:
                raise FormatError(f"line {number}: {exc}") from None

    def send(self, records: Iterable[ExecutionRecord], endpoint: str) -> None:
        """Send the spans that have ended to a server that takes OTLP, over HTTP or gRPC."""
        send(records, endpoint)
