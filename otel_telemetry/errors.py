"""The errors that otel-telemetry raises.

    TelemetryError
    ├── ConfigurationError          configure() was given something that cannot work
    │   └── MissingExtraError       an optional package is not installed
    ├── StoreError                  the store could not be read or written
    │   └── StoreUnavailableError   it cannot be reached, or is not a store
    ├── QueryError                  a question that has no meaning
    │   ├── InvalidFilterError      unknown filter name or value
    │   ├── AmbiguousIdError        the beginning of an id that fits several executions
    │   └── InvalidCursorError      a cursor that is damaged or belongs to another query
    ├── RecordingError              an engine's call that contradicts what was recorded (strict mode)
    │   ├── UnknownExecutionError
    │   ├── UnknownStepError
    │   ├── AlreadyEndedError
    │   └── DuplicateExecutionError
    ├── FormatError                 an export format that is unknown, or a file that cannot be imported
    └── ExportError                 a file that cannot be written, or a server that did not take what was sent

Every message says what to do next. Recording never raises into the host program unless `strict=True`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TelemetryError(Exception):
    """The base of every error that this package raises."""


class ConfigurationError(TelemetryError, ValueError):
    """A setting that cannot work."""


class MissingExtraError(ConfigurationError):
    """An optional package is needed and not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package: pip install 'otel-telemetry[{extra}]'")


class StoreError(TelemetryError):
    """The store could not be read or written."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or what is there is not a store."""


class QueryError(TelemetryError, ValueError):
    """A question that has no meaning."""


class InvalidFilterError(QueryError):
    """An unknown filter, or a value that it cannot have."""


class AmbiguousIdError(QueryError):
    """The beginning of an id fits several executions."""


class InvalidCursorError(QueryError):
    """A cursor that is damaged or belongs to another query."""


class SearchWarning(UserWarning):
    """A question that has to look at everything that is stored."""


class RecordingError(TelemetryError):
    """A call that contradicts what was recorded. Raised only with `strict=True`; counted and logged otherwise."""


class UnknownExecutionError(RecordingError, KeyError):
    """No execution of this id is open in this process."""

    __str__ = Exception.__str__


class UnknownStepError(RecordingError, KeyError):
    """No step of this id is open in the execution."""

    __str__ = Exception.__str__


class AlreadyEndedError(RecordingError):
    """The execution or step has ended already."""


class DuplicateExecutionError(RecordingError):
    """An execution of this id exists already."""


class FormatError(TelemetryError, ValueError):
    """An unknown export format, or a file that cannot be imported."""


class ExportError(TelemetryError):
    """A file that cannot be written, or a server that did not take what was sent."""


def unknown(what: str, given: object, valid: Iterable[str]) -> str:
    """Say that `given` is no valid `what`, name the nearest valid one, and list them all.

    >>> unknown("status", "faled", ["failed", "running"])
    "unknown status 'faled': did you mean 'failed'? Valid: failed, running"
    """
    import difflib  # noqa: PLC0415  (only mistakes need it)

    options = sorted(valid)
    near = difflib.get_close_matches(str(given), options, n=1, cutoff=0.5)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return f"unknown {what} {given!r}{hint} Valid: {', '.join(options)}"
