"""The commands that look after a store: prune, delete, and db."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from otel_telemetry.cli.exits import Mistake, Nothing, StoreTrouble
from otel_telemetry.cli.options import Output, filter_options, output_options
from otel_telemetry.cli.stores import opened, opened_store, shown
from otel_telemetry.cli.text import safe
from otel_telemetry.errors import InvalidFilterError
from otel_telemetry.filter_values import moment
from span_processors.sinks import RetryableError

if TYPE_CHECKING:
    from otel_telemetry.query import Filters
    from otel_telemetry.stores.base import StoreExporter

_SECONDS_BETWEEN_REMARKS = 1.0


@click.command(short_help="Remove runs that are older than some time.")
@click.option("--older-than", required=True, metavar="TIME", help="Which: 12h, 30d, 8w.")
@output_options
def prune(older_than: str, store: str, out: Output) -> None:
    """Remove the runs that started longer ago than TIME, by whole hours. What runs now stays, however old.

    What was counted of them (stats without other filters than time and workflow) is kept. Nothing brings them back.
    """
    before_ns = _before(older_than)
    # Deferred: leases are the business of few commands.
    from otel_telemetry.stores.lease import live_leases  # noqa: PLC0415

    with opened_store(store) as found:
        live = live_leases(found.leases(), time.time_ns())
    with _exporter(store) as exporter:
        pruned = exporter.prune(before_ns, live, _progress(out, "runs removed"))
    if out.json:
        out.document({"executions": pruned.executions, "kept_open": pruned.kept_open})
        return
    still = f" {pruned.kept_open:,} that still run stay." if pruned.kept_open else ""
    out.text([f"{pruned.executions:,} runs removed from {shown(store)}.{still}"])


@click.command(short_help="Remove runs for good.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@filter_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@output_options
def delete(*, ids: tuple[str, ...], where: Filters, yes: bool, store: str, out: Output) -> None:
    """Remove the runs of these ids, or those that the filters mean, with everything that was counted of them.

    Nothing brings them back; a span of theirs that comes late is refused.
    """
    asked: dict[str, Any] = {name: value for name, value in where.items() if value not in (None, ())}
    if bool(ids) == bool(asked):
        raise Mistake("Name ids, or say by filters which runs to remove.")
    with opened(store) as reader:
        found = ids or tuple(run.execution_id for run in reader.iterate(payloads=False, **asked))
    if not found:
        raise Nothing("No run matches.")
    if not yes:
        click.confirm(f"Remove {len(found):,} runs from {shown(store)} for good?", abort=True, err=True)
    with _exporter(store) as exporter:
        removed = exporter.delete(found)
    if out.json:
        out.document({"executions": removed})
    else:
        out.text([f"{removed:,} runs removed from {shown(store)}."])
    if not removed:
        raise Nothing("No run has such an id.")


@click.group(short_help="Make a store's tables anew, or copy a store.")
def db() -> None:
    """Make a store's tables anew from its spans, or copy a store into another one."""


@db.command(short_help="Make everything anew from the spans.")
@output_options
def reindex(store: str, out: Output) -> None:
    """Judge every span again, and make runs, search terms and statistics anew from the spans.

    Needed after an upgrade that knows more conventions; doctor says so. Recording waits meanwhile.
    """
    with opened_store(store):  # there is one
        pass
    with _exporter(store) as exporter:
        spans = exporter.reindex(_progress(out, "spans read"))
    if out.json:
        out.document({"spans": spans})
    else:
        out.text([f"{shown(store)} is made anew from {spans:,} spans."])


@db.command("copy", short_help="Copy a store, also one of an older version.")
@click.argument("old")
@click.argument("new")
@output_options
def copy(old: str, new: str, store: str, out: Output) -> None:  # noqa: ARG001  (the option of every command)
    """Copy all spans of the store OLD into the store NEW, which is made where there is none; both are URLs.

    OLD may be of an older version, and NEW another kind of store (SQLite to PostgreSQL). OLD stays as it
    is. Copying again adds nothing twice.
    """
    from otel_telemetry.stores import copying  # noqa: PLC0415  (SQLAlchemy and drivers)

    if old == new:
        raise Mistake("OLD and NEW are the same store.")
    with _exporter(new) as exporter:
        copied = copying.copy(old, exporter, _progress(out, "spans copied"))
    if out.json:
        out.document(copied._asdict())
    else:
        out.text([f"{copied.spans:,} spans of {copied.processes:,} processes copied into {shown(new)}."])


def _before(older_than: str) -> int:
    try:
        return moment("--older-than", older_than, time.time_ns())
    except InvalidFilterError as error:
        raise click.BadParameter(safe(str(error)), param_hint="--older-than") from None


@contextmanager
def _exporter(url: str) -> Iterator[StoreExporter[Any]]:
    # Deferred: writing brings the OpenTelemetry SDK.
    from otel_telemetry.stores.base import StoreExporter  # noqa: PLC0415
    from otel_telemetry.stores.registry import open_exporter  # noqa: PLC0415

    exporter = open_exporter(url)
    if not isinstance(exporter, StoreExporter):
        raise Mistake(f"A store of this kind is looked after by its own tools: {shown(url)}")
    try:
        yield exporter
    except RetryableError as error:
        raise StoreTrouble(safe(str(error))) from error
    finally:
        exporter.shutdown()


def _progress(out: Output, what: str) -> Callable[[int], None]:
    told = time.monotonic()

    def tell(count: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _SECONDS_BETWEEN_REMARKS:
            told = time.monotonic()
            out.remark(f"{count:,} {what} ...")

    return tell
