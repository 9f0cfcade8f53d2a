"""What an export format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData


@runtime_checkable
class Format(Protocol):
    """A way to write executions to a stream of bytes.

    Everything is streamed: `write` takes one record at a time from an iterator that may go on for millions, holds none,
    and writes the same bytes for the same records. It neither opens, flushes nor closes `out`.
    """

    @property
    def name(self) -> str:
        """What users call the format, such as ``jsonl``."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How the names of its files end, with the dot: the usual ending first."""

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write `records` to `out`, in the order given."""


@runtime_checkable
class ReadableFormat(Format, Protocol):
    """A format that can be imported with nothing lost: what it wrote, read and written again, is the same bytes."""

    def recognises(self, head: bytes) -> bool:
        """Say whether a file that starts with `head` (64 KiB, or all of it) looks like this format."""

    def read(self, source: BinaryIO) -> Iterator[SpanData]:
        """Yield the spans in `source`, each as soon as it has been read.

        Spans and not executions, because the spans of one trace may be spread over a whole file. What is yielded has
        not been redacted (see `otel_telemetry.formats.redact`).

        Raises:
            FormatError: `source` is not in this format; the message says where and what is wrong, and shows no value.
        """


@runtime_checkable
class TableFormat(Format, Protocol):
    """A format that spreads executions over several tables, a file each. `write` writes the first one alone."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables. The first goes to the file that the user names, the others stand beside it."""

    def write_tables(self, records: Iterable[ExecutionRecord], outs: Mapping[str, BinaryIO]) -> None:
        """Write `records`, each table to the stream under its name."""


@runtime_checkable
class SendableFormat(Format, Protocol):
    """A format that can also be sent to a server."""

    def send(self, records: Iterable[ExecutionRecord], endpoint: str) -> None:
        """Send `records` to `endpoint`, a URL.

        Raises:
            ExportError: the server could not be reached or refused them.
        """
