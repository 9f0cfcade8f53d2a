"""The options that commands share: the store, the form of the output, and one option for each filter."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from otel_telemetry import settings
from otel_telemetry.cli.text import View, safe
from otel_telemetry.errors import InvalidFilterError
from otel_telemetry.fields import ASKED, FIELDS, ON_ROWS
from otel_telemetry.query import Filter

if TYPE_CHECKING:
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
        """Say on stderr what is not part of the result."""
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
    """One filter on the command line: its option, the keyword of `Filter.parse` it fills, and which runs it means."""

    flag: str
    keyword: str
    metavar: str
    meaning: str
    many: bool = False
    lasting: bool = False


_LASTING: Final = frozenset(field.name for field in FIELDS if field.register in {"key", "who", "metadata"})


def _of_field(name: str) -> FilterOption:
    option, metavar, meaning, _ = ASKED[name]
    return FilterOption(option, name, metavar, meaning, many=True, lasting=name in _LASTING)


FILTERS: Final = (
    _of_field("execution_id"),
    FilterOption("--id-prefix", "execution_id_prefix", "TEXT", "whose id begins so", lasting=True),
    *(_of_field(field.name) for field in ON_ROWS if field.register != "key"),
    FilterOption(
        "--since", "started_after", "WHEN", "started in the last 90m, 12h, 7d, or since an ISO 8601 time", lasting=True
    ),
    FilterOption("--until", "started_before", "WHEN", "started before then, given as for --since"),
    FilterOption("--min-duration", "min_duration_ms", "TIME", "that lasted at least 250ms, 1.5s, 2h"),
    FilterOption("--max-duration", "max_duration_ms", "TIME", "that lasted at most 250ms, 1.5s, 2h"),
    FilterOption("--error-code", "error_code", "CODE", "in which something failed with this code", many=True),
    FilterOption("--error-category", "error_category", "CATEGORY", "in which something failed so", many=True),
    _of_field("tool_name"),
    _of_field("step_id"),
    FilterOption("--trace", "trace_id", "ID", "that belong to this trace", many=True),
    FilterOption("--scope", "scope", "NAME", "that this instrumentation recorded a part of", many=True),
    FilterOption("--kind", "kind", "KIND", "that hold an agent, a chain, a model call (chat) or a plan", many=True),
    _of_field("metadata"),
    FilterOption("--text", "text", "TEXT", "in which this text occurs, case-sensitively"),
)
"""Repeated options of one filter: any of the values will do, but for metadata, of which all have to hold."""


def filter_options(command: CommandT) -> CommandT:
    """Add an option for every filter; the command gets what they add up to as `where`."""

    @functools.wraps(command)
    def wrapped(*, failed: bool, running: bool, interrupted: bool | None, **rest: Any) -> Any:
        flags = {name: rest.pop(name) for name in ("top_level", "foreign")}
        where = {**_gathered(rest, FILTERS), **flags}
        where["status"] = (*(where["status"] or ()), *("failed",) * failed, *("running",) * running) or None
        where["interrupted"] = False if running and interrupted is None else interrupted
        return command(where=where, **rest)

    for flag, text in (
        ("--interrupted/--no-interrupted", "Only runs whose process went away before they ended, or only the others."),
        ("--top-level/--nested", "Only runs that no other run started, or only those that one did."),
        ("--foreign/--own", "Only runs that others recorded, under their conventions, or only ours."),
        ("--running", "Only runs that are running now."),
        ("--failed", "Only runs that failed."),
    ):
        click.option(flag, is_flag=True, default=None if "/" in flag else False, help=text)(wrapped)
    return _with_options(wrapped, FILTERS)  # type: ignore[return-value]


def lasting_filter_options(command: CommandT) -> CommandT:
    """Add the options of the filters that an execution meets, or does not, for as long as it runs."""
    lasting = tuple(option for option in FILTERS if option.lasting)

    @functools.wraps(command)
    def wrapped(**rest: Any) -> Any:
        return command(where=_gathered(rest, lasting), **rest)

    return _with_options(wrapped, lasting)  # type: ignore[return-value]


def _with_options(command: Callable[..., Any], options: Sequence[FilterOption]) -> Callable[..., Any]:
    for option in reversed(options):
        click.option(
            option.flag,
            option.keyword,
            metavar=option.metavar,
            multiple=option.many,
            help=f"Only runs {option.meaning}." + " Repeatable." * option.many,
        )(command)
    return command


def _gathered(given: dict[str, Any], options: Sequence[FilterOption]) -> dict[str, Any]:
    """Take the values of `options` out of `given`; None for what was not asked."""
    where: dict[str, Any] = {option.keyword: given.pop(option.keyword) or None for option in options}
    where["metadata"] = dict(map(_pair, where["metadata"] or ())) or None
    if not click.get_current_context().params["utc"]:
        where |= {name: _local(where[name]) for name in ("started_after", "started_before") if name in where}
    for option in options:  # a mistake is told before a store is opened, and by the option's name
        try:
            Filter.parse(**{option.keyword: where[option.keyword]})
        except InvalidFilterError as error:
            raise click.BadParameter(safe(str(error)), param_hint=option.flag) from None
    return where


def _pair(text: str) -> tuple[str, JsonValue]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{safe(text)!r} is no KEY=VALUE", param_hint="--metadata")
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
