"""Rows to test a backend with: few enough to read, and among them what backends get wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.fields import INDEXED
from otel_telemetry.rows import RowKind, SpanRow, default_name, row_of
from otel_telemetry.semconv import EXECUTION_ID, EXECUTION_TYPE, KIND, METADATA, OPERATION_NAME, SCOPE_NAME, STATUS
from span_processors.data import CleanText, ResourceData, ScopeData, SpanData
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from span_processors.data import JsonValue

LIVE_LEASE: Final = 7
DEAD_LEASE: Final = 8
HOSTILE_TEXTS: Final = (
    "100% _ \\ 'quoted' \"twice\" `tick`",
    "'; DROP TABLE spans; --",
    "NaN",
    "null",
    "naïve café ŝ ﬁ",
    "\U0001f680 rocket",
    "a\ufffdb",
    "tab\tnewline\nreturn\r",
    "",
    " leading and trailing ",
    "UPPER",
    "upper",
    "x" * 256,
)
MORE: Final = tuple(
    name for name in INDEXED if name not in ("workflow_name", "workflow_version", "parent_execution_id")
)
"""Further fields that executions are found by, which have the same texts in every row."""
_RESOURCES: Final = (
    ResourceData.of({"service.name": "billing"}),
    ResourceData.of({"service.name": "caf\u00e9", "list": ["a", 1, True]}, "https://schema.example/1"),
)


def make_row(kind: RowKind, execution_id: str, span_id: int, **columns: Any) -> SpanRow:
    """Make a row of which only the given columns matter.

    Beside columns, `payload` is given as a value, `metadata` as a mapping; `attributes` are what the document holds.
    """
    resource = columns.pop("resource", _RESOURCES[span_id % 2])
    metadata = columns.pop("metadata", None)
    attributes: dict[str, JsonValue] = {EXECUTION_ID: execution_id, **columns.pop("attributes", {})}
    own = kind in {RowKind.EXECUTION, RowKind.STEP, RowKind.TOOL_CALL}
    if own:
        attributes[KIND] = kind.name.lower()
    if kind in {RowKind.EXECUTION, RowKind.STEP}:
        attributes[STATUS] = "completed"
    if kind is RowKind.EXECUTION:
        attributes |= {EXECUTION_TYPE: "workflow", OPERATION_NAME: "invoke_workflow"}
    if metadata is not None:
        attributes[METADATA] = CleanText(canonical(metadata))
    if "payload" in columns:
        columns["payload"] = canonical(columns["payload"])
    span = SpanData(
        trace_id=abs(span_id) + 1,
        span_id=span_id % 2**64,
        parent_span_id=1 if kind is RowKind.SPAN else None,
        trace_state="",
        flags=1,
        name=default_name(kind, None, None, None) or "",
        kind=0,
        start_ns=1_000,
        end_ns=2_000,
        status_code=0,
        status_message=None,
        attributes=attributes,
        events=(),
        links=(),
        dropped_attributes=0,
        dropped_events=0,
        dropped_links=0,
        resource=resource,
        scope=ScopeData(SCOPE_NAME),
    )
    return row_of(span, None)._replace(**{"kind": int(kind), **columns})


def _corpus() -> list[SpanRow]:
    execution, step, call, span = RowKind.EXECUTION, RowKind.STEP, RowKind.TOOL_CALL, RowKind.SPAN
    rows = [
        make_row(
            execution,
            "run-1",
            1,
            started_ns=5_000,
            ended_ns=9_000,
            workflow_name="invoice",
            workflow_version="3",
            **dict.fromkeys(MORE, "ann"),
            metadata={"order": 17, "vip": True},
            payload={"inputs": {"city": "K\u00f6ln"}},
            sequence=0,
        ),
        make_row(step, "run-1", 2, started_ns=5_100, ended_ns=5_900, step_id="load", attempt=1, sequence=1),
        make_row(
            call,
            "run-1",
            3,
            started_ns=5_100,
            ended_ns=5_800,
            step_id="load",
            tool_name="http.get",
            sequence=2,
            parent_span_id=2,
            call_hash=-(2**63),
            payload={"arguments": {"url": "a%b_c\\d\"e'f"}},
        ),
        make_row(span, "run-1", 4, started_ns=5_100, ended_ns=5_700, name="GET /", status=3, error_code="ignored"),
        make_row(
            execution,
            "run-2",
            5,
            started_ns=5_000,
            ended_ns=5_001,
            status=3,
            workflow_name="invoice",
            workflow_version="4",
            **dict.fromkeys(MORE, "bob"),
            error_code="card_declined",
            error_category="payment",
            metadata={"order": 17.0, "vip": "true", "tags": ["a", {"b": None}]},
            parent_execution_id="run-1",
        ),
        make_row(
            step,
            "run-2",
            6,
            started_ns=5_000,
            ended_ns=5_001,
            status=3,
            step_id="charge",
            attempt=2,
            sequence=4,
            tool_name="stripe.charge",
            error_code="card_declined",
            error_category="remote",
        ),
        make_row(execution, "run-3", 7, started_ns=6_000, ended_ns=None, status=1, lease_id=LIVE_LEASE),
        make_row(execution, "run-4", 8, started_ns=6_001, ended_ns=None, status=1, lease_id=DEAD_LEASE),
        make_row(step, "run-4", 9, started_ns=6_002, ended_ns=None, status=1, lease_id=DEAD_LEASE, step_id="load"),
        make_row(execution, "run-5", 10, started_ns=6_003, ended_ns=None, status=0, lease_id=None),
        make_row(execution, "run-6", 11, started_ns=6_003, ended_ns=None, status=1, lease_id=0),
        make_row(execution, "run-7", 12, started_ns=7_000, ended_ns=7_500, status=4, execution_type="direct"),
        make_row(call, "run-7", 13, started_ns=7_000, ended_ns=7_500, tool_name="http.get"),
        make_row(execution, "twice", 14, started_ns=8_000, ended_ns=8_100, workflow_name="first"),
        make_row(execution, "twice", 15, started_ns=8_000, ended_ns=8_100, workflow_name="second"),
        make_row(execution, "twice", 15, started_ns=8_001, ended_ns=8_101, workflow_name="second"),
        make_row(execution, "far", -(2**63), started_ns=0, ended_ns=2**63 - 1, lease_id=2**63 - 1, sequence=2**62),
        make_row(execution, "backwards", 2**63 - 1, started_ns=9_000, ended_ns=8_000),
        make_row(step, "no-execution", 16, step_id="load"),
    ]
    rows += [
        make_row(
            execution, f"hostile-{number}", 100 + number, started_ns=10_000, ended_ns=10_000 + number % 3, name=text,
            workflow_name=text, error_code=text, metadata={text: text}, payload={"inputs": text},
            **dict.fromkeys(MORE, text), attributes={f"key {text}": [text]},
        )
        for number, text in enumerate(HOSTILE_TEXTS)
    ]  # fmt: skip
    return rows


CORPUS: Final = tuple(_corpus())
"""Executions, steps, tool calls and other spans: ties, both extremes of integers, text that looks like code."""
