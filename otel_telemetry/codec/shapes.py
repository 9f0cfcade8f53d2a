"""The JSON form of a type: how its values are written, read and described, derived from its annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from otel_telemetry.errors import FormatError
from otel_telemetry.records import ExecutionRecord, StepRecord, ToolCallRecord

COMPLETE = (ExecutionRecord, StepRecord, ToolCallRecord)
"""Records that state every field in JSON, so that a reader can rely on it; the others leave defaults out."""

Json = dict[str, Any]


class Shape(NamedTuple):
    """One type in JSON. `load` takes the value, its path for messages, and a list to which it adds problems."""

    dump: Callable[[Any], Any]
    load: Callable[[Any, str, list[str]], Any]
    schema: Callable[[Json], Json]
    """Make the type's JSON Schema; definitions that it refers to are added to the argument."""


@cache
def shape_of(hint: Any) -> Shape:
    """Return how values of the type `hint` are written, read and described."""
    if hint in (str, int, bool, float):
        return _scalar(hint)
    if hint is Any:  # JsonValue: whatever JSON holds
        return Shape(_same, lambda value, _path, _problems: value, lambda _definitions: {})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if dataclasses.is_dataclass(hint):
        return _record(typing.cast("type", hint))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return _list(shape_of(arguments[0]))
    if origin is dict or origin is Mapping:
        return _object()
    if origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return _optional(shape_of(inner))
    raise TypeError(f"no JSON form for {hint!r}")


def _same(value: Any) -> Any:
    return value


def _wrong(path: str, expected: str, value: object) -> FormatError:
    given = f"{value!r:.40}" if isinstance(value, str | int | float | None) else type(value).__name__
    return FormatError(f"{path}: expected {expected}, not {given}")


_SCALARS: dict[type, tuple[str, str]] = {
    str: ("text", "string"),
    int: ("an integer", "integer"),
    float: ("a number", "number"),
    bool: ("true or false", "boolean"),
}


def _scalar(kind: type) -> Shape:
    words, schema_type = _SCALARS[kind]
    accepted = (int, float) if kind is float else (kind,)

    def load(value: Any, path: str, _problems: list[str]) -> Any:
        if type(value) not in accepted:
            raise _wrong(path, words, value)
        return value

    return Shape(_same, load, lambda _definitions: {"type": schema_type})


def _enum(kind: type[Enum]) -> Shape:
    values = [member.value for member in kind]

    def load(value: Any, path: str, _problems: list[str]) -> Any:
        if not isinstance(value, str) or value not in values:
            raise _wrong(path, "one of " + ", ".join(values), value)
        return kind(value)

    return Shape(lambda member: member.value, load, lambda _definitions: {"enum": values})


def _optional(inner: Shape) -> Shape:
    return Shape(
        lambda value: None if value is None else inner.dump(value),
        lambda value, path, problems: None if value is None else inner.load(value, path, problems),
        lambda definitions: {"anyOf": [inner.schema(definitions), {"type": "null"}]},
    )


def _list(inner: Shape) -> Shape:
    def load(value: Any, path: str, problems: list[str]) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong(path, "a list", value)
        return tuple(inner.load(item, f"{path}[{index}]", problems) for index, item in enumerate(value))

    return Shape(
        lambda value: [inner.dump(item) for item in value],
        load,
        lambda definitions: {"type": "array", "items": inner.schema(definitions)},
    )


def _object() -> Shape:
    def load(value: Any, path: str, _problems: list[str]) -> Any:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return value

    return Shape(dict, load, lambda _definitions: {"type": "object"})


def _record(kind: type) -> Shape:
    hints = typing.get_type_hints(kind, localns={"JsonValue": Any})
    fields = dataclasses.fields(kind)
    required = [field.name for field in fields if field.init and _default(field) is dataclasses.MISSING]
    complete = kind in COMPLETE
    # a record may hold its own kind (the cause of an error): the shapes of its fields are made on first use
    shapes = cache(lambda: [(field, shape_of(hints[field.name]), _default(field)) for field in fields])

    def dump(record: Any) -> Json:
        written = {}
        for field, shape, default in shapes():
            value = getattr(record, field.name)
            if complete or default is dataclasses.MISSING or value != default:
                written[field.name] = shape.dump(value)
        return written

    def load(value: Any, path: str, problems: list[str]) -> Any:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        for name in required:
            if name not in value:
                raise FormatError(f"{path}: {name!r} is missing")
        known = {}
        for field, shape, _ in shapes():
            if field.name in value:
                loaded = shape.load(value[field.name], f"{path}.{field.name}", problems)
                if field.init:
                    known[field.name] = loaded
        problems.extend(f"{path}.{name} is unknown here and was left out" for name in value if name not in hints)
        return kind(**known)

    def schema(definitions: Json) -> Json:
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # stops the recursion of a record that holds its own kind
            definitions[kind.__name__] = {
                "type": "object",
                "properties": {field.name: shape.schema(definitions) for field, shape, _ in shapes()},
                "required": required,
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{kind.__name__}"}

    return Shape(dump, load, schema)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
