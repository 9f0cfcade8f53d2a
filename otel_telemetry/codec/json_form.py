"""Records as JSON and back, and the JSON Schema that describes them."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, cast

from otel_telemetry import records
from otel_telemetry.codec.shapes import shape_of
from otel_telemetry.errors import FormatError

if TYPE_CHECKING:
    from otel_telemetry.codec.shapes import Json
    from otel_telemetry.records import ErrorRecord, ExecutionRecord, JsonValue


def to_json(record: Any) -> Json:
    """Return the JSON form of a record: its fields in their order, enums by value, times in integer nanoseconds.

    Executions, steps and tool calls state every field; what is nested in them leaves out what is default.
    """
    kind: type = type(record)
    return cast("Json", shape_of(kind).dump(record))


def from_json(value: JsonValue) -> ExecutionRecord:
    """Return the execution that `to_json` wrote.

    Fields that this version does not know become problems of the execution.

    Raises:
        FormatError: something is missing or of the wrong type; the message names its path.
    """
    problems: list[str] = []
    record = cast("ExecutionRecord", _load(records.ExecutionRecord, value, "execution", problems))
    return dataclasses.replace(record, problems=(*record.problems, *problems)) if problems else record


def error_to_json(error: ErrorRecord) -> dict[str, JsonValue]:
    """Return the JSON form of an error: without what is default, its causes nested."""
    return to_json(error)


def error_from_json(value: JsonValue) -> ErrorRecord:
    """Return the error that `error_to_json` wrote. Fields that this version does not know are left out.

    Raises:
        FormatError: something is missing or of the wrong type; the message names its path.
    """
    return cast("ErrorRecord", _load(records.ErrorRecord, value, "error", []))


def json_schema(record: type) -> Json:
    """Return the JSON Schema (draft 2020-12) of a record class, made from the class's annotations."""
    definitions: Json = {}
    reference = shape_of(record).schema(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": record.__name__,
        "description": inspect.getdoc(record),
        **reference,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _load(record: type, value: JsonValue, path: str, problems: list[str]) -> Any:
    try:
        return shape_of(record).load(value, path, problems)
    except RecursionError:
        raise FormatError(f"{path}: nested too deep") from None
