"""What the exceptions of Python and its standard library mean, until a registry says otherwise."""

from __future__ import annotations

from typing import Final, NamedTuple


class Sort(NamedTuple):
    """What a class of exceptions means to whoever reads the record."""

    code: str
    """What went wrong, for programs and counts."""
    category: str
    """Whose matter it is: `cancelled`, `conflict`, `defect`, `external`, `input`, `not_found`, `permission`,
    `resource`, `system`, `transient`, `unexpected`, or a word of the host's own."""
    retryable: bool = False
    """Whether doing the same again may succeed."""


UNSORTED: Final = Sort("error", "unexpected")

DEFAULTS: Final = {
    "ArithmeticError": Sort("arithmetic_error", "input"),
    "AssertionError": Sort("assertion_failed", "defect"),
    "AttributeError": Sort("programming_error", "defect"),
    "BaseExceptionGroup": Sort("multiple_errors", "unexpected"),
    "BlockingIOError": Sort("would_block", "transient", retryable=True),
    "ConnectionError": Sort("connection_failed", "transient", retryable=True),
    "EOFError": Sort("end_of_input", "input"),
    "FileExistsError": Sort("already_exists", "conflict"),
    "FileNotFoundError": Sort("not_found", "not_found"),
    "GeneratorExit": Sort("abandoned", "cancelled"),
    "ImportError": Sort("missing_dependency", "system"),
    "IndexError": Sort("missing_item", "input"),
    "KeyError": Sort("missing_key", "input"),
    "KeyboardInterrupt": Sort("interrupted", "cancelled"),
    "LookupError": Sort("lookup_failed", "input"),
    "MemoryError": Sort("out_of_memory", "resource"),
    "NameError": Sort("programming_error", "defect"),
    "NotImplementedError": Sort("not_implemented", "defect"),
    "OSError": Sort("os_error", "system"),
    "PermissionError": Sort("permission_denied", "permission"),
    "RecursionError": Sort("recursion_too_deep", "defect"),
    "SyntaxError": Sort("programming_error", "defect"),
    "SystemExit": Sort("exit", "cancelled"),
    "TimeoutError": Sort("timeout", "transient", retryable=True),
    "TypeError": Sort("invalid_input", "input"),
    "ValueError": Sort("invalid_input", "input"),
    "asyncio.CancelledError": Sort("cancelled", "cancelled"),
    "concurrent.futures.CancelledError": Sort("cancelled", "cancelled"),
    "concurrent.futures.BrokenExecutor": Sort("worker_died", "resource", retryable=True),
    "subprocess.CalledProcessError": Sort("command_failed", "external"),
    "subprocess.TimeoutExpired": Sort("timeout", "transient", retryable=True),
    "trio.Cancelled": Sort("cancelled", "cancelled"),
}
"""By name, so that nothing is imported for it."""
