"""The command that follows a store: tail."""

from __future__ import annotations

import threading
import time
from typing import Any

import click

from otel_telemetry.cli import story
from otel_telemetry.cli.exits import Nothing
from otel_telemetry.cli.options import Output, lasting_filter_options, output_options
from otel_telemetry.cli.picture import COLOURS, DIM, error_line
from otel_telemetry.cli.stores import opened
from otel_telemetry.cli.text import View, duration, line, safe
from otel_telemetry.cli.watch import STARTED, Event, Watcher
from otel_telemetry.codec import to_json
from otel_telemetry.query import Filter, Filters
from otel_telemetry.records import StepRecord

_INTERVAL_S = 0.2
_STATE_CELLS = 11
_DURATION_CELLS = 7


@click.command(short_help="Follow runs and steps as they start and end.")
@lasting_filter_options
@click.option("--follow/--once", default=True, help="Go on until Ctrl-C (default), or tell what is known now and stop.")
@output_options
def tail(*, where: Filters, follow: bool, store: str, out: Output) -> None:
    """Print runs and steps as they start and end, beginning with those that run now and those --since a time."""
    since_ns = Filter.parse(**where).started_after_ns
    filters: Any = {**where, "started_after": None}
    told = 0
    with opened(store) as reader:
        watcher = Watcher(reader, out.view.now_ns if since_ns is None else since_ns, filters)
        try:
            while True:
                for event in watcher.events(time.time_ns()):
                    told += 1
                    _tell(event, out)
                if not follow:
                    break
                threading.Event().wait(_INTERVAL_S)
        except KeyboardInterrupt:
            return
    if not told:
        raise Nothing("No run is running, and none started in that time.")


def _tell(event: Event, out: Output) -> None:
    if out.json:
        out.document(_to_json(event))
    else:
        out.text([_line(event, out.view)])


def _line(event: Event, view: View) -> str:
    run, part = event.run, event.part
    ended = event.what != STARTED
    name = safe(story.title(run)) + (f" {safe(run.workflow_version)}" if run.workflow_version else "")
    step = f" > {safe(story.title(part))}" if isinstance(part, StepRecord) else ""
    reason = isinstance(part, StepRecord) and part.skip_reason
    return line(
        [
            (view.time(event.time_ns) + "  ", DIM),
            (f"{event.what:<{_STATE_CELLS}}  ", COLOURS.get(event.what)),
            (f"{duration(part.duration_ms) if ended else '':>{_DURATION_CELLS}}  ", None),
            (name + step, None),
            (f"  {safe(run.execution_id)}", DIM),
            (f"  {safe(reason or error_line(part.error))}" if ended else "", None if reason else "red"),
        ],
        view.width,
    )


def _to_json(event: Event) -> dict[str, Any]:
    run, part = event.run, event.part
    step = part if isinstance(part, StepRecord) else None
    return {
        "time": event.time_ns,
        "event": event.what,
        "execution_id": run.execution_id,
        "workflow_name": run.workflow_name,
        "workflow_version": run.workflow_version,
        "step_id": step and step.step_id,
        "attempt": step and step.attempt,
        "duration_ms": None if event.what == STARTED else part.duration_ms,
        "error": None if event.what == STARTED or part.error is None else to_json(part.error),
    }
