"""The names of span attributes that code asks for by name. What each attribute is, says the table of `fields`.

Where OpenTelemetry has a name it is used (GenAI, error, exception, code conventions); then the draft
``workflow.*`` names; the rest is in one namespace of our own, ``otel_telemetry.*``.
"""

from __future__ import annotations

from typing import Final

# what kind of span it is, and where it belongs
KIND: Final = "otel_telemetry.kind"
EXECUTION_ID: Final = "workflow.execution.id"
SEQUENCE: Final = "otel_telemetry.sequence"
STATUS: Final = "otel_telemetry.status"
ERROR: Final = "otel_telemetry.error"
ERROR_TYPE: Final = "error.type"
PROBLEMS: Final = "otel_telemetry.problems"
OUTCOME: Final = "otel_telemetry.outcome"

# executions
OPERATION_NAME: Final = "gen_ai.operation.name"
EXECUTION_TYPE: Final = "otel_telemetry.execution.type"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
WORKFLOW_VERSION: Final = "otel_telemetry.workflow.version"
INPUTS: Final = "otel_telemetry.inputs"
OUTPUTS: Final = "otel_telemetry.outputs"
CALLER_ID: Final = "otel_telemetry.caller.id"
METADATA: Final = "otel_telemetry.metadata"
PARENT_EXECUTION_ID: Final = "otel_telemetry.parent_execution.id"
INTERRUPTED: Final = "otel_telemetry.interrupted"

# steps
STEP_ID: Final = "otel_telemetry.step.id"
STEP_TYPE: Final = "otel_telemetry.step.type"
ATTEMPT: Final = "otel_telemetry.step.attempt"
SKIP_REASON: Final = "otel_telemetry.step.skip_reason"
CODE_HASH: Final = "otel_telemetry.step.code_hash"
STEP_PARAMS: Final = "otel_telemetry.step.params"
STEP_RESULT: Final = "otel_telemetry.step.result"

# tool calls (the name and the source of the call stand on a step of type tool as well)
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_PARAMS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
TOOL_SOURCE: Final = "otel_telemetry.tool.source"
CALL_HASH: Final = "otel_telemetry.tool.call_hash"

# generators
ITEM_COUNT: Final = "otel_telemetry.items.count"
ITEM_SAMPLE: Final = "otel_telemetry.items.sample"
FIRST_ITEM_MS: Final = "otel_telemetry.items.first_ms"

# code
CODE_FUNCTION: Final = "code.function.name"

# clocks
CLOCK_STEP_MS: Final = "otel_telemetry.clock_step_ms"

SCOPE_NAME: Final = "otel_telemetry"
"""Name of the instrumentation scope under which this package records."""


class SpanName:
    """How spans are named, so that any GenAI-aware backend draws them unaided."""

    EXECUTION = "invoke_workflow"
    TOOL_CALL = "execute_tool"
    STEP = "step"
