"""Export to a file, a stream or a server; import from a file or a stream."""

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
from otel_telemetry.formats.base import Format, ReadableFormat, SendableFormat, TableFormat
from otel_telemetry.formats.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from otel_telemetry.records import ExecutionRecord
    from span_processors.data import SpanData

Target: TypeAlias = "str | os.PathLike[str] | BinaryIO"
Source: TypeAlias = "str | os.PathLike[str] | BinaryIO"

ENDPOINT_SCHEMES: Final = ("http://", "https://", "grpc://", "grpcs://")
"""How a target begins that is a server."""

_HEAD_BYTES: Final = 65536
_GZIP_MAGIC: Final = b"\x1f\x8b"


def export_to(
    format: str | Format | None,  # noqa: A002  (what the command line and the store call it too)
    target: Target,
    records: Iterable[ExecutionRecord],
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write `records` to `target`, in the order given and in constant memory.

    Args:
        format: A format or its name (`registry.names`). None: by the file's suffix, or ``otlp`` for an endpoint.
        target: A file's name; or a binary stream, which is not closed; or an endpoint that takes OTLP:
            ``http://host:4318``, ``https://…``, ``grpc://host:4317`` (plain) or ``grpcs://…`` (TLS).
            A file appears whole, with mode 0600, or not at all. A format of several tables writes the first one to the
            file and the others beside it: ``runs.csv``, ``runs.steps.csv`` and so on; to a stream, the first one alone.
        records: What to write.
        overwrite: Whether a file that exists may be replaced.
        progress: Called with the number of records written so far, after each.

    Returns:
        How many records were written.

    Raises:
        FormatError: the format is unknown or cannot be told, or cannot go to such a target.
        ExportError: the file exists or cannot be written, or the endpoint did not take the spans.
    """
    written = 0

    def counted() -> Iterator[ExecutionRecord]:
        nonlocal written
        for record in records:
            yield record
            written += 1
            if progress is not None:
                progress(written)

    if isinstance(target, str) and target.startswith(ENDPOINT_SCHEMES):
        chosen = _chosen(format or "otlp")
        if not isinstance(chosen, SendableFormat):
            raise FormatError(f"format {chosen.name!r} cannot be sent to an endpoint: use otlp")
        chosen.send(counted(), target)
    elif isinstance(target, str | os.PathLike):
        path = Path(target)
        _write_files(_chosen(format or registry.for_file_name(path.name)), path, counted(), overwrite=overwrite)
    elif format is None:
        raise FormatError(f"a stream has no suffix to tell the format by: name one of {', '.join(registry.names())}")
    else:
        _chosen(format).write(counted(), target)
    return written


def import_from(source: Source, *, format: str | Format | None = None) -> Iterator[SpanData]:  # noqa: A002
    """Yield the spans in `source` as they stand there: not yet redacted (see `redact`).

    A file, or a stream that can be rewound, is read through and checked before its first span is yielded, so that
    nothing is imported of one that is damaged. What gzip has packed is unpacked.

    Args:
        source: A file's name or a binary stream, which is not closed.
        format: A format or its name. None: by the content.

    Raises:
        FormatError: the source is damaged, or its format cannot be told or imported; the message says where and why.
        OSError: the file cannot be opened or read.
    """
    with _opened(source) as stream:
        chosen = _chosen(format or registry.recognise(stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]))
        if not isinstance(chosen, ReadableFormat):
            raise FormatError(f"format {chosen.name!r} can only be exported: import json, jsonl, otlp or otlp-proto")
        if stream.seekable():
            start = stream.tell()
            for _ in chosen.read(stream):
                pass
            stream.seek(start)
        yield from chosen.read(stream)


def _chosen(known: str | Format) -> Format:
    return registry.get(known) if isinstance(known, str) else known


def _write_files(chosen: Format, path: Path, records: Iterable[ExecutionRecord], *, overwrite: bool) -> None:
    if not isinstance(chosen, TableFormat):
        with written_whole([path], overwrite=overwrite) as (out,):
            chosen.write(records, out)
        return
    first, *others = chosen.tables
    targets = {first: path, **{table: path.with_name(f"{path.stem}.{table}{path.suffix}") for table in others}}
    with written_whole(list(targets.values()), overwrite=overwrite) as outs:
        chosen.write_tables(records, dict(zip(targets, outs, strict=True)))


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[io.BufferedReader]:
    """Open `source` for reading, unpacked, and leave a stream that was given open."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            source = stack.enter_context(Path(source).open("rb"))
        stream: io.BufferedReader = io.BufferedReader(cast("Any", source), _HEAD_BYTES)
        stack.callback(stream.detach)  # or it would close `source` with itself
        if stream.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] != _GZIP_MAGIC:
            yield stream
            return
        packed = stack.enter_context(gzip.GzipFile(fileobj=stream))
        try:
            yield io.BufferedReader(cast("Any", packed), _HEAD_BYTES)
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            raise FormatError(f"the gzip file is damaged: {exc}") from exc
