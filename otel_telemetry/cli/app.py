"""The command line as a whole: its commands, what a mistake is answered with, and exit codes."""

from __future__ import annotations

from typing import Any

import click

from otel_telemetry.cli.text import safe
from otel_telemetry.errors import (
    MissingExtraError,
    QueryError,
    StoreError,
    StoreUnavailableError,
    TelemetryError,
    unknown,
)

NOTHING_FOUND = 1
USAGE = 2
STORE_UNAVAILABLE = 3


class CommandError(click.ClickException):
    """What was asked for cannot be done."""

    exit_code = USAGE


class StoreProblem(click.ClickException):
    """The store cannot be reached or read."""

    exit_code = STORE_UNAVAILABLE


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one, and an error of the library with its message."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` name."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("command", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except TelemetryError as error:
            kind = StoreProblem if isinstance(error, StoreError) else CommandError
            raise kind(safe(str(error))) from error
