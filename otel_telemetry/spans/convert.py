"""A span to its row and back: what goes to columns, what to the document, what to the payload.

The document is a JSON object with these keys, each there only where it says something:

    foreign     true: the columns were read from attributes of others, which stay in `a`
    a           attributes that no column holds
    j           attributes that are JSON text, as that JSON
    absent      attributes that the kind implies and the span lacks
    kind        the span kind's number, unless internal
    code        the status code, unless the one that the status implies
    message     the status message
    state       the trace state
    flags       the flags, unless `_USUAL_FLAGS`
    events      [name, time in ns, attributes, dropped attributes] each
    links       [trace id, span id, trace state, flags, attributes, dropped attributes] each, ids in hexadecimal
    dropped     how many attributes, events and links were dropped
    scope       [name, version, schema URL, attributes], unless it is this package's own

The payload holds the heavy attributes: JSON text as that JSON, under its short name; any other value under the
attribute's full name.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final, cast

import orjson

from otel_telemetry.semconv import (
    ATTEMPT,
    CALL_HASH,
    CALLER_ID,
    ERROR,
    EXECUTION_ID,
    EXECUTION_TYPE,
    INTERRUPTED,
    KIND,
    METADATA,
    OPERATION_NAME,
    PARENT_EXECUTION_ID,
    PATH_HASH,
    PAYLOAD_KEYS,
    PROBLEMS,
    SCOPE_NAME,
    SEQUENCE,
    STATUS,
    STEP_ID,
    STEP_TYPE,
    TOOL_NAME,
    TOOL_SOURCE,
    WORKFLOW_NAME,
    WORKFLOW_VERSION,
)
from otel_telemetry.spans import foreign
from otel_telemetry.spans.rows import INTERRUPTED_LEASE, MAX_TEXT, RowKind, RowStatus, SpanRow, default_name
from otel_telemetry.spans.text import canonical, index_value
from span_processors.data import CleanText, EventData, JsonValue, LinkData, ScopeData, SpanData

_SCOPE: Final = ScopeData(SCOPE_NAME)
_USUAL_FLAGS: Final = 1
_HEAVY: Final = foreign.PAYLOAD_KEYS | PAYLOAD_KEYS.keys()
_FULL_NAMES: Final = {short: key for key, short in PAYLOAD_KEYS.items()}
_KIND_NAMES: Final = {RowKind.EXECUTION: "execution", RowKind.STEP: "step", RowKind.TOOL_CALL: "tool_call"}
_KINDS: Final = {name: kind for kind, name in _KIND_NAMES.items()}
_STEP_STATUSES: Final = {status.name.lower(): int(status) for status in RowStatus if status is not RowStatus.CANCELLED}
_EXECUTION_STATUSES: Final = {status.name.lower(): int(status) for status in RowStatus if status is not RowStatus.SKIPPED}
_STATUS_NAMES: Final = {int(status): status.name.lower() for status in RowStatus}
_IMPLIED: Final = {
    RowKind.SPAN: (),
    RowKind.EXECUTION: ((OPERATION_NAME, "invoke_workflow"),),
    RowKind.STEP: ((STEP_TYPE, "code"),),
    RowKind.TOOL_CALL: ((OPERATION_NAME, "execute_tool"), (TOOL_SOURCE, "tool_step")),
}
_EXPECTED: Final = {
    RowKind.SPAN: (EXECUTION_ID,),
    RowKind.EXECUTION: (EXECUTION_ID, STATUS, OPERATION_NAME),
    RowKind.STEP: (EXECUTION_ID, STATUS, STEP_TYPE),
    RowKind.TOOL_CALL: (EXECUTION_ID, OPERATION_NAME, TOOL_SOURCE),
}
_COLUMN_KEYS: Final = {
    RowKind.SPAN: (SEQUENCE,),
    RowKind.EXECUTION: (
        SEQUENCE,
        EXECUTION_TYPE,
        WORKFLOW_NAME,
        WORKFLOW_VERSION,
        CALLER_ID,
        PARENT_EXECUTION_ID,
        PATH_HASH,
    ),
    RowKind.STEP: (SEQUENCE, STEP_ID, ATTEMPT, TOOL_NAME),
    RowKind.TOOL_CALL: (SEQUENCE, STEP_ID, TOOL_NAME, CALL_HASH),
}
_COLUMN_VALUES: Final = {
    RowKind.SPAN: lambda row: (row.sequence,),
    RowKind.EXECUTION: attrgetter(
        "sequence",
        "execution_type",
        "workflow_name",
        "workflow_version",
        "caller_id",
        "parent_execution_id",
        "fingerprint",
    ),
    RowKind.STEP: attrgetter("sequence", "step_id", "attempt", "tool_name"),
    RowKind.TOOL_CALL: attrgetter("sequence", "step_id", "tool_name", "fingerprint"),
}
_STATUSES: Final = (RowKind.EXECUTION, RowKind.STEP)
_ERROR_CODE: Final = 2
_RUNNING: Final = int(RowStatus.RUNNING)
_COMPLETED: Final = int(RowStatus.COMPLETED)
_FAILED: Final = int(RowStatus.FAILED)


def row_of(span: SpanData, lease_id: int | None) -> SpanRow:
    """Turn a redacted span into the row that stands for it.

    Spans of other conventions (GenAI, OpenInference, OpenLLMetry) get their kind and columns from those. A
    span that names no execution belongs to the execution of its trace, whose id is the trace id in hexadecimal.

    Args:
        span: what `flatten` made; it is not changed.
        lease_id: the process that records it; None for a span that is imported.
    """
    rest = span.attributes.copy()
    document: dict[str, Any] = {}
    execution_type = workflow_name = workflow_version = caller_id = parent_execution_id = None
    step_id = attempt = tool_name = sequence = fingerprint = status = None
    metadata: tuple[tuple[str, str], ...] = ()

    own = rest.get(KIND)
    kind = _KINDS.get(own) if own.__class__ is str else None  # type: ignore[arg-type]  # its class was checked
    if kind is None:
        reading = foreign.read(span)
        kind = reading.kind
        if kind is RowKind.SPAN and own is None:
            execution_id = _take_text(rest, EXECUTION_ID)
            sequence = _take_int(rest, SEQUENCE)
        else:
            document["foreign"] = True
            execution_id = _fitting(rest.get(EXECUTION_ID))
            execution_type = reading.execution_type
            workflow_name = _fitting(reading.workflow_name)
            workflow_version = _fitting(reading.workflow_version)
            step_id = _fitting(reading.step_id)
            tool_name = _fitting(reading.tool_name)
    else:
        absent = [key for key in _EXPECTED[kind] if key not in rest]
        if absent:
            document["absent"] = absent
        del rest[KIND]
        for key, value in _IMPLIED[kind]:
            found = rest.get(key)
            if found.__class__ is str and found == value:
                del rest[key]
        execution_id = _take_text(rest, EXECUTION_ID)
        sequence = _take_int(rest, SEQUENCE)
        if kind is RowKind.TOOL_CALL:
            step_id = _take_text(rest, STEP_ID)
            tool_name = _take_text(rest, TOOL_NAME)
            fingerprint = _take_int(rest, CALL_HASH)
        elif kind is RowKind.STEP:
            status = _take_status(rest, _STEP_STATUSES)
            step_id = _take_text(rest, STEP_ID)
            attempt = _take_int(rest, ATTEMPT)
            tool_name = _take_text(rest, TOOL_NAME)
        else:
            status = _take_status(rest, _EXECUTION_STATUSES)
            execution_type = _take_text(rest, EXECUTION_TYPE)
            workflow_name = _take_text(rest, WORKFLOW_NAME)
            workflow_version = _take_text(rest, WORKFLOW_VERSION)
            caller_id = _take_text(rest, CALLER_ID)
            parent_execution_id = _take_text(rest, PARENT_EXECUTION_ID)
            fingerprint = _take_int(rest, PATH_HASH)
            metadata = _index(rest.get(METADATA))

    if status is None:
        status = _RUNNING if span.end_ns is None else _FAILED if span.status_code == _ERROR_CODE else _COMPLETED
    error_code = error_category = None
    if ERROR in rest:
        error_code, error_category = _error_columns(rest[ERROR])
    elif status == _FAILED:
        error_code, error_category = _fitting(foreign.error_code(span)), foreign.ERROR_CATEGORY

    if lease_id is None and rest.get(INTERRUPTED) is True:
        lease_id = INTERRUPTED_LEASE

    plain: dict[str, JsonValue] = {}
    texts = payload = ""
    for key, value in rest.items():
        if value.__class__ is CleanText:
            if key in PAYLOAD_KEYS:
                payload += f',"{PAYLOAD_KEYS[key]}":{value}'
            else:
                texts += f",{canonical(key)}:{value}"
        elif key in _HEAVY:
            payload += f",{canonical(key)}:{canonical(value)}"
        else:
            plain[key] = value
    if plain:
        document["a"] = plain
    if span.kind:
        document["kind"] = span.kind
    if span.status_code != (_ERROR_CODE if status == _FAILED else 0):
        document["code"] = span.status_code
    if span.status_message is not None:
        document["message"] = span.status_message
    if span.trace_state:
        document["state"] = span.trace_state
    if span.flags != _USUAL_FLAGS:
        document["flags"] = span.flags
    if span.events:
        document["events"] = [tuple(event) for event in span.events]
    if span.links:
        document["links"] = [(_hex(link.trace_id, 32), _hex(link.span_id, 16), *link[2:]) for link in span.links]
    if span.dropped_attributes or span.dropped_events or span.dropped_links:
        document["dropped"] = (span.dropped_attributes, span.dropped_events, span.dropped_links)
    if span.scope != _SCOPE:
        document["scope"] = tuple(span.scope)
    written = canonical(document) if document else ""
    if texts:
        written = f'{written[:-1] or "{"}{"," if written else ""}"j":{{{texts[1:]}}}}}'

    name = span.name
    return SpanRow(
        execution_id or _hex(span.trace_id, 32),
        _signed(span.span_id),
        span.start_ns,
        span.trace_id.to_bytes(16, "big"),
        None if span.parent_span_id is None else _signed(span.parent_span_id),
        int(kind),
        status,
        span.end_ns,
        sequence,
        None if name == default_name(kind, workflow_name, step_id, tool_name) else name,
        execution_type,
        workflow_name,
        workflow_version,
        caller_id,
        parent_execution_id,
        step_id,
        attempt,
        tool_name,
        error_code,
        error_category,
        fingerprint,
        lease_id,
        span.resource.key,
        written or None,
        "{" + payload[1:] + "}" if payload else None,
        span.resource,
        metadata,
    )


def data_of(row: SpanRow) -> SpanData:
    """Turn a row back into the span it was made of.

    Total: a document or payload that cannot be read becomes an entry of the attribute ``otel_telemetry.problems``.
    """
    problems: list[str] = []
    document = _load(row.document, "document", problems)
    payload = _load(row.payload, "payload", problems)
    kind = RowKind(row.kind)
    attributes: dict[str, JsonValue] = {}
    if not document.get("foreign"):
        if kind:
            attributes[KIND] = _KIND_NAMES[kind]
            attributes.update(_IMPLIED[kind])
        attributes[EXECUTION_ID] = row.execution_id
        if kind in _STATUSES:
            attributes[STATUS] = _STATUS_NAMES[row.status]
        for key, value in zip(_COLUMN_KEYS[kind], _COLUMN_VALUES[kind](row), strict=True):
            if value is not None:
                attributes[key] = value
        for key in document.get("absent", ()):
            attributes.pop(key, None)
    attributes.update(document.get("a", {}))
    for key, value in document.get("j", {}).items():
        attributes[key] = CleanText(canonical(value))
    for key, value in payload.items():
        full = _FULL_NAMES.get(key)
        if full is None:
            attributes[key] = value
        else:
            attributes[full] = CleanText(canonical(value))
    if problems:
        attributes[PROBLEMS] = problems
    dropped = document.get("dropped", (0, 0, 0))
    status_code = document.get("code")
    return SpanData(
        trace_id=int.from_bytes(row.trace_id, "big"),
        span_id=_unsigned(row.span_id),
        parent_span_id=None if row.parent_span_id is None else _unsigned(row.parent_span_id),
        trace_state=document.get("state", ""),
        flags=document.get("flags", _USUAL_FLAGS),
        name=row.name
        if row.name is not None
        else default_name(kind, row.workflow_name, row.step_id, row.tool_name) or "",
        kind=document.get("kind", 0),
        start_ns=row.started_ns,
        end_ns=row.ended_ns,
        status_code=(_ERROR_CODE if row.status == _FAILED else 0) if status_code is None else status_code,
        status_message=document.get("message"),
        attributes=attributes,
        events=tuple(EventData(*event) for event in document.get("events", ())),
        links=tuple(
            LinkData(int(trace_id, 16), int(span_id, 16), *more) for trace_id, span_id, *more in document.get("links", ())
        ),
        dropped_attributes=dropped[0],
        dropped_events=dropped[1],
        dropped_links=dropped[2],
        resource=row.resource,
        scope=ScopeData(*document["scope"]) if "scope" in document else _SCOPE,
    )


def _load(text: str | None, what: str, problems: list[str]) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        return cast("dict[str, Any]", orjson.loads(text))
    except orjson.JSONDecodeError:
        problems.append(f"the stored {what} of the span could not be read")
        return {}


def _take_text(attributes: dict[str, JsonValue], key: str) -> str | None:
    value = attributes.get(key)
    if value.__class__ is str and len(value) <= MAX_TEXT:  # type: ignore[arg-type]  # its class was checked
        del attributes[key]
        return value  # type: ignore[return-value]
    return None


def _take_int(attributes: dict[str, JsonValue], key: str) -> int | None:
    value = attributes.get(key)
    if value.__class__ is int:
        del attributes[key]
        return value  # type: ignore[return-value]  # its class was checked
    return None


def _take_status(attributes: dict[str, JsonValue], statuses: dict[str, int]) -> int | None:
    value = attributes.get(STATUS)
    status = statuses.get(value) if value.__class__ is str else None  # type: ignore[arg-type]  # its class was checked
    if status is not None:
        del attributes[STATUS]
    return status


def _fitting(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT else None


def _error_columns(error: JsonValue) -> tuple[str | None, str | None]:
    error = _parsed(error)
    if not isinstance(error, dict):
        return None, None
    return _fitting(error.get("code")), _fitting(error.get("category"))


def _index(metadata: JsonValue) -> tuple[tuple[str, str], ...]:
    metadata = _parsed(metadata)
    if not isinstance(metadata, dict):
        return ()
    return tuple((key, index_value(value)) for key, value in metadata.items() if len(key) <= MAX_TEXT)


def _parsed(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        return cast("JsonValue", orjson.loads(str(value)))  # orjson refuses a subclass of str, such as CleanText
    except orjson.JSONDecodeError:
        return None


def _hex(number: int, digits: int) -> str:
    return f"{number:0{digits}x}"


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _unsigned(number: int) -> int:
    return number & 0xFFFFFFFFFFFFFFFF
