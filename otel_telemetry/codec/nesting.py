"""Which tool call belongs to which step, and whose parents lead in a circle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]


def circles(parents: Mapping[int, int | None]) -> set[int]:
    """Return the spans that are their own ancestors, given the parent of each."""
    settled: set[int] = set()
    circular: set[int] = set()
    for start, parent in parents.items():
        if parent is None or parent in settled:
            settled.add(start)
            continue
        path: dict[int, None] = {}
        current: int | None = start
        while current is not None and current not in settled and current not in path:
            path[current] = None
            current = parents.get(current)
        if current in path:
            trail = list(path)
            circular.update(trail[trail.index(current) :])
        settled.update(path)
    return circular


class Places:
    """The steps of an execution, as places for tool calls. Steps and calls are fields of records to be."""

    def __init__(self, parents: Mapping[int, int | None], steps: list[Fields]) -> None:
        self._parents = parents
        self._by_span = {int(step["span"].span_id, 16): step for step in steps}
        self._nearest: dict[int, Fields | None] = {}
        """The nearest step at or above a span, of each span that was passed: calls may be nested as deep as they are
        many."""
        self._attempts: dict[str, list[Fields]] = defaultdict(list)
        for step in steps:
            self._attempts[step["step_id"]].append(step)

    def step_of(self, call: Fields) -> Fields | None:
        """Return the step that a call belongs to, or None."""
        above = self._above(int(call["span"].span_id, 16))
        step_id = call.get("step_id")
        if step_id is None or (above is not None and above["step_id"] == step_id):
            return above
        attempts = self._attempts.get(step_id)
        if not attempts:
            return None
        before = [step for step in attempts if step["started_at"] <= call["started_at"]]
        return before[-1] if before else attempts[0]

    def _above(self, span_id: int) -> Fields | None:
        passed: list[int] = []
        current = self._parents.get(span_id)
        while current is not None and current not in self._by_span and current not in self._nearest:
            passed.append(current)
            self._nearest[current] = None  # parents may lead in a circle
            current = self._parents.get(current)
        found = None if current is None else self._by_span.get(current) or self._nearest[current]
        self._nearest.update(dict.fromkeys(passed, found))
        return found
