"""Hypothesis strategies: spans as `flatten` makes them, whatever was recorded, and records as they are read back."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from otel_telemetry import fields, semconv
from span_processors.data import CleanText, EventData, LinkData, ResourceData, ScopeData, SpanData
from span_processors.redaction import canonical

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
LONG = st.sampled_from(["x" * 256, "x" * 257, "é" * 300])
SCALAR = st.none() | st.booleans() | INT64 | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5
)
CLEAN = JSON.map(lambda value: CleanText(canonical(value)))
TIMES = st.integers(0, 2**62)

WORDS = st.sampled_from(
    [
        *("execution", "step", "tool_call", "invoke_workflow", "execute_tool", "invoke_agent", "chat", "TOOL", "AGENT"),
        *("tool", "workflow", "direct", "pending", "running", "completed", "failed", "cancelled", "skipped", "code"),
        *("tool_step", "code_block", "id-1", "id-2", "stripe.charge", "otel_telemetry", ""),
    ]
)
FOREIGN_KEYS = (
    *("openinference.span.kind", "traceloop.span.kind", "traceloop.entity.name", "traceloop.entity.version"),
    *("input.value", "output.value", "tool.name", "traceloop.entity.input", "gen_ai.input.messages"),
)
KEYS = st.sampled_from([field.key for field in fields.FIELDS] + list(FOREIGN_KEYS)) | TEXT
VALUES = WORDS | WORDS.map(CleanText) | SCALAR | JSON | CLEAN | LONG | st.integers(0, 3)

_CLEAN_WORDS = WORDS.map(lambda word: CleanText(canonical(word)))
ATTRIBUTES = st.dictionaries(KEYS, WORDS | _CLEAN_WORDS | JSON | CLEAN | LONG, max_size=12)


def _own(kind: str, *keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Attributes of a span of this package's own, mostly as they should be."""
    usual = {
        semconv.EXECUTION_ID: st.sampled_from(["id-1", "id-2"]),
        semconv.STATUS: WORDS,
        semconv.SEQUENCE: INT64,
        semconv.ATTEMPT: INT64,
        semconv.CALL_HASH: INT64,
        semconv.OPERATION_NAME: st.sampled_from(["execute_tool", "invoke_workflow"]),
        **dict.fromkeys(fields.PAYLOAD_KEYS, CLEAN),
        semconv.METADATA: st.dictionaries(TEXT, JSON, max_size=3).map(lambda value: CleanText(canonical(value))),
        semconv.ERROR: st.just(CleanText('{"code":"timeout","category":"transient","message":"m"}')),
    }
    wanted = {key: usual.get(key, WORDS) for key in keys}
    required = {semconv.KIND: st.just(kind)}
    return st.tuples(st.fixed_dictionaries(required, optional=wanted), ATTRIBUTES).map(lambda pair: pair[1] | pair[0])


OWN_ATTRIBUTES = st.one_of(
    _own(
        "execution",
        *(field.key for field in fields.FIELDS if fields.EXECUTION in field.spans),
        *(semconv.EXECUTION_ID, semconv.SEQUENCE, semconv.ERROR, semconv.ITEM_SAMPLE),
    ),
    _own(
        "step",
        *(field.key for field in fields.FIELDS if fields.STEP in field.spans),
        *(semconv.EXECUTION_ID, semconv.SEQUENCE, semconv.ERROR, semconv.ITEM_SAMPLE),
    ),
    _own(
        "tool_call",
        *(field.key for field in fields.FIELDS if fields.TOOL_CALL in field.spans),
        *(semconv.EXECUTION_ID, semconv.SEQUENCE, semconv.ERROR, semconv.ITEM_SAMPLE),
    ),
)
PLAIN = st.dictionaries(TEXT, JSON, max_size=2)
EVENTS = st.builds(
    EventData, WORDS | TEXT | st.just("exception"), TIMES, PLAIN | st.just({"exception.type": "E"}), st.integers(0, 2)
)
IDS = st.integers(0, 2**64 - 1)
LINKS = st.builds(LinkData, st.integers(0, 2**128 - 1), IDS, TEXT, st.integers(0, 2**32 - 1), PLAIN, st.integers(0, 2))
SCOPES = st.just(ScopeData(semconv.SCOPE_NAME)) | st.builds(ScopeData, TEXT, TEXT, TEXT, PLAIN)
RESOURCES = st.builds(ResourceData.of, PLAIN, TEXT)
NAMES = st.sampled_from(["execute_tool stripe.charge", "execute_tool None", "step id-1"]) | TEXT | LONG
TRACE_IDS = st.integers(0, 2**128 - 1)


def spans(
    attributes: st.SearchStrategy[dict[str, Any]] = OWN_ATTRIBUTES | ATTRIBUTES,
    *,
    ids: st.SearchStrategy[int] = IDS,
    trace_ids: st.SearchStrategy[int] = TRACE_IDS,
) -> st.SearchStrategy[SpanData]:
    """Return any span that `flatten` may make."""
    return st.builds(
        SpanData,
        trace_id=trace_ids,
        span_id=ids,
        parent_span_id=st.none() | ids,
        trace_state=TEXT,
        flags=st.sampled_from([0, 1, 257, 0x301]),
        name=NAMES,
        kind=st.integers(0, 4),
        start_ns=TIMES,
        end_ns=st.none() | TIMES,
        status_code=st.integers(0, 2),
        status_message=st.none() | TEXT,
        attributes=attributes,
        events=st.lists(EVENTS, max_size=2).map(tuple),
        links=st.lists(LINKS, max_size=2).map(tuple),
        dropped_attributes=st.integers(0, 2),
        dropped_events=st.integers(0, 2),
        dropped_links=st.integers(0, 2),
        resource=RESOURCES,
        scope=SCOPES,
    )
