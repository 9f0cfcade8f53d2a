"""The JSON form of a type: how its values are written, read and described, derived from its annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Hashable, Mapping
from enum import Enum
from functools import cache, cached_property
from typing import Any, Final, Protocol, TypeAlias, cast

from otel_telemetry.errors import FormatError

Json: TypeAlias = dict[str, Any]

COMPLETE: Final = frozenset({"ExecutionRecord", "StepRecord", "ToolCallRecord"})
"""Records that state every field in JSON, so that a reader can rely on it; the others leave out what is default."""

_SCALARS: Final[dict[Any, tuple[str, str]]] = {
    str: ("text", "string"),
    int: ("an integer of 64 bits", "integer"),
    float: ("a number", "number"),
    bool: ("true or false", "boolean"),
}


class Shape(Protocol):
    """One type in JSON."""

    def dump(self, value: Any) -> Any:
        """Return the JSON form of a value of the type."""

    def load(self, value: Any, path: str, problems: list[str]) -> Any:
        """Return the value that a JSON form stands for.

        Args:
            value: the JSON form.
            path: where it stands, for messages.
            problems: gets what was left out.

        Raises:
            FormatError: it is not the form of a value of the type.
        """

    def schema(self, definitions: Json) -> Json:
        """Return the JSON Schema of the type; the definitions that it refers to are added to `definitions`."""


@cache
def shape_of(hint: Hashable) -> Shape:
    """Return how values of the type `hint` are written, read and described."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    shape: Shape
    if hint in _SCALARS:
        shape = _Scalar(hint)
    elif hint is Any:
        shape = _Anything()
    elif isinstance(hint, type) and issubclass(hint, Enum):
        shape = _Choice(hint)
    elif dataclasses.is_dataclass(hint):
        shape = _Record(cast("type", hint))
    elif origin is tuple:
        shape = _List(shape_of(arguments[0]))
    elif origin in (dict, Mapping):
        shape = _Object()
    elif origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        shape = _Optional(shape_of(inner))
    else:
        raise TypeError(f"no JSON form for {hint!r}")
    return shape


class _Anything:
    """`JsonValue`: whatever JSON holds."""

    def dump(self, value: Any) -> Any:
        return value

    def load(self, value: Any, path: str, problems: list[str]) -> Any:  # noqa: ARG002  (the protocol's)
        return value

    def schema(self, definitions: Json) -> Json:  # noqa: ARG002  (the protocol's)
        return {}


class _Scalar(_Anything):
    def __init__(self, kind: Any) -> None:
        self._words, self._name = _SCALARS[kind]
        self._accepted = (int, float) if kind is float else (kind,)

    def load(self, value: Any, path: str, problems: list[str]) -> Any:  # noqa: ARG002  (the protocol's)
        if type(value) not in self._accepted or (type(value) is int and not -(1 << 63) <= value < 1 << 63):
            raise _wrong(path, self._words, value)
        return value

    def schema(self, definitions: Json) -> Json:  # noqa: ARG002  (the protocol's)
        return {"type": self._name}


class _Object(_Anything):
    def load(self, value: Any, path: str, problems: list[str]) -> Any:  # noqa: ARG002  (the protocol's)
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return value

    def dump(self, value: Any) -> Any:
        return dict(value)

    def schema(self, definitions: Json) -> Json:  # noqa: ARG002  (the protocol's)
        return {"type": "object"}


class _Choice:
    def __init__(self, kind: type[Enum]) -> None:
        self._members = {member.value: member for member in kind}

    def dump(self, value: Any) -> Any:
        return value.value

    def load(self, value: Any, path: str, problems: list[str]) -> Any:  # noqa: ARG002  (the protocol's)
        if not isinstance(value, str) or value not in self._members:
            raise _wrong(path, "one of " + ", ".join(self._members), value)
        return self._members[value]

    def schema(self, definitions: Json) -> Json:  # noqa: ARG002  (the protocol's)
        return {"enum": list(self._members)}


class _Optional:
    def __init__(self, inner: Shape) -> None:
        self._inner = inner

    def dump(self, value: Any) -> Any:
        return None if value is None else self._inner.dump(value)

    def load(self, value: Any, path: str, problems: list[str]) -> Any:
        return None if value is None else self._inner.load(value, path, problems)

    def schema(self, definitions: Json) -> Json:
        return {"anyOf": [self._inner.schema(definitions), {"type": "null"}]}


class _List:
    def __init__(self, inner: Shape) -> None:
        self._inner = inner

    def dump(self, value: Any) -> Any:
        return [self._inner.dump(item) for item in value]

    def load(self, value: Any, path: str, problems: list[str]) -> Any:
        if not isinstance(value, list):
            raise _wrong(path, "a list", value)
        return tuple(self._inner.load(item, f"{path}[{index}]", problems) for index, item in enumerate(value))

    def schema(self, definitions: Json) -> Json:
        return {"type": "array", "items": self._inner.schema(definitions)}


class _Record:
    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._fields = dataclasses.fields(kind)
        self._required = [field.name for field in self._fields if field.init and _default(field) is dataclasses.MISSING]
        self._needed = frozenset(self._required)
        self._computed = frozenset(field.name for field in self._fields if not field.init)

    @cached_property
    def _shapes(self) -> dict[str, tuple[Shape, Any]]:
        # made on first use: a record may hold its own kind, as an error holds its cause
        hints = typing.get_type_hints(self._kind, localns={"JsonValue": Any})
        stated = self._kind.__name__ in COMPLETE
        return {
            field.name: (shape_of(hints[field.name]), dataclasses.MISSING if stated else _default(field))
            for field in self._fields
        }

    def dump(self, record: Any) -> Any:
        written = {}
        for name, (shape, left_out) in self._shapes.items():
            value = getattr(record, name)
            if left_out is dataclasses.MISSING or value != left_out:
                written[name] = shape.dump(value)
        return written

    def load(self, value: Any, path: str, problems: list[str]) -> Any:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        if not value.keys() >= self._needed:
            missing = next(name for name in self._required if name not in value)
            raise FormatError(f"{path}: {missing!r} is missing")
        fields = {}
        unknown = []
        shape_of_field = self._shapes.get
        for name, given in value.items():
            shape = shape_of_field(name)
            if shape is not None:
                fields[name] = shape[0].load(given, f"{path}.{name}", problems)
            else:
                unknown.append(f"{path}.{name} is unknown here and was left out")
        problems += unknown
        for name in self._computed:
            fields.pop(name, None)
        return self._kind(**fields)

    def schema(self, definitions: Json) -> Json:
        name = self._kind.__name__
        if name not in definitions:
            # there before its fields are asked, because one may be of its own kind
            definition: Json = {"type": "object", "title": name}
            definitions[name] = definition
            definition["properties"] = {key: shape.schema(definitions) for key, (shape, _) in self._shapes.items()}
            definition["required"] = self._required
            definition["additionalProperties"] = False
        return {"$ref": f"#/$defs/{name}"}


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _wrong(path: str, expected: str, value: object) -> FormatError:
    given = f"{value!r:.40}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
    return FormatError(f"{path}: expected {expected}, not {given}")
