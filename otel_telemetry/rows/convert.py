"""A span to its row and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from otel_telemetry.rows import columns, conventions, hashing
from otel_telemetry.rows.document import NOTHING, OWN_SCOPE, Parsed, read_document, read_payload, write
from otel_telemetry.rows.row import MAX_TEXT, RowKind, RowStatus, SpanRow, default_name
from otel_telemetry.rows.text import index_value, stored_id
from otel_telemetry.semconv import ERROR, EXECUTION_ID, KIND, METADATA, PARENT_EXECUTION_ID, PROBLEMS, SCOPE_NAME
from span_processors.data import SpanData
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_telemetry.rows.conventions import Convention, Reading
    from span_processors.data import JsonValue

_KINDS: Final = frozenset(map(int, RowKind))
_SPAN: Final = int(RowKind.SPAN)
_EXECUTION: Final = int(RowKind.EXECUTION)
_INNER_STEP: Final = int(RowKind.INNER_STEP)
_OTHER_STEP: Final = int(RowKind.OTHER_STEP)
_RUNNING: Final = int(RowStatus.RUNNING)
_COMPLETED: Final = int(RowStatus.COMPLETED)
_FAILED: Final = int(RowStatus.FAILED)
_ERROR_CODE: Final = 2
_MORE: Final = columns.TAKEN.index(columns.MORE[0])
_PARENT: Final = columns.TAKEN.index("parent_execution_id")
_NOTHING_TAKEN: Final = (None,) * (_MORE - 1)
_new: Final = tuple.__new__  # a call less than by the class
_METADATA_KEY: Final = f'"{METADATA}":'


def row_of(span: SpanData, lease_id: int | None) -> SpanRow:
    """Turn a redacted span into the row that stands for it. Only the span decides, so each gets the same row anywhere.

    Spans of other conventions (GenAI, OpenInference, OpenLLMetry) get their kind and columns from those. A
    span that names no execution belongs to the execution of its trace, whose id is the trace id in hexadecimal.

    Args:
        span: what `flatten` made; it is not changed.
        lease_id: the process that records it; None for a span that is imported.
    """
    attributes = span.attributes
    document: dict[str, Any] = {}
    said = attributes.get(KIND)
    kind = columns.KINDS.get(said) if said.__class__ is str else None
    reading: Reading | None = None
    if kind is None:
        kind = _SPAN
        if said != "span":
            kind, reading = _judged(conventions.read(span), document)
    status = None
    if kind >= _OTHER_STEP:
        taken: list[Any] = [_fitting(attributes.get(EXECUTION_ID)), *_NOTHING_TAKEN]
    else:
        taken, status, absent, attributes = columns.take(kind if kind < _INNER_STEP else _SPAN, attributes)
        if absent:
            document["absent"] = absent
    more = columns.NO_MORE
    if kind == _EXECUTION:
        taken[_PARENT] = _of_long_id(attributes.get(PARENT_EXECUTION_ID), taken[_PARENT])
        more = tuple(taken[_MORE:])
        del taken[_MORE:]
    (
        execution_id,
        sequence,
        execution_type,
        workflow_name,
        workflow_version,
        step_id,
        attempt,
        tool_name,
        call_hash,
    ) = taken
    step_kind = None
    if reading is not None:
        execution_type, workflow_name = reading.execution_type, _fitting(reading.workflow_name)
        workflow_version, step_id = _fitting(reading.workflow_version), _fitting(reading.step_id)
        step_kind, tool_name = reading.step_kind, _fitting(reading.tool_name)
        if tool_name is not None:
            call_hash = _hash_of_call(tool_name, span.attributes, reading.convention.inputs)
    error_code, error_category = _error_of(span, attributes, reading)
    if status is None:
        failed = span.status_code == _ERROR_CODE or ERROR in attributes
        status = _RUNNING if span.end_ns is None else _FAILED if failed else _COMPLETED
    text, payload = write(span, attributes, _ERROR_CODE if status == _FAILED else 0, document)
    span_id, parent_id, scope = span.span_id, span.parent_span_id, span.scope
    before = (
        _kept_under(span) if execution_id is None else execution_id,
        span_id - (1 << 64) if span_id >> 63 else span_id,
        span.start_ns,
        span.trace_id.to_bytes(16, "big"),
        parent_id - (1 << 64) if parent_id is not None and parent_id >> 63 else parent_id,
        kind,
        status,
        span.end_ns,
        sequence,
        None if span.name == default_name(kind, workflow_name, step_id, tool_name) else span.name,
        execution_type,
        workflow_name,
        workflow_version,
    )
    after = (
        step_id,
        step_kind,
        attempt,
        tool_name,
        error_code,
        error_category,
        call_hash,
        None if scope is OWN_SCOPE or scope.name == SCOPE_NAME else scope.name[:MAX_TEXT],
        lease_id,
        span.resource.key,
        text,
        payload,
        span.resource,
        _index(attributes.get(METADATA)) if kind == _EXECUTION else (),
    )
    return _new(SpanRow, before + more + after)


def data_of(row: SpanRow) -> SpanData:
    """Turn a row back into the span it was made of.

    Total: a document or payload that cannot be read becomes an entry of the attribute ``otel_telemetry.problems``.
    """
    return opened(row, parsed=False)[0]


def opened(row: SpanRow, *, parsed: bool = True) -> tuple[SpanData, Convention]:
    """Turn a row back into the span it was made of, and say by which convention it was judged.

    Args:
        row: the row.
        parsed: whether to leave JSON attributes of this package's own spans as `Parsed`, for `codec` to decode.
    """
    problems: list[JsonValue] = []
    try:
        document = read_document(row.document)
    except ValueError as error:
        document = NOTHING
        problems.append(str(error))
    try:
        payload = read_payload(row.payload)
    except ValueError as error:
        payload = {}
        problems.append(str(error))
    kind = row.kind if row.kind in _KINDS else _SPAN  # a later version may know more
    own_kind = kind if kind < _INNER_STEP else _SPAN
    attributes = {} if kind >= _OTHER_STEP else columns.give(own_kind, row)
    if document is not NOTHING:
        for key in (*document.absent, *document.a, *document.json):  # what has another form comes in its own order
            attributes.pop(key, None)
        attributes |= document.a
    # where its kind is not sure, all readings of a span are by texts
    whole = parsed and own_kind != _SPAN and not document.absent
    for more in (document.json, payload):
        if more:
            attributes |= more if whole else _as_texts(more)  # type: ignore[arg-type]  # `codec` knows `Parsed`
    if problems:
        recorded = attributes.get(PROBLEMS)
        attributes[PROBLEMS] = [*(recorded if isinstance(recorded, list) else ()), *problems]
    name = row.name
    if name is None:
        name = default_name(kind, row.workflow_name, row.step_id, row.tool_name) or ""
    implied_code = _ERROR_CODE if row.status == _FAILED else 0
    span = SpanData(
        int.from_bytes(row.trace_id, "big"),
        row.span_id & 0xFFFFFFFFFFFFFFFF,
        None if row.parent_span_id is None else row.parent_span_id & 0xFFFFFFFFFFFFFFFF,
        document.state,
        document.flags,
        name,
        document.kind,
        row.started_ns,
        row.ended_ns,
        implied_code if document.code is None else document.code,
        document.message,
        attributes,
        document.events,
        document.links,
        *document.dropped,
        row.resource,
        document.scope,
    )
    return span, conventions.BY_NAME.get(document.by, conventions.UNKNOWN)


def _as_texts(read: Mapping[str, Parsed | JsonValue]) -> dict[str, JsonValue]:
    return {key: value.text if isinstance(value, Parsed) else value for key, value in read.items()}


def _judged(reading: Reading, document: dict[str, Any]) -> tuple[int, Reading | None]:
    """Return what kind of row a span of others is; None in place of the reading where that says no more."""
    if reading.kind is RowKind.SPAN:
        return _SPAN, None
    if reading.convention.name:
        document["by"] = reading.convention.name
    return int(reading.kind), reading


def metadata_of(row: SpanRow) -> tuple[tuple[str, str], ...]:
    """Return the metadata by which an execution is found, of a row that was read and has only its document."""
    if row.kind != _EXECUTION or row.metadata or row.document is None or _METADATA_KEY not in row.document:
        return row.metadata
    try:
        document = read_document(row.document)
    except ValueError:
        return ()
    said: Any = document.json.get(METADATA) or document.a.get(METADATA)
    return _index(said.value if isinstance(said, Parsed) else said)


def _error_of(
    span: SpanData, attributes: dict[str, JsonValue], reading: Reading | None
) -> tuple[str | None, str | None]:
    if ERROR in attributes:
        return _error_columns(attributes[ERROR])
    if reading is not None and span.status_code == _ERROR_CODE:
        return _fitting(conventions.error_code(span)), conventions.ERROR_CATEGORY
    return None, None


def _hash_of_call(tool_name: str, attributes: dict[str, JsonValue], inputs: tuple[str, ...]) -> int:
    given = next((attributes[key] for key in inputs if attributes.get(key) is not None), "")
    return hashing.call_hash(tool_name, given if isinstance(given, str) else canonical(given))


def _kept_under(span: SpanData) -> str:
    """Return the execution of a span that names none, or none by an id that fits its column."""
    return _of_long_id(span.attributes.get(EXECUTION_ID), None) or f"{span.trace_id:032x}"


def _of_long_id(said: JsonValue, otherwise: str | None) -> str | None:
    """Return what is stored of an id that is too long for its column, or what is given where there is no such id."""
    return stored_id(said) if isinstance(said, str) and len(said) > MAX_TEXT else otherwise


def _fitting(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else None


def _error_columns(error: JsonValue) -> tuple[str | None, str | None]:
    said = _parsed(error)
    return (_fitting(said.get("code")), _fitting(said.get("category"))) if isinstance(said, dict) else (None, None)


def _index(metadata: JsonValue) -> tuple[tuple[str, str], ...]:
    said = _parsed(metadata)
    if not isinstance(said, dict):
        return ()
    return tuple((key, index_value(value)) for key, value in said.items() if len(key) <= MAX_TEXT)


def _parsed(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        return cast("JsonValue", orjson.loads(str(value)))  # orjson refuses a subclass of str, such as CleanText
    except orjson.JSONDecodeError:
        return None
