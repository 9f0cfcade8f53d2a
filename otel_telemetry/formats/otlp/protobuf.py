"""The format ``otlp-proto``: requests in protobuf, each after its length, as the Collector's file exporter does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from otel_telemetry.errors import FormatError, MissingExtraError
from otel_telemetry.formats.otlp.endpoint import send
from otel_telemetry.formats.otlp.groups import requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData

_LENGTH_BYTES: Final = 4
_BARE_REQUEST: Final = 0x0A
"""The first byte of a request without a length before it: the tag of its first field. As the first byte of a length it
would announce 160 MiB or more."""
_MAX_REQUEST_BYTES: Final = _BARE_REQUEST << 24


class OtlpProtobuf:
    """OTLP requests in protobuf: the length of each in four bytes, big end first, then the request.

    A file that holds one request and nothing else, as it goes over the wire, is read too.
    """

    name = "otlp-proto"
    suffixes = (".otlp.pb", ".pb", ".binpb")

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write a request for each execution, or several where it has very many spans.

        Raises:
            MissingExtraError: the extra ``otlp`` is not installed.
            FormatError: a single span is longer than any reader takes.
        """
        request_to_bytes = _messages().request_to_bytes
        for request in requests(records):
            serialised = request_to_bytes(request)
            if len(serialised) >= _MAX_REQUEST_BYTES:
                raise FormatError(f"a span of over {_MAX_REQUEST_BYTES >> 20} MiB cannot be exported so: use jsonl")
            out.write(len(serialised).to_bytes(_LENGTH_BYTES, "big") + serialised)

    def recognises(self, head: bytes) -> bool:
        """Say whether it starts like a request or like a length with a request after it."""
        bare = bytes((_BARE_REQUEST,))
        return head.startswith(bare) or (head[:1] < bare and head[_LENGTH_BYTES:].startswith(bare))

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        """Yield the spans of each request, in the order they stand there.

        Raises:
            MissingExtraError: the extra ``otlp`` is not installed.
        """
        request_from_bytes = _messages().request_from_bytes
        for position, serialised in _requests(source):
            try:
                yield from request_from_bytes(serialised)
            except FormatError as exc:
                raise FormatError(f"request at byte {position}: {exc}") from None

    def send(self, records: Iterable[ExecutionRecord], endpoint: str) -> None:
        """Send the spans that have ended to a server that takes OTLP, over HTTP or gRPC."""
        send(records, endpoint)


def _requests(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each serialised request and where in `source` it begins."""
    position = 0
    while prefix := source.read(_LENGTH_BYTES):
        if position == 0 and prefix[0] == _BARE_REQUEST:
            request = prefix + source.read(_MAX_REQUEST_BYTES)
            if len(request) > _MAX_REQUEST_BYTES:
                raise FormatError(f"a single request of over {_MAX_REQUEST_BYTES >> 20} MiB is too long")
            yield position, request
            return
        length = int.from_bytes(prefix, "big")
        if length >= _MAX_REQUEST_BYTES:
            raise FormatError(f"byte {position}: there should be the length of a request, and this is none")
        position += _LENGTH_BYTES
        request = source.read(length)
        if len(prefix) < _LENGTH_BYTES or len(request) < length:
            raise FormatError(f"byte {position}: the file ends inside a request: it was cut off")
        yield position, request
        position += length


def _messages() -> ModuleType:
    """Import the generated messages, which come with the extra ``otlp``, and which most runs never need."""
    try:
        from otel_telemetry.formats.otlp import proto_spans  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise MissingExtraError("OTLP in protobuf", "otlp") from exc
    return proto_spans
