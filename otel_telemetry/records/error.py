"""The record of an error. It is all that recording needs of the records, and so is a module of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_CAUSES = 3
"""How many causes an `ErrorRecord` keeps below the top one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """What went wrong, and what caused it.

    `code` and `category` come from the error registry; `message` and `detail` are redacted. `cause` is
    the next error down, at most `MAX_CAUSES` below the top; where the chain was longer, the last one's
    `detail` says how many were cut, under ``causes_cut``.
    """

    code: str
    category: str
    message: str = field(repr=False)
    detail: dict[str, JsonValue] | None = field(default=None, repr=False)
    retryable: bool = False
    step_id: str | None = None
    tool_name: str | None = None
    cause: ErrorRecord | None = field(default=None, repr=False)

    def chain(self) -> Iterator[ErrorRecord]:
        """Yield this error and its causes, outermost first."""
        error: ErrorRecord | None = self
        while error is not None:
            yield error
            error = error.cause

    @property
    def root_cause(self) -> ErrorRecord:
        """The innermost error of the chain."""
        *_, last = self.chain()
        return last
