"""Which attributes of this package's own spans are columns, declared once for both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from otel_telemetry import semconv
from otel_telemetry.fields import EXECUTION, FIELDS, STEP, TOOL_CALL, WHO_COLUMNS
from otel_telemetry.records import ExecutionStatus, StepStatus, StepType, ToolCallSource
from otel_telemetry.rows.conventions import Reading
from otel_telemetry.rows.row import MAX_TEXT, RowKind, RowStatus, SpanRow

if TYPE_CHECKING:
    from span_processors.data import JsonValue


class Column(NamedTuple):
    """An attribute that is a column. It must be of that very type, and text no longer than `MAX_TEXT`."""

    key: str
    taken: int
    """Position in `TAKEN`."""
    stored: int
    """Position in the row."""
    type: type[str | int]


Taken: TypeAlias = "list[str | int | None]"

MORE: Final = tuple(name for name in WHO_COLUMNS if name not in Reading._fields)
"""What our own executions alone say of who they are: side by side in the row, after what others say too."""
NO_MORE: Final[tuple[str | None, ...]] = (None,) * len(MORE)
_FILLED: Final = frozenset(field.column for field in FIELDS if field.column and field.key != semconv.STATUS)
TAKEN: Final = (*(name for name in SpanRow._fields if name in _FILLED and name not in MORE), *MORE)
"""The columns that attributes fill, in the order of `take`'s result. A status stands as a number."""

KIND_NAMES: Final = {RowKind.EXECUTION: "execution", RowKind.STEP: "step", RowKind.TOOL_CALL: "tool_call"}
KINDS: Final = {name: int(kind) for kind, name in KIND_NAMES.items()}


def _columns(spans: str) -> tuple[Column, ...]:
    of_kind = {field.column: field for field in FIELDS if field.stands_on(spans)}
    return tuple(
        Column(field.key, position, SpanRow._fields.index(name), int if field.type == "int" else str)
        for position, name in enumerate(TAKEN)
        if (field := of_kind.get(name)) is not None
    )


# what follows is indexed by kind: a span ends in the host's thread, and an enum as a key costs more than the rest
_COLUMNS: Final = tuple(map(_columns, ("", EXECUTION, STEP, TOOL_CALL)))
_IMPLIED: Final[tuple[dict[str, str], ...]] = (
    {},
    {semconv.KIND: KIND_NAMES[RowKind.EXECUTION], semconv.OPERATION_NAME: semconv.SpanName.EXECUTION},
    {semconv.KIND: KIND_NAMES[RowKind.STEP], semconv.STEP_TYPE: StepType.CODE.value},
    {
        semconv.KIND: KIND_NAMES[RowKind.TOOL_CALL],
        semconv.OPERATION_NAME: semconv.SpanName.TOOL_CALL,
        semconv.TOOL_SOURCE: ToolCallSource.CODE_BLOCK.value,
    },
)
"""Attributes that the kind says, where they have these values."""
_STATUSES: Final[tuple[dict[str, int], ...]] = (
    {},
    {status.value: int(RowStatus[status.name]) for status in ExecutionStatus},
    {status.value: int(RowStatus[status.name]) for status in StepStatus},
    {},
)
_GIVEN: Final = tuple(tuple((column.key, column.stored) for column in of_kind) for of_kind in _COLUMNS)
_STATUS_NAMES: Final = tuple({number: name for name, number in statuses.items()} for statuses in _STATUSES)
_EXPECTED: Final = tuple(
    frozenset((semconv.EXECUTION_ID, *implied, *((semconv.STATUS,) if statuses else ())))
    for implied, statuses in zip(_IMPLIED, _STATUSES, strict=True)
)

_IS_IMPLIED: Final = -1
_IS_STATUS: Final = -2
_Field: TypeAlias = "tuple[type[str | int], int, Any]"
"""What an attribute becomes: its type; its position in `TAKEN`, or what it is instead; the values that it may have."""


def _fields(kind: int) -> dict[str, _Field]:
    fields: dict[str, _Field] = {column.key: (column.type, column.taken, "") for column in _COLUMNS[kind]}
    fields |= {key: (str, _IS_IMPLIED, usual) for key, usual in _IMPLIED[kind].items()}
    if _STATUSES[kind]:
        fields[semconv.STATUS] = (str, _IS_STATUS, _STATUSES[kind])
    return fields


_FIELDS: Final = tuple(map(_fields, range(len(_COLUMNS))))
_WIDTHS: Final = tuple(len(TAKEN) - (0 if kind == RowKind.EXECUTION else len(MORE)) for kind in range(len(_COLUMNS)))
_NO_ABSENT: Final[list[str]] = []


def take(kind: int, attributes: dict[str, JsonValue]) -> tuple[Taken, int | None, list[str], dict[str, JsonValue]]:
    """Take what columns hold out of the attributes of a span of this package's own.

    Returns:
        The values of `TAKEN`, those of `MORE` only of an execution; the status, if the span says one; what the span
        lacks that `give` would put back; and the attributes that are left.
    """
    fields = _FIELDS[kind]
    taken: Taken = [None] * _WIDTHS[kind]
    rest: dict[str, JsonValue] = {}
    status: int | None = None
    for key, value in attributes.items():
        field = fields.get(key)
        if field is not None and value.__class__ is field[0]:
            wanted, position, usual = field
            if position >= 0:
                if wanted is int or len(value) <= MAX_TEXT:  # type: ignore[arg-type]  # it is text
                    taken[position] = value
                    continue
            elif position == _IS_IMPLIED:
                if value == usual:
                    continue
            elif value in usual:
                status = usual[value]
                continue
        rest[key] = value
    expected = _EXPECTED[kind]
    absent = _NO_ABSENT if attributes.keys() >= expected else sorted(expected - attributes.keys())
    return taken, status, absent, rest


def give(kind: int, row: SpanRow) -> dict[str, JsonValue]:
    """Return the attributes that `take` took, and those expected that it found absent."""
    attributes: dict[str, JsonValue] = {**_IMPLIED[kind]}
    if (status := _STATUS_NAMES[kind].get(row.status)) is not None:
        attributes[semconv.STATUS] = status
    for key, position in _GIVEN[kind]:
        value = row[position]
        if value is not None:
            attributes[key] = value  # type: ignore[assignment]  # `take` put text or an integer there
    return attributes
