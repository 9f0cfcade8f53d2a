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
    payload: bool = False


ATTRIBUTES: Final[list[Attribute]] = []


def _attribute(key: str, spans: str, type_: str, meaning: str, *, payload: bool = False) -> str:
    ATTRIBUTES.append(Attribute(key, spans, type_, meaning, payload))
    return key


ALL = "all"
EXECUTION = "execution"
STEP = "step"
TOOL_CALL = "tool call"

# what kind of span it is, and where it belongs
KIND = _attribute("otel_telemetry.kind", ALL, "string", "`execution`, `step` or `tool_call`; absent on any other span")
EXECUTION_ID = _attribute("workflow.execution.id", ALL, "string", "the execution that the span belongs to")
SEQUENCE = _attribute("otel_telemetry.sequence", ALL, "int", "position in the execution; decides where times tie")
STATUS = _attribute("otel_telemetry.status", "execution, step", "string", "pending, running, completed, failed, cancelled or skipped")
ERROR = _attribute("otel_telemetry.error", ALL, "JSON", "the ErrorRecord: code, category, message, detail, retryable, causes")
ERROR_TYPE = _attribute("error.type", ALL, "string", "the exception's qualified name, or the error's code")
PROBLEMS = _attribute("otel_telemetry.problems", ALL, "string[]", "what could not be recorded as it was given")
OUTCOME = _attribute("otel_telemetry.outcome", ALL, "string", "how the span ended where that is not a plain return or error: `abandoned`, `cancelled`, `closed`")

# executions
OPERATION_NAME = _attribute("gen_ai.operation.name", "execution, tool call", "string", "`invoke_workflow` or `execute_tool`")
EXECUTION_TYPE = _attribute("otel_telemetry.execution.type", EXECUTION, "string", "`workflow` or `direct`")
WORKFLOW_NAME = _attribute("gen_ai.workflow.name", EXECUTION, "string", "name of the workflow")
WORKFLOW_VERSION = _attribute("otel_telemetry.workflow.version", EXECUTION, "string", "version of the workflow")
INPUTS = _attribute("otel_telemetry.inputs", EXECUTION, "JSON", "what the execution was given", payload=True)
OUTPUTS = _attribute("otel_telemetry.outputs", EXECUTION, "JSON", "what the execution returned", payload=True)
CALLER_ID = _attribute("otel_telemetry.caller.id", EXECUTION, "string", "who asked for the execution")
METADATA = _attribute("otel_telemetry.metadata", EXECUTION, "JSON", "keys and values to find the execution by")
PARENT_EXECUTION_ID = _attribute("otel_telemetry.parent_execution.id", EXECUTION, "string", "the execution that started this one")
INTERRUPTED = _attribute("otel_telemetry.interrupted", EXECUTION, "bool", "set on export and import: the process was gone before the end")
PATH_HASH = _attribute("otel_telemetry.path_hash", EXECUTION, "int", "64-bit hash of the ids of the ended steps, in order: equal for runs of one variant")

# steps
STEP_ID = _attribute("otel_telemetry.step.id", "step, tool call", "string", "the step, or the step that made the call")
STEP_TYPE = _attribute("otel_telemetry.step.type", STEP, "string", "`tool` or `code`")
ATTEMPT = _attribute("otel_telemetry.step.attempt", STEP, "int", "1 for the first attempt, 2 for its first retry")
SKIP_REASON = _attribute("otel_telemetry.step.skip_reason", STEP, "string", "why the step was skipped")
CODE_HASH = _attribute("otel_telemetry.step.code_hash", STEP, "string", "SHA-256 of the step's source, hexadecimal")
STEP_PARAMS = _attribute("otel_telemetry.step.params", STEP, "JSON", "what the step was given", payload=True)
STEP_RESULT = _attribute("otel_telemetry.step.result", STEP, "JSON", "what the step returned", payload=True)

# tool calls (the name and the source of the call stand on a step of type tool as well)
TOOL_NAME = _attribute("gen_ai.tool.name", "tool call, step", "string", "name of the tool")
TOOL_CALL_ID = _attribute("gen_ai.tool.call.id", TOOL_CALL, "string", "id of the call")
TOOL_PARAMS = _attribute("gen_ai.tool.call.arguments", TOOL_CALL, "JSON", "what the tool was given", payload=True)
TOOL_RESULT = _attribute("gen_ai.tool.call.result", TOOL_CALL, "JSON", "what the tool returned", payload=True)
TOOL_SOURCE = _attribute("otel_telemetry.tool.source", TOOL_CALL, "string", "`tool_step` or `code_block`")
CALL_HASH = _attribute("otel_telemetry.tool.call_hash", TOOL_CALL, "int", "64-bit hash of the tool and its redacted parameters: equal calls repeat it")

# generators
ITEM_COUNT = _attribute("otel_telemetry.items.count", ALL, "int", "how many items a generator yielded")
ITEM_SAMPLE = _attribute("otel_telemetry.items.sample", ALL, "JSON", "the first few items that it yielded", payload=True)
FIRST_ITEM_MS = _attribute("otel_telemetry.items.first_ms", ALL, "double", "milliseconds until the first item")

# code
CODE_FUNCTION = _attribute("code.function.name", ALL, "string", "qualified name of the decorated function")

# clocks
CLOCK_STEP_MS = _attribute("otel_telemetry.clock_step_ms", ALL, "double", "how far the wall clock moved against the monotonic one while the span ran")

SCOPE_NAME: Final = "otel_telemetry"
"""Name of the instrumentation scope under which this package records."""

PAYLOAD_KEYS: Final = {
    INPUTS: "inputs",
    OUTPUTS: "outputs",
    STEP_PARAMS: "params",
    STEP_RESULT: "result",
    TOOL_PARAMS: "arguments",
    TOOL_RESULT: "output",
    ITEM_SAMPLE: "items",
}
"""Payload attributes and what each is called in the stored payload: heavy, and kept apart from what lists need."""


class SpanName:
    """How spans are named, so that any GenAI-aware backend draws them unaided."""

    EXECUTION = "invoke_workflow"
    TOOL_CALL = "execute_tool"
    STEP = "step"
