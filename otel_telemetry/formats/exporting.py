"""Export to a file, a stream or a server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from otel_telemetry.errors import FormatError
from otel_telemetry.formats import registry
from otel_telemetry.formats.base import Format, SendableFormat, TableFormat
from otel_telemetry.formats.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from otel_telemetry.records import ExecutionRecord

Target: TypeAlias = "str | os.PathLike[str] | BinaryIO"

ENDPOINT_SCHEMES: Final = ("http://", "https://", "grpc://", "grpcs://")
"""How a target begins that is a server."""


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
        chosen = registry.get(format or "otlp")
        if not isinstance(chosen, SendableFormat):
            raise FormatError(f"format {chosen.name!r} cannot be sent to an endpoint: use otlp")
        chosen.send(counted(), target)
    elif isinstance(target, str | os.PathLike):
        path = Path(target)
        _write_files(registry.get(format or registry.for_file_name(path.name)), path, counted(), overwrite=overwrite)
    elif format is None:
        raise FormatError(f"a stream has no suffix to tell the format by: name one of {', '.join(registry.names())}")
    else:
        registry.get(format).write(counted(), target)
    return written


def _write_files(chosen: Format, path: Path, records: Iterable[ExecutionRecord], *, overwrite: bool) -> None:
    if not isinstance(chosen, TableFormat):
        with written_whole([path], overwrite=overwrite) as (out,):
            chosen.write(records, out)
        return
    first, *others = chosen.tables
    targets = {first: path, **{table: path.with_name(f"{path.stem}.{table}{path.suffix}") for table in others}}
    with written_whole(list(targets.values()), overwrite=overwrite) as outs:
        chosen.write_tables(records, dict(zip(targets, outs, strict=True)))
