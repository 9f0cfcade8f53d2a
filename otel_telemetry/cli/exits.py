"""How a command ends when it does not succeed."""

from __future__ import annotations

import click

from otel_telemetry.cli.text import safe
from otel_telemetry.errors import StoreError, TelemetryError


class Nothing(click.ClickException):
    """Nothing was found, or what was asked is not so."""

    exit_code = 1

    def show(self, file: object = None) -> None:  # noqa: ARG002  (click's signature)
        """Say so on stderr, without calling it an error."""
        click.echo(self.format_message(), err=True)


class Mistake(click.ClickException):
    """What was asked for cannot be done."""

    exit_code = 2


class StoreTrouble(click.ClickException):
    """The store cannot be reached or read."""

    exit_code = 3


def ending(error: TelemetryError) -> click.ClickException:
    """Return how a command ends that the library refused, in the library's words."""
    return (StoreTrouble if isinstance(error, StoreError) else Mistake)(safe(str(error)))
