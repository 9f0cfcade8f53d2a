"""The command that writes runs out of a store: export."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from otel_telemetry.cli.exits import Nothing
from otel_telemetry.cli.options import Output, filter_options, output_options
from otel_telemetry.cli.stores import opened
from otel_telemetry.cli.text import safe

if TYPE_CHECKING:
    from otel_telemetry.query import Filters


@click.command(short_help="Write runs to a file or an OTLP endpoint.")
@click.argument("format_", metavar="FORMAT")
@click.argument("target")
@filter_options
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@output_options
def export(*, format_: str, target: str, where: Filters, overwrite: bool, store: str, out: Output) -> None:
    """Write runs to TARGET: a file, - for stdout, or an OTLP endpoint such as http://localhost:4318.

    FORMAT is json, jsonl, csv, otlp (JSON lines, as the Collector writes them) or otlp-proto. A file appears whole,
    readable by its owner only, or not at all.
    """
    # Deferred: formats bring csv, gzip and, for OTLP, protobuf.
    from otel_telemetry import formats  # noqa: PLC0415

    chosen = formats.get(format_)
    to: Any = sys.stdout.buffer if target == "-" else target
    with opened(store) as reader, ExitStack() as stack:
        total = reader.count(**where)
        if not total:
            raise Nothing("No run matches: nothing was written.")
        bar: Any = None
        if sys.stderr.isatty():
            bar = stack.enter_context(click.progressbar(length=total, label="Exporting", file=sys.stderr))
        written = formats.export_to(
            chosen,
            to,
            reader.iterate(order_by="started_at", **where),
            overwrite=overwrite,
            progress=bar and (lambda written: bar.update(written - bar.pos)),
        )
    if target == "-":
        return
    if out.json:
        out.document({"runs": written, "target": target})
    else:
        others = chosen.tables[1:] if isinstance(chosen, formats.TableFormat) else ()
        beside = f", their {', '.join(others)} beside it" if others else ""
        out.text([f"{written:,} runs written to {safe(target)}{beside}."])
