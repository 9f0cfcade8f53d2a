"""Records as JSON and back, and the JSON Schema that describes them."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, cast

from otel_telemetry.codec.shapes import Json, shape_of
from otel_telemetry.records import ErrorRecord, ExecutionRecord, JsonValue


def to_json(record: Any) -> Json:
    """Return the JSON form of a record: its fields in their order, enums by value, times in integer nanoseconds.

    Executions, steps and tool calls state every field; what is nested in them leaves out what is default.
    """
    return cast("Json", shape_of(type(record)).dump(record))


def from_json(value: JsonValue) -> ExecutionRecord:
    """Return the execution that `to_json` wrote.

    Fields that this version does not know become problems of the execution.

    Raises:
        FormatError: something is missing or of the wrong type; the message names its path.
    """
    problems: list[str] = []
    record = cast("ExecutionRecord", shape_of(ExecutionRecord).load(value, "execution", problems))
    return dataclasses.replace(record, problems=(*record.problems, *problems)) if problems else record


def error_to_json(error: ErrorRecord) -> dict[str, JsonValue]:
    """Return the JSON form of an error: without what is default, its causes nested."""
    return to_json(error)


def error_from_json(value: JsonValue) -> ErrorRecord:
    """Return the error that `error_to_json` wrote. What it does not know is left out.

    Raises:
        FormatError: something is missing or of the wrong type; the message names its path.
    """
    return cast("ErrorRecord", shape_of(ErrorRecord).load(value, "error", []))


def json_schema(kind: type) -> Json:
    """Return the JSON Schema (draft 2020-12) of a record class; it is made from the class's annotations."""
    definitions: Json = {}
    reference = shape_of(kind).schema(definitions)
    for name in sorted(definitions):
        definitions[name]["title"] = name
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.__name__,
        "description": inspect.getdoc(kind),
        **reference,
        "$defs": definitions,
    }
