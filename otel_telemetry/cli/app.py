"""The command line as a whole: its commands, and what a mistake is answered with."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from otel_telemetry.cli.doctor import doctor
from otel_telemetry.cli.exits import ending
from otel_telemetry.cli.reading import list_, query, show, stats, why
from otel_telemetry.cli.recording import demo, import_
from otel_telemetry.cli.sending import export
from otel_telemetry.cli.tail import tail
from otel_telemetry.cli.upkeep import db, delete, prune
from otel_telemetry.errors import TelemetryError, unknown


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one, and an error of the library with its message."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` name."""
        if args and self.get_command(ctx, args[0]) is None:
            ctx.fail(unknown("command", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Name the commands in the order in which a newcomer needs them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except TelemetryError as error:
            raise ending(error) from error


@click.group(
    cls=Commands,
    commands=[demo, list_, show, why, query, stats, tail, export, import_, doctor, prune, delete, db],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=(
        "Exit codes: 0 done, 1 nothing found (or a finding against you), 2 a mistake in the command, "
        "3 the store cannot be reached or read."
    ),
)
@click.version_option(package_name="otel-telemetry", message="%(version)s")
def main() -> None:
    """Look at what workflows did: runs, their steps and tool calls, and why they failed.

    The store is the one that --store names, else $OTEL_TELEMETRY_STORE, else the one in otel-telemetry.toml or
    pyproject.toml, else sqlite:///telemetry.db.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an ASCII terminal or pipe gets escapes, not a crash
            stream.reconfigure(errors="backslashreplace")
