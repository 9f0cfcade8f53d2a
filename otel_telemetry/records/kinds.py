"""What executions, steps and tool calls may be, and where they may stand."""

from __future__ import annotations

from enum import Enum


class ExecutionType(str, Enum):
    """What an execution is: a workflow of steps, or a tool called directly, outside any workflow."""

    WORKFLOW = "workflow"
    DIRECT = "direct"


class ExecutionStatus(str, Enum):
    """Where an execution stands. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(str, Enum):
    """Where a step stands. The last three are final; a cancelled step is FAILED, its error's code ``cancelled``."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class StepType(str, Enum):
    """Whether a step calls one tool or runs code."""

    TOOL = "tool"
    CODE = "code"


class ToolCallSource(str, Enum):
    """Where a tool call came from: a step that is the call, or code that made it."""

    TOOL_STEP = "tool_step"
    CODE_BLOCK = "code_block"
