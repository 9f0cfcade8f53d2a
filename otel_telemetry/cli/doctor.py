"""The command that looks after the installation and the store: doctor."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from otel_telemetry import settings
from otel_telemetry.cli import find
from otel_telemetry.cli.exits import Mistake, ending
from otel_telemetry.cli.options import Output, output_options
from otel_telemetry.cli.picture import DIM
from otel_telemetry.cli.stores import opened
from otel_telemetry.cli.text import Segment, columns, line, safe
from otel_telemetry.errors import StoreError

if TYPE_CHECKING:
    from otel_telemetry.cli.health import Finding

_FINDING = 1


@click.command(short_help="Check configuration, versions and store; search for a value; rescue a damaged store.")
@click.option(
    "--find", "searching", is_flag=True, help="Search the store for a value, which is read from stdin or asked for."
)
@click.option("--find-env", metavar="VARIABLE", help="Search the store for the value of this environment variable.")
@click.option("--salvage", "damaged", metavar="FILE", help="Get out of this damaged SQLite file what can be got.")
@click.option("--into", metavar="FILE", help="The new store for what --salvage finds (default: FILE.salvaged.db).")
@output_options
def doctor(
    *, searching: bool, find_env: str | None, damaged: str | None, into: str | None, store: str, out: Output
) -> None:
    """Say what is configured and from where, what is installed, and whether the store works.

    With --find, look for a value that should not be there: in every run and, where the store is a SQLite file, in every
    byte of it and of its write-ahead log; as it is, JSON-escaped, percent-encoded and in base64. The value is never
    shown. Ends with 1 where it is found.

    With --salvage, read a damaged store page by page, such as one that was set aside as NAME.corrupt-TIME, and write
    every span that can be read to a new one. The file is not changed.
    """
    if into and not damaged:
        raise Mistake("--into goes with --salvage.")
    if damaged:
        _salvage(Path(damaged), Path(into or f"{damaged}.salvaged.db"), out)
    elif searching or find_env:
        _search(_wanted(find_env), store, out)
    else:
        _report(store, out)


def _report(store: str, out: Output) -> None:
    # Deferred: package metadata, leases and drivers are the business of no other command.
    from otel_telemetry.cli import health  # noqa: PLC0415

    configured = settings.load()
    on_disk, waiting = health.spill(configured, store)
    findings = [*health.configuration(configured, store), *health.versions(), *waiting]
    trouble: StoreError | None = None
    try:
        findings += health.store(store, time.time_ns(), on_disk)
    except StoreError as error:
        trouble = error
        findings.append(health.Finding("store", "readable", f"no: {error}", good=False))
    if out.json:
        out.document([finding._asdict() for finding in findings])
    else:
        out.text(line(row) for row in columns([_row(finding) for finding in findings]))
    if trouble is not None:
        raise ending(trouble)
    if any(finding.good is False for finding in findings):
        raise click.exceptions.Exit(_FINDING)


def _row(finding: Finding) -> list[Segment]:
    colour = {True: "green", False: "red", None: None}[finding.good]
    return [(finding.area, DIM), (safe(finding.name), None), (safe(finding.value), colour)]


def _wanted(variable: str | None) -> str:
    if variable is not None:
        value = os.environ.get(variable, "")
    elif sys.stdin.isatty():
        value = click.prompt("Value to search for", hide_input=True, err=True)
    else:
        value = sys.stdin.read().removesuffix("\n")
    if len(value) < find.MIN_CHARACTERS:
        raise Mistake(f"The value has fewer than {find.MIN_CHARACTERS} characters, which stand anywhere by chance.")
    return value


def _search(value: str, store: str, out: Output) -> None:
    wanted = find.forms(value)
    with opened(store) as reader:
        finds = list(find.in_records(reader.iterate(), wanted))
    for path in find.sqlite_files(store):
        finds += find.in_file(path, wanted)
    if out.json:
        out.document([find._asdict() for find in finds])
    else:
        out.text(_places(finds))
    if finds:
        raise click.exceptions.Exit(_FINDING)


def _salvage(damaged: Path, into: Path, out: Output) -> None:
    # Deferred: writing brings the OpenTelemetry SDK.
    from otel_telemetry.stores.sqlite.salvage import salvage  # noqa: PLC0415

    saved = salvage(damaged, into)
    if out.json:
        out.document({**saved._asdict(), "into": str(into)})
    else:
        out.text([f"{saved.spans:,} spans are in {safe(str(into))}; {saved.unreadable:,} could not be read."])
        out.remark(f"Look at them with --store {safe(into.absolute().as_uri().replace('file:', 'sqlite:'))}")


def _places(finds: list[find.Find]) -> Iterator[str]:
    if not finds:
        yield "Found nowhere."
    for place, offset, form in finds:
        yield f"{safe(place)}" + (f", byte {offset:,}" if offset is not None else "") + f": {form}"
