"""The commands that write to a store: demo and import."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from pathlib import Path

import click

from otel_telemetry.cli import picture
from otel_telemetry.cli.exits import Mistake, StoreTrouble
from otel_telemetry.cli.options import Output, output_options
from otel_telemetry.cli.program import program
from otel_telemetry.cli.stores import shown
from otel_telemetry.cli.text import safe
from otel_telemetry.codec import to_json

_UNDER_WAY_S = 1.0
"""How long the demo may take before it says what it is doing."""


@click.command(short_help="Record a real workflow, and show what was recorded.")
@output_options
def demo(store: str, out: Output) -> None:
    """Record a real workflow over this Python environment, and show what was recorded.

    It reads the metadata, licences, requirements and file digests of some of the installed distributions. Nothing
    leaves this machine.
    """
    # Deferred: recording brings the OpenTelemetry SDK, which the commands that only read do without.
    from otel_telemetry.cli import demo as example  # noqa: PLC0415
    from otel_telemetry.wiring import configure  # noqa: PLC0415

    notice = threading.Timer(_UNDER_WAY_S, out.remark, ["Inspecting this Python environment …"])
    notice.daemon = True
    notice.start()
    started_ns = time.time_ns()
    with configure(store) as telemetry:
        example.run()
        if not telemetry.flush():
            raise StoreTrouble(f"The run could not be stored: {safe(str(telemetry.health().sinks[0].last_error))}")
        (record,) = telemetry.store.query(limit=1, workflow_name=example.WORKFLOW, started_after=started_ns)
    notice.cancel()
    if out.json:
        out.document(to_json(record))
        return
    out.text(picture.picture(record, out.view))
    if store.startswith("memory:"):
        out.remark("\nRead back from memory, which ends with this command. Without --store it is kept in a file.")
        return
    given = click.get_current_context().params["store"]
    option = f" --store {shlex.quote(shown(store))}" if given else ""
    out.remark(f"\nRead back from {shown(store)}. Next:")
    for command in ("show last --full", "stats", "export csv runs.csv"):
        out.remark(f"  {program()} {command}{option}")


@click.command("import", short_help="Store runs from an exported file.")
@click.argument("source")
@output_options
def import_(source: str, store: str, out: Output) -> None:
    """Store the runs in SOURCE, a file that `export` wrote as json, jsonl, otlp or otlp-proto, or - for stdin.

    They are redacted on the way. Importing the same file again changes nothing.
    """
    from otel_telemetry.wiring import configure  # noqa: PLC0415  (the OpenTelemetry SDK)

    if source != "-" and not Path(source).is_file():
        raise Mistake(f"{safe(source)} is not a file: name one that otel-telemetry export wrote, or - for stdin.")
    with configure(store) as telemetry:
        spans = telemetry.store.import_(sys.stdin.buffer if source == "-" else source)
    if out.json:
        out.document({"spans": spans})
    else:
        out.text([f"{spans:,} spans imported into {shown(store)}."])
