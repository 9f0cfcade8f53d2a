"""The formats there are, by name. A package adds its own through the entry point group `ENTRY_POINTS`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from otel_telemetry.errors import FormatError, unknown
from otel_telemetry.formats.base import Format, ReadableFormat
from otel_telemetry.formats.csv_tables import Csv
from otel_telemetry.formats.json_records import Json, JsonLines
from otel_telemetry.formats.otlp import OtlpJson, OtlpProtobuf

ENTRY_POINTS: Final = "otel_telemetry.formats"
"""Each entry point names a `Format`, or a class or function that makes one when called without arguments."""

_formats: dict[str, Format] = {}


def register(new: Format) -> None:
    """Add a format under its name, for this process. A later one of the same name takes its place."""
    _formats[new.name] = new


def names() -> list[str]:
    """Return the names of all formats, sorted."""
    return sorted({*_formats, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def get(known: str | Format) -> Format:
    """Return the format of this name; a format itself is returned as it is.

    Raises:
        FormatError: there is none of this name; the message has the nearest.
    """
    if not isinstance(known, str):
        return known
    if known not in _formats:
        for point in entry_points(group=ENTRY_POINTS, name=known):
            loaded = point.load()
            _formats[known] = loaded() if callable(loaded) else loaded
    if known not in _formats:
        raise FormatError(unknown("format", known, names()))
    return _formats[known]


def for_file_name(file_name: str) -> Format:
    """Return the format whose suffix `file_name` ends with; the longest suffix decides.

    Raises:
        FormatError: no format has this suffix.
    """
    suffixes = {suffix: name for name in names() for suffix in get(name).suffixes}
    fitting = [suffix for suffix in suffixes if file_name.lower().endswith(suffix)]
    if not fitting:
        raise FormatError(
            f"no format has the suffix of {file_name!r}: use one of {', '.join(sorted(suffixes))}, "
            f"or name a format: {', '.join(names())}"
        )
    return get(suffixes[max(fitting, key=len)])


def recognise(head: bytes) -> ReadableFormat:
    """Return the format of a file that starts with `head`.

    Raises:
        FormatError: no format that can be imported looks like this.
    """
    readable = [known for name in names() if isinstance(known := get(name), ReadableFormat)]
    for known in readable:
        if known.recognises(head):
            return known
    raise FormatError(
        f"none of the formats that can be imported starts like this: {', '.join(f.name for f in readable)}"
    )


for _built_in in (Json(), JsonLines(), Csv(), OtlpJson(), OtlpProtobuf()):
    register(_built_in)
