"""What happened since one looked last: runs and steps that started or ended, from records read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.cli import story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.query import Filters
    from otel_telemetry.reader import Reader
    from otel_telemetry.records import ExecutionRecord, ExecutionSummary, StepRecord

LATE_NS: Final = 10 * 10**9
"""How far behind the clock a run may turn up in the store and still be seen."""
STARTED: Final = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A run or a step (`part`) of `run` that started, or ended in the state `what`, at `time_ns`."""

    time_ns: int
    what: str
    run: ExecutionRecord
    part: ExecutionRecord | StepRecord


class Watcher:
    """Follows the runs of a store. Runs that are open when it is made are told first.

    Args:
        reader: the store.
        since_ns: also tell of runs that started after this, nanoseconds since the epoch, UTC.
        filters: which runs; by what does not change while they run.
    """

    def __init__(self, reader: Reader, since_ns: int, filters: Filters) -> None:
        self._reader = reader
        self._filters = filters
        self._since_ns = since_ns
        self._open = {run.execution_id for run in self._summaries(status=["pending", "running"], interrupted=False)}
        self._told: dict[str, set[tuple[bool, str, int, str]]] = {}
        self._ended: dict[str, int] = {}

    def events(self, now_ns: int) -> list[Event]:
        """Return what happened since the last call, in order of time."""
        recent = {run.execution_id for run in self._summaries(started_after=self._since_ns)}
        self._open |= recent - self._ended.keys()
        self._since_ns = max(self._since_ns, now_ns - LATE_NS)
        self._ended = {run: started for run, started in self._ended.items() if started >= self._since_ns}
        events = [event for record in self._reader.records(sorted(self._open)) for event in self._of(record, now_ns)]
        return sorted(events, key=lambda event: event.time_ns)

    def _summaries(self, **more: Any) -> Iterator[ExecutionSummary]:
        asked: Any = {**self._filters, **more}
        return self._reader.iterate(payloads=False, **asked)

    def _of(self, record: ExecutionRecord, now_ns: int) -> Iterator[Event]:
        told = self._told.setdefault(record.execution_id, set())
        parts: tuple[ExecutionRecord | StepRecord, ...] = (record, *record.steps)
        for part in parts:
            state = story.state(part, interrupted=record.interrupted)
            happened = [] if state == "skipped" else [(STARTED, part.started_at)]
            if state not in story.OPEN:
                happened.append((state, part.completed_at or now_ns))
            for what, time_ns in happened:
                key = (part is record, story.title(part), part.started_at, what)
                if key not in told:
                    told.add(key)
                    yield Event(time_ns=time_ns, what=what, run=record, part=part)
        if story.state(record) not in story.OPEN:
            self._open.discard(record.execution_id)
            self._told.pop(record.execution_id)
            self._ended[record.execution_id] = record.started_at
