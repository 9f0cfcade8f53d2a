"""Which attributes of this package's own spans are columns, declared once for both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from otel_telemetry import semconv
from otel_telemetry.records import ExecutionStatus, StepStatus, StepType, ToolCallSource
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

TAKEN: Final = (
    "execution_id",
    "sequence",
    "execution_type",
    "workflow_name",
    "workflow_version",
    "caller_id",
    "parent_execution_id",
    "step_id",
    "attempt",
    "tool_name",
    "call_hash",
)
"""The columns that attributes fill, in the order of `take`'s result."""

KIND_NAMES: Final = {RowKind.EXECUTION: "execution", RowKind.STEP: "step", RowKind.TOOL_CALL: "tool_call"}
KINDS: Final = {name: int(kind) for kind, name in KIND_NAMES.items()}

_NUMBERS: Final = frozenset({"sequence", "attempt", "call_hash"})


def _columns(**keys: str) -> tuple[Column, ...]:
    return tuple(
        Column(key, TAKEN.index(name), SpanRow._fields.index(name), int if name in _NUMBERS else str)
        for name, key in keys.items()
    )


# what follows is indexed by kind: a span ends in the host's thread, and an enum as a key costs more than the rest
_COLUMNS: Final = (
    _columns(execution_id=semconv.EXECUTION_ID, sequence=semconv.SEQUENCE),
    _columns(
        execution_id=semconv.EXECUTION_ID,
        sequence=semconv.SEQUENCE,
        execution_type=semconv.EXECUTION_TYPE,
        workflow_name=semconv.WORKFLOW_NAME,
        workflow_version=semconv.WORKFLOW_VERSION,
        caller_id=semconv.CALLER_ID,
        parent_execution_id=semconv.PARENT_EXECUTION_ID,
    ),
    _columns(
        execution_id=semconv.EXECUTION_ID,
        sequence=semconv.SEQUENCE,
        step_id=semconv.STEP_ID,
        attempt=semconv.ATTEMPT,
        tool_name=semconv.TOOL_NAME,
    ),
    _columns(
        execution_id=semconv.EXECUTION_ID,
        sequence=semconv.SEQUENCE,
        step_id=semconv.STEP_ID,
        tool_name=semconv.TOOL_NAME,
        call_hash=semconv.CALL_HASH,
    ),
)
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
_NO_ABSENT: Final[list[str]] = []


def take(kind: int, attributes: dict[str, JsonValue]) -> tuple[Taken, int | None, list[str], dict[str, JsonValue]]:
    """Take what columns hold out of the attributes of a span of this package's own.

    Returns:
        The values of `TAKEN`; the status, if the span says one; what the span lacks that `give` would put back; and the
        attributes that are left.
    """
    fields = _FIELDS[kind]
    taken: Taken = [None] * len(TAKEN)
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
