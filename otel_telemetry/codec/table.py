"""Which attribute holds which field of a record, once for both directions.

Each record kind has one table, made of the table of `fields` and the record's own types; encoding and decoding loop
over it. A field of a record that the table of fields lacks, and that is not read from the span itself, fails at import.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple, cast

import orjson

from otel_telemetry import fields, semconv
from otel_telemetry.codec.json_form import error_from_json, error_to_json
from otel_telemetry.errors import FormatError
from otel_telemetry.fields import FIELDS
from otel_telemetry.records import (
    ExecutionRecord,
    ExecutionStatus,
    ExecutionType,
    JsonValue,
    SpanRecord,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
    ToolCallSource,
)
from otel_telemetry.rows import Parsed
from span_processors.data import CleanText
from span_processors.redaction import canonical


class Unreadable(Exception):  # noqa: N818  (no error to users: it becomes a problem in words)
    """An attribute's value is not what its field needs; the message says in words what it should be."""


class Field(NamedTuple):
    """One field of a record: its attribute, and how the value gets there (`dump`; None: no attribute) and back."""

    name: str
    key: str
    dump: Callable[[Any], JsonValue]
    load: Callable[[Any], Any]
    says_all: bool = False
    """Whether any attribute that `load` takes is what `dump` makes of it again."""
    plain: type | None = None
    """The type of attributes that are the value of the field just as they are."""
    json: bool = False
    """Whether the attribute holds JSON; any other is read as text, also where it came as JSON."""


class Table(NamedTuple):
    """A record kind: what marks its spans, and the fields that attributes hold."""

    constants: Mapping[str, str]
    fields: Mapping[str, Field]
    """By attribute."""


def _text(name: str, key: str) -> Field:
    def load(value: JsonValue) -> str:
        if not isinstance(value, str):
            raise Unreadable("is not text")
        return value

    return Field(name, key, _same, load, plain=str)


def _integer(name: str, key: str) -> Field:
    def load(value: JsonValue) -> int:
        if type(value) is not int:
            raise Unreadable("is not an integer")
        return value

    return Field(name, key, _same, load, plain=int)


def _enum(name: str, key: str, kind: type[Enum]) -> Field:
    members: dict[JsonValue, Any] = {member.value: member for member in kind}

    def load(value: JsonValue) -> Any:
        if not isinstance(value, str) or value not in members:
            raise Unreadable(f"is {value!r:.40}, which is none of its values")
        return members[value]

    return Field(name, key, lambda member: cast("str", member.value), load, says_all=True)


def _flag(name: str, key: str) -> Field:
    def load(value: JsonValue) -> bool:
        if type(value) is not bool:
            raise Unreadable("is neither true nor false")
        return value

    return Field(name, key, lambda value: value or None, load)


def _json(name: str, key: str) -> Field:
    return Field(name, key, _json_text, _parsed, json=True)


def _mapping(name: str, key: str) -> Field:
    def load(value: JsonValue) -> dict[str, JsonValue]:
        parsed = _parsed(value)
        if not isinstance(parsed, dict):
            raise Unreadable("is not a JSON object")
        return parsed

    return Field(name, key, lambda value: _json_text(value or None), load, json=True)


def _error(name: str, key: str) -> Field:
    def load(value: JsonValue) -> Any:
        try:
            return error_from_json(_parsed(value))
        except FormatError as error:
            raise Unreadable(f"is no error record ({error})") from None

    return Field(name, key, lambda error: None if error is None else _json_text(error_to_json(error)), load, json=True)


def _texts(name: str, key: str) -> Field:
    def load(value: JsonValue) -> tuple[str, ...]:
        items = value if isinstance(value, list) else [value]
        return tuple(item if isinstance(item, str) else canonical(item) for item in items)

    return Field(name, key, lambda texts: list(texts) or None, load)


def _same(value: JsonValue) -> JsonValue:
    return value


def _json_text(value: JsonValue) -> CleanText | None:
    return None if value is None else CleanText(canonical(value))


def _parsed(value: Parsed | JsonValue) -> JsonValue:
    """Return what a JSON attribute holds; an attribute that came as a map instead of text is taken as it is."""
    if isinstance(value, Parsed):
        return value.value
    if not isinstance(value, str):
        return value
    try:
        return cast("JsonValue", orjson.loads(str(value)))
    except orjson.JSONDecodeError:
        raise Unreadable("is not JSON") from None


_TEXTS: Final[dict[str, Callable[[str, str], Field]]] = {
    "str": _text,
    **{
        kind.__name__: partial(_enum, kind=kind)
        for kind in (ExecutionType, ExecutionStatus, StepType, StepStatus, ToolCallSource)
    },
}
_FORMS: Final[dict[str, Callable[[str, str], Field]]] = {
    **_TEXTS,
    "bool": _flag,
    "dict[str, JsonValue]": _mapping,
    "int": _integer,
    "JsonValue": _json,
    "ErrorRecord": _error,
    "tuple[str, ...]": _texts,
}
"""What fields are in attributes, by how the records write their types. In this order they are written, texts as one."""
_PLACES: Final = {kind: 0 if kind in _TEXTS else place for place, kind in enumerate(_FORMS)}
_SPAN_FIELDS: Final = frozenset({"started_at", "completed_at", "duration_ms", "span", "kind"})
"""Fields that the span itself holds, or that it is judged by."""
_NESTED_FIELDS: Final = frozenset({"steps", "tool_calls", "spans", "rootless"})
"""Fields that other spans hold, or the lack of one."""


def _table(record: type, spans: str, constants: Mapping[str, str]) -> Table:
    keys = {field.name: field.key for field in FIELDS if field.stands_on(spans)}
    types = {field.name: str(field.type).removesuffix(" | None") for field in dataclasses.fields(record)}
    missing = types.keys() - keys.keys() - _SPAN_FIELDS - _NESTED_FIELDS
    if missing:
        raise TypeError(f"the table of fields lacks {sorted(missing)} of {record.__name__}")
    names = sorted([name for name in types if name in keys], key=lambda name: _PLACES[types[name]])
    return Table(constants, {keys[name]: _FORMS[types[name]](name, keys[name]) for name in names})


EXECUTION: Final = _table(
    ExecutionRecord,
    fields.EXECUTION,
    {semconv.KIND: "execution", semconv.OPERATION_NAME: semconv.SpanName.EXECUTION},
)
STEP: Final = _table(StepRecord, fields.STEP, {semconv.KIND: "step"})
TOOL_CALL: Final = _table(
    ToolCallRecord,
    fields.TOOL_CALL,
    {semconv.KIND: "tool_call", semconv.OPERATION_NAME: semconv.SpanName.TOOL_CALL},
)
SPAN: Final = _table(SpanRecord, fields.ALL, {})


def load(
    table: Table, attributes: Mapping[str, JsonValue], rest: dict[str, JsonValue] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Read the fields of a record from a span's attributes.

    Args:
        table: that of the record.
        attributes: the span's.
        rest: where to put the attributes that no field says exactly; None where nobody asks for them.

    Returns:
        The fields found, and what could not be read.
    """
    field_of, constant_of = table.fields.get, table.constants.get
    fields: dict[str, Any] = {}
    unreadable: list[str] = []
    for key, raw in attributes.items():
        field = field_of(key)
        if field is not None and raw is not None:
            name, _, _, load_value, says_all, plain, is_json = field
            if raw.__class__ is plain:
                fields[name] = raw
                continue
            if not is_json and isinstance(raw, Parsed):
                raw = raw.text  # noqa: PLW2901  (as it stands in the span)
            try:
                fields[name] = value = load_value(raw)
            except Unreadable as reason:
                unreadable.append(f"{key} {reason}")
            else:
                # JSON null and no attribute are both None
                if rest is None or says_all or value is None or _says_all(field, raw, value):
                    continue
        elif rest is None or (raw is not None and constant_of(key) == raw):
            continue
        if rest is not None:
            rest[key] = raw.text if isinstance(raw, Parsed) else raw
    return fields, unreadable


_CANONICAL: Final = frozenset({Parsed, CleanText})


def _says_all(field: Field, raw: Parsed | JsonValue, value: object) -> bool:
    """Whether nothing of an attribute is lost when the field is all that is kept of it."""
    if field.dump is _json_text and raw.__class__ in _CANONICAL:
        return True  # text from the redactor is canonical, there is no need to compare
    if value is raw:
        return field.dump(value) is not None  # nothing is written of an empty map or of False
    return field.dump(value) == (raw.text if isinstance(raw, Parsed) else raw)


def dump(table: Table, record: Any) -> dict[str, JsonValue]:
    """Write the fields of a record as attributes of its span."""
    attributes: dict[str, JsonValue] = dict(table.constants)
    for key, field in table.fields.items():
        held = getattr(record, field.name)
        value = None if held is None else field.dump(held)
        if value is not None:
            attributes[key] = value
    return attributes
