"""The names of span attributes, each with its meaning.

Where OpenTelemetry has a name it is used (GenAI, error, exception, code conventions); then the draft
``workflow.*`` names; the rest is in one namespace of our own, ``otel_telemetry.*``. The README's table
is generated from `ATTRIBUTES`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Attribute(NamedTuple):
    """One attribute: its key, on which spans it stands, its type and what it means."""

    key: str
    spans: str
    type: str
    meaning: str
    payload: str = ""
    """What it is called in the stored payload, if it is part of it."""


_declared: Final[list[Attribute]] = []


def _attribute(key: str, spans: str, type_: str, meaning: str, *, payload: str = "") -> str:
    _declared.append(Attribute(key, spans, type_, meaning, payload))
    return key


ALL = "all"
EXECUTION = "execution"
STEP = "step"
TOOL_CALL = "tool call"

# what kind of span it is, and where it belongs
KIND: Final = _attribute(
    "otel_telemetry.kind",
    ALL,
    "string",
    "`execution`, `step` or `tool_call`; absent on any other span",
)
EXECUTION_ID: Final = _attribute("workflow.execution.id", ALL, "string", "the execution that the span belongs to")
SEQUENCE: Final = _attribute(
    "otel_telemetry.sequence",
    ALL,
    "int",
    "position in the execution; decides where times tie",
)
STATUS: Final = _attribute(
    "otel_telemetry.status",
    "execution, step",
    "string",
    "pending, running, completed, failed, cancelled or skipped",
)
ERROR: Final = _attribute(
    "otel_telemetry.error",
    ALL,
    "JSON",
    "the ErrorRecord: code, category, message, detail, retryable, causes",
)
ERROR_TYPE: Final = _attribute("error.type", ALL, "string", "the exception's qualified name, or the error's code")
PROBLEMS: Final = _attribute("otel_telemetry.problems", ALL, "string[]", "what could not be recorded as it was given")
OUTCOME: Final = _attribute(
    "otel_telemetry.outcome",
    ALL,
    "string",
    "how the span ended where that is not a plain return or error: `abandoned`, `cancelled`, `closed`",
)

# executions
OPERATION_NAME: Final = _attribute(
    "gen_ai.operation.name",
    "execution, tool call",
    "string",
    "`invoke_workflow` or `execute_tool`",
)
EXECUTION_TYPE: Final = _attribute("otel_telemetry.execution.type", EXECUTION, "string", "`workflow` or `direct`")
WORKFLOW_NAME: Final = _attribute("gen_ai.workflow.name", EXECUTION, "string", "name of the workflow")
WORKFLOW_VERSION: Final = _attribute("otel_telemetry.workflow.version", EXECUTION, "string", "version of the workflow")
INPUTS: Final = _attribute("otel_telemetry.inputs", EXECUTION, "JSON", "what the execution was given", payload="inputs")
OUTPUTS: Final = _attribute(
    "otel_telemetry.outputs",
    EXECUTION,
    "JSON",
    "what the execution returned",
    payload="outputs",
)
CALLER_ID: Final = _attribute("otel_telemetry.caller.id", EXECUTION, "string", "who asked for the execution")
METADATA: Final = _attribute("otel_telemetry.metadata", EXECUTION, "JSON", "keys and values to find the execution by")
PARENT_EXECUTION_ID: Final = _attribute(
    "otel_telemetry.parent_execution.id",
    EXECUTION,
    "string",
    "the execution that started this one",
)
INTERRUPTED: Final = _attribute(
    "otel_telemetry.interrupted",
    EXECUTION,
    "bool",
    "set on export and import: the process was gone before the end",
)
PATH_HASH: Final = _attribute(
    "otel_telemetry.path_hash",
    EXECUTION,
    "int",
    "64-bit hash of the ids of the ended steps, in order: equal for runs of one variant",
)

# steps
STEP_ID: Final = _attribute(
    "otel_telemetry.step.id",
    "step, tool call",
    "string",
    "the step, or the step that made the call",
)
STEP_TYPE: Final = _attribute("otel_telemetry.step.type", STEP, "string", "`tool` or `code`")
ATTEMPT: Final = _attribute(
    "otel_telemetry.step.attempt",
    STEP,
    "int",
    "1 for the first attempt, 2 for its first retry",
)
SKIP_REASON: Final = _attribute("otel_telemetry.step.skip_reason", STEP, "string", "why the step was skipped")
CODE_HASH: Final = _attribute(
    "otel_telemetry.step.code_hash",
    STEP,
    "string",
    "SHA-256 of the step's source, hexadecimal",
)
STEP_PARAMS: Final = _attribute("otel_telemetry.step.params", STEP, "JSON", "what the step was given", payload="params")
STEP_RESULT: Final = _attribute("otel_telemetry.step.result", STEP, "JSON", "what the step returned", payload="result")

# tool calls (the name and the source of the call stand on a step of type tool as well)
TOOL_NAME: Final = _attribute("gen_ai.tool.name", "tool call, step", "string", "name of the tool")
TOOL_CALL_ID: Final = _attribute("gen_ai.tool.call.id", TOOL_CALL, "string", "id of the call")
TOOL_PARAMS: Final = _attribute(
    "gen_ai.tool.call.arguments",
    TOOL_CALL,
    "JSON",
    "what the tool was given",
    payload="arguments",
)
TOOL_RESULT: Final = _attribute(
    "gen_ai.tool.call.result",
    TOOL_CALL,
    "JSON",
    "what the tool returned",
    payload="output",
)
TOOL_SOURCE: Final = _attribute("otel_telemetry.tool.source", TOOL_CALL, "string", "`tool_step` or `code_block`")
CALL_HASH: Final = _attribute(
    "otel_telemetry.tool.call_hash",
    TOOL_CALL,
    "int",
    "64-bit hash of the tool and its redacted parameters: equal calls repeat it",
)

# generators
ITEM_COUNT: Final = _attribute("otel_telemetry.items.count", ALL, "int", "how many items a generator yielded")
ITEM_SAMPLE: Final = _attribute(
    "otel_telemetry.items.sample",
    ALL,
    "JSON",
    "the first few items that it yielded",
    payload="items",
)
FIRST_ITEM_MS: Final = _attribute("otel_telemetry.items.first_ms", ALL, "double", "milliseconds until the first item")

# code
CODE_FUNCTION: Final = _attribute("code.function.name", ALL, "string", "qualified name of the decorated function")

# clocks
CLOCK_STEP_MS: Final = _attribute(
    "otel_telemetry.clock_step_ms",
    ALL,
    "double",
    "how far the wall clock moved against the monotonic one while the span ran",
)

SCOPE_NAME: Final = "otel_telemetry"
"""Name of the instrumentation scope under which this package records."""

PAYLOAD_KEYS: Final = {attribute.key: attribute.payload for attribute in _declared if attribute.payload}
"""Payload attributes and what each is called in the stored payload: heavy, and kept apart from what lists need."""

STRUCTURAL: Final = frozenset(
    {
        *(KIND, EXECUTION_ID, SEQUENCE, STATUS, OPERATION_NAME, EXECUTION_TYPE, PARENT_EXECUTION_ID, PATH_HASH),
        *(STEP_ID, STEP_TYPE, ATTEMPT, TOOL_SOURCE, CALL_HASH),
    }
)
"""Attributes by which spans are told apart and put together."""

ATTRIBUTES: Final = tuple(_declared)
"""Every attribute, in the order of the README's table."""


class SpanName:
    """How spans are named, so that any GenAI-aware backend draws them unaided."""

    EXECUTION = "invoke_workflow"
    TOOL_CALL = "execute_tool"
    STEP = "step"
