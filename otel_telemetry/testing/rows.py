"""Rows to test a backend with: few enough to read, and among them what backends get wrong."""

from __future__ import annotations

from typing import Any, Final

from otel_telemetry.spans import RowKind, RowStatus, SpanRow, index_value
from span_processors.data import JsonValue, ResourceData
from span_processors.redaction import canonical

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
_RESOURCES: Final = (
    ResourceData.of({"service.name": "billing"}),
    ResourceData.of({"service.name": "caf\u00e9", "list": ["a", 1, True]}, "https://schema.example/1"),
)


def make_row(kind: RowKind, execution_id: str, span_id: int, **columns: Any) -> SpanRow:
    """Make a row of which only the given columns matter; `payload` and `document` are given as values."""
    resource = columns.pop("resource", _RESOURCES[span_id % 2])
    metadata: dict[str, JsonValue] = columns.pop("metadata", {})
    document = {"j": {"otel_telemetry.metadata": metadata}} if metadata else {}
    document |= columns.pop("document", {})
    payload = columns.pop("payload", None)
    plain = SpanRow(
        execution_id=execution_id,
        span_id=span_id,
        started_ns=1_000,
        trace_id=(abs(span_id) + 1).to_bytes(16, "big"),
        parent_span_id=None,
        kind=int(kind),
        status=int(RowStatus.COMPLETED),
        ended_ns=2_000,
        sequence=None,
        name=None,
        execution_type="workflow" if kind is RowKind.EXECUTION else None,
        workflow_name=None,
        workflow_version=None,
        caller_id=None,
        parent_execution_id=None,
        step_id=None,
        attempt=None,
        tool_name=None,
        error_code=None,
        error_category=None,
        fingerprint=None,
        lease_id=None,
        resource_id=resource.key,
        document=canonical(document) if document else None,
        payload=None if payload is None else canonical(payload),
        resource=resource,
        metadata=tuple((key, index_value(value)) for key, value in metadata.items()),
    )
    return plain._replace(**columns)


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
            caller_id="ann",
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
            fingerprint=-(2**63),
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
            caller_id="bob",
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
            workflow_name=text, caller_id=text, error_code=text, metadata={text: text}, payload={"inputs": text},
            document={"a": {text: [text]}},
        )
        for number, text in enumerate(HOSTILE_TEXTS)
    ]  # fmt: skip
    return rows


CORPUS: Final = tuple(_corpus())
"""Executions, steps, tool calls and other spans: ties, both extremes of integers, text that looks like code."""
