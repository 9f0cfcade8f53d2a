"""The options that commands share: the store, the form of the output, and one option for each filter."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import click

from otel_telemetry import settings
from otel_telemetry.cli.text import View
from otel_telemetry.query import Filter
from otel_telemetry.records import JsonValue

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where results go: text for people, or JSON for programs."""

    json: bool
    view: View

    def text(self, lines: Iterable[str]) -> None:
        """Print lines, as they come."""
        for text in lines:
            click.echo(text)

    def document(self, value: object) -> None:
        """Print `value` as one line of ASCII JSON, which no terminal acts on."""
        click.echo(json.dumps(value, separators=(",", ":")))

    def remark(self, text: str) -> None:
        """Tell people, on stderr, what is not part of the result."""
        if not self.json:
            click.echo(text, err=True)


def output_options(command: CommandT) -> CommandT:
    """Add ``--store``, ``--json``, ``--utc`` and ``--color``; the command gets them as `store` and `out`."""

    @click.option("--store", metavar="URL", help="Store to use instead of the configured one.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @click.option("--utc", is_flag=True, help="Show and read times in UTC instead of local time.")
    @click.option("--color/--no-color", default=None, help="Force or forbid colours (default: on a terminal only).")
    @functools.wraps(command)
    def wrapped(*, store: str | None, as_json: bool, utc: bool, color: bool | None, **rest: Any) -> Any:
        if color is None and os.environ.get("NO_COLOR"):
            color = False
        click.get_current_context().color = color
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        out = Output(json=as_json, view=View(now_ns=time.time_ns(), width=width, utc=utc))
        return command(store=store or settings.load().store, out=out, **rest)

    return wrapped  # type: ignore[return-value]


class FilterOption(NamedTuple):
    """One filter on the command line: its option, the keyword of `Filter.parse` it fills, and what it means."""

    flag: str
    keyword: str
    metavar: str
    meaning: str
    many: bool = True


FILTERS: Final = (
    FilterOption("--id", "execution_id", "ID", "execution id"),
    FilterOption("--status", "status", "STATUS", "pending, running, completed, failed or cancelled"),
    FilterOption("--type", "type", "TYPE", "workflow or direct"),
    FilterOption("--workflow", "workflow_name", "NAME", "name of the workflow"),
    FilterOption("--workflow-version", "workflow_version", "VERSION", "version of the workflow"),
    FilterOption("--caller", "caller_id", "ID", "who asked for the run"),
    FilterOption("--parent", "parent_execution_id", "ID", "the run that started it"),
    FilterOption(
        "--since", "started_after", "WHEN", "started in the last 90m, 12h, 7d, or since an ISO 8601 time", many=False
    ),
    FilterOption("--until", "started_before", "WHEN", "started before then, given as for --since", many=False),
    FilterOption("--min-duration", "min_duration_ms", "TIME", "lasted at least: 250ms, 1.5s, 2h", many=False),
    FilterOption("--max-duration", "max_duration_ms", "TIME", "lasted at most: 250ms, 1.5s, 2h", many=False),
    FilterOption("--error-code", "error_code", "CODE", "it, a step or a tool call failed with this code"),
    FilterOption("--error-category", "error_category", "CATEGORY", "the same, by category"),
    FilterOption("--tool", "tool_name", "NAME", "called this tool"),
    FilterOption("--step", "step_id", "ID", "has this step"),
    FilterOption("--metadata", "metadata", "KEY=VALUE", "has this metadata; VALUE is JSON, or else text"),
    FilterOption("--text", "text", "TEXT", "this text occurs in it, case-sensitively", many=False),
)
"""Repeated options of one filter: any of the values will do, but for metadata, of which all have to hold."""


def filter_options(command: CommandT) -> CommandT:
    """Add an option for every filter; the command gets what they add up to as `where`."""

    @functools.wraps(command)
    def wrapped(*, failed: bool, running: bool, interrupted: bool | None, **rest: Any) -> Any:
        given: dict[str, Any] = {option.keyword: rest.pop(option.keyword) or None for option in FILTERS}
        given["status"] = (*(given["status"] or ()), *("failed",) * failed, *("running",) * running) or None
        given["metadata"] = dict(map(_pair, given["metadata"] or ())) or None
        given["interrupted"] = False if running and interrupted is None else interrupted
        if not click.get_current_context().params["utc"]:
            for keyword in ("started_after", "started_before"):
                given[keyword] = _local(given[keyword])
        return command(where=Filter.parse(**given), **rest)

    result: Any = wrapped
    for option in reversed(FILTERS):
        text = f"Only runs: {option.meaning}." + " Repeatable." * option.many
        result = click.option(option.flag, option.keyword, metavar=option.metavar, multiple=option.many, help=text)(
            result
        )
    for flag, text in (
        ("--interrupted/--no-interrupted", "Only runs whose process went away before they ended, or only the others."),
        ("--running", "Only runs that are running now."),
        ("--failed", "Only runs that failed."),
    ):
        result = click.option(flag, is_flag=True, default=None if "/" in flag else False, help=text)(result)
    return result  # type: ignore[no-any-return]


def _pair(text: str) -> tuple[str, JsonValue]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--metadata")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _local(text: str | None) -> datetime | str | None:
    """Read a time without an offset as local time, the way times are shown; anything else is left to the filter."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return text
    return moment.astimezone() if moment.tzinfo is None else text
