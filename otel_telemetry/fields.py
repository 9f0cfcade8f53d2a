"""The table of fields: every attribute of this package's spans, and its place in records, rows, stores and queries.

Code that moves fields loops over it: the columns that attributes fill, the tables and indexes of stores, the codec of
records, filters on columns, CSV, the command line's options, redaction of imports, the README. Only code that treats
one field specially names it.

A new field of executions is an entry here, and a line in each class or signature that states its fields for readers
and type checkers: `records.ExecutionRecord` and `ExecutionSummary`, `rows.SpanRow`, `rows.ExecutionRow`, `query.Filter`
and `Filters`, and where a host gives it `ExecutionTexts` below, `TelemetryStore.start_execution` and
`Instruments.workflow`.
`tests/otel_telemetry/test_fields.py` holds all of these equal. Its columns stand in the rows in the order of the table.
Its key needs a constant in `semconv` only if code asks for it by name; released stores need a revision that adds it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, TypedDict

from otel_telemetry import semconv

ALL: Final = "all"
EXECUTION: Final = "execution"
STEP: Final = "step"
TOOL_CALL: Final = "tool call"

Register: TypeAlias = Literal["", "key", "who", "state", "metadata"]
"""The part of an execution's row that holds the column (`rows.execution`)."""


class Asked(NamedTuple):
    """A filter on a field: executions that have one of the given values."""

    option: str
    """The option on the command line."""
    metavar: str
    meaning: str
    """The end of the option's help, after "Only runs"."""
    indexed_by: str = ""
    """The index of executions that begins with the column, if it has one of its own (`stores.indexes`)."""


class Field(NamedTuple):
    """One attribute: its key, the spans that have it, its type and meaning, as in the README; then its other places."""

    key: str
    spans: str
    type: str
    meaning: str
    name: str = ""
    """The field of records."""
    column: str = ""
    """The column of spans, and if it has a register, of executions."""
    register: Register = ""
    asked: Asked | None = None
    """The filter of the same name: on the executions' own row if it has a column and a register, otherwise by terms."""
    is_searched: bool = False
    """Whether the filter `text` looks into the column."""
    is_structural: bool = False
    """Whether spans are told apart and put together by it."""
    payload: str = ""
    """Its short name in the stored payload, which is heavy and kept apart from the columns that lists need."""
    direction: Literal["", "input", "output"] = ""
    """Of a payload, the setting of redaction that it is under."""

    def stands_on(self, spans: str) -> bool:
        """Whether it stands on spans of a kind, in the words of the README."""
        return self.spans == ALL or spans in self.spans.split(", ")


FIELDS: Final = (
    # what kind of span it is, and where it belongs
    Field(
        semconv.KIND, ALL, "string", "`execution`, `step` or `tool_call`; absent on any other span", is_structural=True
    ),
    Field(
        *(semconv.EXECUTION_ID, ALL, "string", "the execution that the span belongs to"),
        name="execution_id",
        column="execution_id",
        register="key",
        asked=Asked("--id", "ID", "of this id"),
        is_structural=True,
    ),
    Field(
        *(semconv.SEQUENCE, ALL, "int", "position in the execution; decides where times tie"),
        name="sequence",
        column="sequence",
        is_structural=True,
    ),
    Field(
        *(semconv.STATUS, "execution, step", "string", "pending, running, completed, failed, cancelled or skipped"),
        name="status",
        column="status",
        register="state",
        asked=Asked("--status", "STATUS", "that are pending, running, completed, failed or cancelled"),
        is_structural=True,
    ),
    Field(
        *(semconv.ERROR, ALL, "JSON", "the ErrorRecord: code, category, message, detail, retryable, causes"),
        name="error",
    ),
    Field(semconv.ERROR_TYPE, ALL, "string", "the exception's qualified name, or the error's code"),
    Field(semconv.PROBLEMS, ALL, "string[]", "what could not be recorded as it was given", name="problems"),
    Field(
        semconv.OUTCOME,
        ALL,
        "string",
        "how the span ended where that is not a plain return or error: `abandoned`, `cancelled`, `closed`",
    ),
    # executions
    Field(
        *(semconv.OPERATION_NAME, "execution, tool call", "string", "`invoke_workflow` or `execute_tool`"),
        is_structural=True,
    ),
    Field(
        *(semconv.EXECUTION_TYPE, EXECUTION, "string", "`workflow` or `direct`"),
        name="type",
        column="execution_type",
        register="who",
        asked=Asked("--type", "TYPE", "of type workflow or direct"),
        is_structural=True,
    ),
    Field(
        *(semconv.WORKFLOW_NAME, EXECUTION, "string", "name of the workflow"),
        name="workflow_name",
        column="workflow_name",
        register="who",
        asked=Asked("--workflow", "NAME", "of this workflow", "executions_by_workflow"),
        is_searched=True,
    ),
    Field(
        *(semconv.WORKFLOW_VERSION, EXECUTION, "string", "version of the workflow"),
        name="workflow_version",
        column="workflow_version",
        register="who",
        asked=Asked("--workflow-version", "VERSION", "of this version", "executions_by_version"),
    ),
    Field(
        *(semconv.INPUTS, EXECUTION, "JSON", "what the execution was given"),
        name="inputs",
        payload="inputs",
        direction="input",
    ),
    Field(
        *(semconv.OUTPUTS, EXECUTION, "JSON", "what the execution returned"),
        name="outputs",
        payload="outputs",
        direction="output",
    ),
    Field(
        *(semconv.CALLER_ID, EXECUTION, "string", "who asked for the execution"),
        name="caller_id",
        column="caller_id",
        register="who",
        asked=Asked("--caller", "ID", "that this caller asked for", "executions_by_caller"),
        is_searched=True,
    ),
    Field(
        *(semconv.METADATA, EXECUTION, "JSON", "keys and values to find the execution by"),
        name="metadata",
        register="metadata",
        asked=Asked("--metadata", "KEY=VALUE", "with this metadata (VALUE is JSON or text)"),
    ),
    Field(
        *(semconv.PARENT_EXECUTION_ID, EXECUTION, "string", "the execution that started this one"),
        name="parent_execution_id",
        column="parent_execution_id",
        register="who",
        asked=Asked("--parent", "ID", "that this run started", "executions_by_parent"),
        is_structural=True,
    ),
    Field(
        *(semconv.INTERRUPTED, EXECUTION, "bool", "set on export and import: the process was gone before the end"),
        name="interrupted",
    ),
    # steps
    Field(
        *(semconv.STEP_ID, "step, tool call", "string", "the step, or the step that made the call"),
        name="step_id",
        column="step_id",
        asked=Asked("--step", "ID", "that have this step"),
        is_searched=True,
        is_structural=True,
    ),
    Field(semconv.STEP_TYPE, STEP, "string", "`tool` or `code`", name="step_type", is_structural=True),
    Field(
        *(semconv.ATTEMPT, STEP, "int", "1 for the first attempt, 2 for its first retry"),
        name="attempt",
        column="attempt",
        is_structural=True,
    ),
    Field(semconv.SKIP_REASON, STEP, "string", "why the step was skipped", name="skip_reason"),
    Field(semconv.CODE_HASH, STEP, "string", "SHA-256 of the step's source, hexadecimal", name="code_hash"),
    Field(
        *(semconv.STEP_PARAMS, STEP, "JSON", "what the step was given"),
        name="tool_params",
        payload="params",
        direction="input",
    ),
    Field(
        *(semconv.STEP_RESULT, STEP, "JSON", "what the step returned"),
        name="tool_result",
        payload="result",
        direction="output",
    ),
    # tool calls (the name and the source of the call stand on a step of type tool as well)
    Field(
        *(semconv.TOOL_NAME, "tool call, step", "string", "name of the tool"),
        name="tool_name",
        column="tool_name",
        asked=Asked("--tool", "NAME", "that call this tool"),
        is_searched=True,
    ),
    Field(semconv.TOOL_CALL_ID, TOOL_CALL, "string", "id of the call", name="call_id"),
    Field(
        *(semconv.TOOL_PARAMS, TOOL_CALL, "JSON", "what the tool was given"),
        name="params",
        payload="arguments",
        direction="input",
    ),
    Field(
        *(semconv.TOOL_RESULT, TOOL_CALL, "JSON", "what the tool returned"),
        name="result",
        payload="output",
        direction="output",
    ),
    Field(semconv.TOOL_SOURCE, TOOL_CALL, "string", "`tool_step` or `code_block`", name="source", is_structural=True),
    Field(
        *(semconv.CALL_HASH, TOOL_CALL, "int"),
        "64-bit hash of the tool and its redacted parameters: equal calls repeat it",
        column="call_hash",
        is_structural=True,
    ),
    # generators
    Field(semconv.ITEM_COUNT, ALL, "int", "how many items a generator yielded"),
    Field(
        *(semconv.ITEM_SAMPLE, ALL, "JSON", "the first few items that it yielded"),
        payload="items",
        direction="output",
    ),
    Field(semconv.FIRST_ITEM_MS, ALL, "double", "milliseconds until the first item"),
    # code
    Field(semconv.CODE_FUNCTION, ALL, "string", "qualified name of the decorated function"),
    # clocks
    Field(
        semconv.CLOCK_STEP_MS,
        ALL,
        "double",
        "how far the wall clock moved against the monotonic one while the span ran",
    ),
)
"""Every attribute, in the order of the README's table."""


class ExecutionTexts(TypedDict, total=False):
    """Short texts that a host may give when it starts an execution, beside the workflow's name."""

    workflow_version: str | None
    caller_id: str | None


# Views of the table.
ASKED: Final = {field.name: field.asked for field in FIELDS if field.asked is not None}
WHO: Final = tuple(field for field in FIELDS if field.register == "who")
"""The fields that say who an execution is: text columns, side by side in both rows."""
WHO_COLUMNS: Final = tuple(field.column for field in WHO)
ON_ROWS: Final = tuple(field for field in FIELDS if field.name in ASKED and field.column and field.register)
"""The fields with a filter on the executions' own row."""
INDEXED: Final = {field.column: ASKED[field.name].indexed_by for field in ON_ROWS if ASKED[field.name].indexed_by}
"""Columns of executions, each with the index that begins with it."""
SEARCHED: Final = tuple(field.column for field in FIELDS if field.is_searched)
PAYLOAD_KEYS: Final = {field.key: field.payload for field in FIELDS if field.payload}
"""Payload attributes and their short names in the stored payload."""
STRUCTURAL: Final = frozenset(field.key for field in FIELDS if field.is_structural)
"""Attributes by which spans are told apart and put together."""
EXECUTION_TEXTS: Final = tuple(
    (field.key, field.name) for field in FIELDS if field.name in ExecutionTexts.__annotations__
)
"""Key and name of each of `ExecutionTexts`."""
