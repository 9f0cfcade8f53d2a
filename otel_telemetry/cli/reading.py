"""The commands that answer from a store: list, show, why, query and stats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_telemetry.cli import picture, story
from otel_telemetry.cli.exits import Mistake, Nothing
from otel_telemetry.cli.options import Output, filter_options, output_options
from otel_telemetry.cli.program import program
from otel_telemetry.cli.stores import opened
from otel_telemetry.cli.tables import statistics
from otel_telemetry.cli.text import safe
from otel_telemetry.codec import to_json
from otel_telemetry.errors import AmbiguousIdError
from otel_telemetry.query import ORDERS, Filters
from otel_telemetry.reader.statistics import STATS_BY

if TYPE_CHECKING:
    from otel_telemetry.reader import Reader
    from otel_telemetry.records import ExecutionRecord

LAST = "last"


@click.command("list", short_help="List runs, the latest first.")
@filter_options
@click.option("-n", "--limit", default=20, show_default=True, help="Show at most so many.")
@output_options
def list_(where: Filters, limit: int, store: str, out: Output) -> None:
    """List runs, the latest first: status, start, duration, workflow, version, id, failing step and error."""
    with opened(store) as reader:
        page = reader.query(payloads=False, limit=limit, **where)
    if out.json:
        out.document([to_json(run) for run in page])
    else:
        out.text(picture.listing(page.records, out.view))
    if page.next_cursor:
        out.remark(f"There are more than {limit}: see them with --limit, or narrow the question.")
    if not page:
        raise Nothing("No run matches.")


@click.command(short_help="Show one run as a tree.")
@click.argument("run", default=LAST, metavar="[ID|last]")
@click.option("--full", is_flag=True, help="Add inputs, outputs, parameters and results, unabridged.")
@output_options
def show(*, run: str, full: bool, store: str, out: Output) -> None:
    """Show one run as a tree: its steps and tool calls with times, statuses, parameters and errors.

    An id may be shortened as long as only one run's begins with it. Without one: the run that started last; "last-1"
    is the one before, "last failed" the last that failed.
    """
    with opened(store) as reader:
        record = _named(reader, run)
    if out.json:
        out.document(to_json(record))
    else:
        out.text(picture.picture(record, out.view, full=full))


@click.command(short_help="Say why a run failed, the root cause first.")
@click.argument("run", default=LAST, metavar="[ID|last]")
@output_options
def why(run: str, store: str, out: Output) -> None:
    """Say why a run failed: the path to the failing call, the causes (the root first), and the parameters.

    Without an id: the last run that failed or was interrupted.
    """
    with opened(store) as reader:
        record = _latest_failure(reader) if run == LAST else _named(reader, run)
    failure = story.failure(record)
    if failure is None:
        raise Nothing(f"{safe(record.execution_id)} did not fail: it is {story.state(record)}.")
    if out.json:
        out.document(_failure_to_json(record, failure))
    else:
        out.text(picture.reasons(record, failure, out.view))


@click.command(short_help="Ask for runs page by page; whole records with --json.")
@filter_options
@click.option("-n", "--limit", default=50, show_default=True, help="Return at most so many.")
@click.option("--cursor", help="Go on after the page that ended with this cursor.")
@click.option("--order-by", default=ORDERS[0], show_default=True, metavar="ORDER", help=f"One of {', '.join(ORDERS)}.")
@click.option("--count", is_flag=True, help="Only count the runs.")
@output_options
def query(*, where: Filters, count: bool, store: str, out: Output, **page: Any) -> None:
    """Ask for runs page by page, in any order: a line for each, or whole records with --json."""
    asked: Any = {**page, **where}
    with opened(store) as reader:
        if count:
            number = reader.count(**where)
            click.echo(number)
        elif out.json:
            found = reader.query(**asked)
            number = len(found)
            out.document({"records": [to_json(run) for run in found], "next_cursor": found.next_cursor})
        else:
            runs = reader.query(payloads=False, **asked)
            number = len(runs)
            out.text(picture.listing(runs.records, out.view))
            if runs.next_cursor:
                out.remark(f"Next page: --cursor {runs.next_cursor}")
    if not number:
        raise Nothing("No run matches.")


@click.command(short_help="Count tools and steps: failures, durations.")
@filter_options
@click.option("--by", type=click.Choice(STATS_BY), help="Only tools, or only steps; or agents, model calls (chat).")
@click.option("--exact", is_flag=True, help="Look at every run: of a time or workflow, percentiles may be 1 % off.")
@output_options
def stats(where: Filters, by: Any, exact: bool, store: str, out: Output) -> None:  # noqa: FBT001  (click's)
    """Count calls per tool and runs per step: how many, how many failed, how long they took, the slowest run.

    Where fewer than 30 were counted, the share of failures has its 95 % confidence interval beside it.
    """
    with opened(store) as reader:
        found = {kind: reader.stats(kind, exact=exact, **where) for kind in ((by,) if by else ("tool", "step"))}
    if out.json:
        out.document({kind: [to_json(entry) for entry in entries] for kind, entries in found.items()})
    else:
        out.text(statistics(found, out.view))
    if not any(found.values()):
        raise Nothing("No tool or step ran.")


def _latest_failure(reader: Reader) -> ExecutionRecord:
    found = [record for record in (reader.last(status="failed"), reader.last(interrupted=True)) if record]
    if not found:
        raise Nothing("No run failed.")
    return max(found, key=lambda record: record.started_at)


def _named(reader: Reader, run: str) -> ExecutionRecord:
    try:
        record = reader.find(run)
    except AmbiguousIdError as error:
        raise Mistake(safe(str(error))) from None
    if record is None and run == LAST:
        raise Nothing(f"No run is stored yet: record one, or try {program()} demo.")
    if record is None:
        raise Nothing(f"No run's id begins with {safe(run)}: find it with {program()} list.")
    return record


def _failure_to_json(record: ExecutionRecord, failure: story.Failure) -> dict[str, Any]:
    return {
        "execution_id": record.execution_id,
        "state": story.state(record),
        "path": [story.title(part) for part in failure.path],
        "causes": [{**to_json(error), "cause": None} for error in failure.causes],
        "parameters_of": story.title(failure.parameters_of),
        "parameters": failure.parameters,
    }
