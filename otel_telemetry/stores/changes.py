"""What is to be written, and what became of what was offered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from otel_telemetry.rows import ExecutionRow, SpanRow, Tally

Term: TypeAlias = tuple[int, int, bytes]
"""(term, started_ns, the key of the execution)"""


@dataclass(slots=True)
class Written:
    """What became of the rows that were offered. Each is counted once."""

    stored: int = 0
    replayed: int = 0
    """There already, or a lesser state of what is there."""
    replaced: int = 0
    """Put in the place of a lesser state."""
    refused: int = 0
    """Of an execution that was deleted."""

    def add(self, other: Written) -> None:
        """Add what became of other rows."""
        self.stored += other.stored
        self.replayed += other.replayed
        self.replaced += other.replaced
        self.refused += other.refused


@dataclass(slots=True)
class Changes:
    """What is to be written."""

    inserted: list[ExecutionRow] = field(default_factory=list)
    """Of executions that were not there."""
    updated: list[tuple[ExecutionRow, ExecutionRow]] = field(default_factory=list)
    """What was, and what is now."""
    spans: list[SpanRow] = field(default_factory=list)
    """New ones, and those that take the place of others."""
    replaced_spans: list[SpanRow] = field(default_factory=list)
    """Those that some of `spans` are put in the place of."""
    new_terms: list[Term] = field(default_factory=list)
    """Of executions that were not there."""
    more_terms: list[Term] = field(default_factory=list)
    """Of executions that were there. Some may be there already."""
    dropped_terms: list[Term] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    entered: list[str] = field(default_factory=list)
    """New traces without a caller. One that another session is writing at this moment cannot be seen yet."""
    calling: list[str] = field(default_factory=list)
    """Traces that new executions of ours may have called; the same holds for what they called."""
    written: Written = field(default_factory=Written)
