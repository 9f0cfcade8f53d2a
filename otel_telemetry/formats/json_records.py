"""Executions as JSON: one document, or a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from otel_telemetry.codec import encode, from_json, to_json
from otel_telemetry.errors import FormatError
from otel_telemetry.formats import json_text
from span_processors.redaction.serial import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otel_telemetry.records import ExecutionRecord, JsonValue
    from span_processors.data import SpanData

_FORMAT: Final = "otel-telemetry"
_VERSION: Final = 1
_HEAD: Final = f'{{"format":"{_FORMAT}","version":{_VERSION},"executions":['.encode()
_TAIL: Final = b"]}"


class JsonLines:
    """An execution a line, everything nested."""

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson")

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write a line for each execution."""
        out.writelines(_line(record) + b"\n" for record in records)

    def recognises(self, head: bytes) -> bool:
        """Say whether the first key is an execution's; an empty file has no lines, and is one too."""
        return json_text.first_key(head) == "execution_id" or not head.strip()

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        """Yield the spans of each execution, in the order of the lines."""
        for number, line in json_text.lines(source):
            yield from _spans(json_text.parse(line, number), f"line {number}")


class Json:
    """One document: ``{"format": "otel-telemetry", "version": 1, "executions": [...]}``, an execution a line."""

    name = "json"
    suffixes = (".json",)

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write the document, line by line."""
        out.write(_HEAD)
        separator = b"\n"
        for record in records:
            out.write(separator + _line(record))
            separator = b",\n"
        out.write(b"\n" + _TAIL + b"\n")

    def recognises(self, head: bytes) -> bool:
        """Say whether the first key is one of the document's."""
        return json_text.first_key(head) in {"format", "version", "executions"}

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        """Yield the spans of each execution: line by line, or at once where the document has been laid out anew."""
        lines = json_text.lines(source)
        number, first = next(lines, (1, b""))
        if first == _HEAD:
            yield from _spans_of_lines(lines)
        else:
            text = b"\n".join((first, *(line for _, line in lines)))
            yield from _spans_of_document(json_text.parse(text, number))


def _line(record: ExecutionRecord) -> bytes:
    return canonical(to_json(record)).encode("ascii")


def _spans(value: JsonValue, where: str) -> list[SpanData]:
    try:
        return encode(from_json(value))
    except FormatError as exc:
        raise FormatError(f"{where}: {exc}") from None


def _spans_of_lines(lines: Iterator[tuple[int, bytes]]) -> Iterator[SpanData]:
    number, more = 1, False
    for number, line in lines:
        if line == _TAIL and not more:
            break
        more = line.endswith(b",")
        yield from _spans(json_text.parse(line.removesuffix(b","), number), f"line {number}")
    else:
        raise FormatError(f"the document ends after line {number} without {_TAIL.decode()}: it was cut off")
    for number, _ in lines:
        raise FormatError(f"line {number}: there is something after the end of the document")


def _spans_of_document(document: JsonValue) -> Iterator[SpanData]:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise FormatError(f'this is no document of executions: "format" is not "{_FORMAT}"')
    if document.get("version") != _VERSION:
        raise FormatError(f"the document's version is not {_VERSION}: import it with a newer release")
    executions = document.get("executions")
    if not isinstance(executions, list):
        raise FormatError('"executions" is not an array')
    for position, execution in enumerate(executions, 1):
        yield from _spans(execution, f"execution {position}")
