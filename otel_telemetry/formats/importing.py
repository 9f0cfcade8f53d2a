"""Import from a file or a stream: spans as they stand there, or the rows that a store keeps of them."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, cast

from otel_telemetry.errors import FormatError
from otel_telemetry.formats import registry
from otel_telemetry.formats.base import Format, ReadableFormat
from otel_telemetry.formats.redact import redacted
from otel_telemetry.rows import INTERRUPTED_LEASE, row_of
from otel_telemetry.semconv import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.rows import SpanRow
    from span_processors.data import SpanData
    from span_processors.redaction import Redactor

Source: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_HEAD_BYTES: Final = 65536
_GZIP_MAGIC: Final = b"\x1f\x8b"


def import_from(source: Source, *, format: str | Format | None = None) -> Iterator[SpanData]:  # noqa: A002
    """Yield the spans in `source` as they stand there, not redacted.

    A file, or a stream that can be rewound, is read through and checked before its first span is yielded, so that
    nothing is imported of one that is damaged. What gzip has packed is unpacked.

    Args:
        source: A file's name or a binary stream, which is not closed.
        format: A format or its name. None: by the content.

    Raises:
        FormatError: the source is damaged, or its format cannot be told or imported; the message says where and why.
        OSError: the file cannot be opened or read.
    """
    return _spans(source, format)


def rows_from(source: Source, redactor: Redactor, *, format: str | Format | None = None) -> Iterator[SpanRow]:  # noqa: A002
    """Yield the rows that stand for the spans in `source`, redacted, for a store to write in any number of batches.

    Writing the rows of one source again changes nothing, and so does the order of several sources.

    See `import_from` for the arguments and errors.
    """
    for span in redacted(_spans(source, format), redactor):
        yield row_of(span, INTERRUPTED_LEASE if span.attributes.get(INTERRUPTED) is True else None)


def _spans(source: Source, known: str | Format | None) -> Iterator[SpanData]:
    """Yield the spans; before that, read all of them where they can be read twice."""
    with _opened(source) as (stream, can_be_rewound):
        chosen = registry.get(known or registry.recognise(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]))
        if not isinstance(chosen, ReadableFormat):
            raise FormatError(f"format {chosen.name!r} can only be exported: import json, jsonl, otlp or otlp-proto")
        if can_be_rewound:
            start = stream.tell()
            for _ in chosen.read(stream):
                pass
            stream.seek(start)
        yield from chosen.read(stream)


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[tuple[io.BufferedReader, bool]]:
    """Open `source` for reading, unpacked, and say whether it can be read twice. A stream stays open."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            source = stack.enter_context(Path(source).open("rb"))
        stream: io.BufferedReader = io.BufferedReader(cast("Any", source), _HEAD_BYTES)
        stack.callback(stream.detach)  # or it would close `source` with itself
        if stream.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] != _GZIP_MAGIC:
            yield stream, stream.seekable()
            return
        packed = stack.enter_context(gzip.GzipFile(fileobj=stream))
        try:
            yield io.BufferedReader(cast("Any", packed), _HEAD_BYTES), stream.seekable()
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            raise FormatError(f"the gzip file is damaged: {exc}") from exc
