"""The way that an execution went, in a form that is the same for all that went that way.

It is made of the names of its steps, and of the tools called outside of any step. Siblings that ran at the same time
are a set, for their order says nothing; attempts and turns of a loop are folded into one, two or three, and four or
more. Whether something failed is not part of it: else each way would have failed always or never.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from otel_telemetry.rows.hashing import hash64

MOST: Final = 10_000
"""Spans that an execution may have to be compared with others."""
_LONGEST_TURN: Final = 8
"""Activities that a turn of a loop has at most, to be seen as one."""
_DEEPEST: Final = 50
_MANY: Final = 4
_TURN: Final = re.compile(r"#\d+$")


class Activity(NamedTuple):
    """A step, or a call outside of any step."""

    started_ns: int
    sequence: int
    span_id: int
    ended_ns: int | None
    name: str


def variant_of(
    steps: Mapping[int, Activity], calls: Iterable[tuple[Activity, int | None]], parents: Mapping[int, int | None]
) -> int:
    """Return the signed 64-bit hash of the way that an execution went.

    Args:
        steps: by the id of their span.
        calls: tool calls, each with the id of its parent.
        parents: the parent of every span that is there.
    """
    top: list[Activity] = []
    passed: dict[int, int | None] = {}
    children: dict[int | None, list[Activity]] = {None: top}
    for span_id, step in steps.items():
        parent = parents.get(span_id)
        if parent is None or (parent not in steps and parents.get(parent) is None):  # as most are
            top.append(step)
        else:
            children.setdefault(_step_above(parent, steps, parents, passed), []).append(step)
    for call, parent in calls:
        if _step_above(parent, steps, parents, passed) is None:
            top.append(call)
    return hash64(_way(None, children, 0))


def _step_above(
    span_id: int | None,
    steps: Mapping[int, Activity],
    parents: Mapping[int, int | None],
    passed: dict[int, int | None],
) -> int | None:
    """Return the nearest step at or above a span; `passed` keeps it for all on the way, which may be very long."""
    way: list[int] = []
    while span_id is not None and span_id not in steps and span_id not in passed:
        way.append(span_id)
        passed[span_id] = None  # parents may lead in a circle
        span_id = parents.get(span_id)
    found = span_id if span_id is None or span_id in steps else passed[span_id]
    passed.update(dict.fromkeys(way, found))
    return found


_PLACE: Final = itemgetter(0, 1, 2, 4)
"""What orders activities: not their end, which may be missing."""


def _way(parent: int | None, children: Mapping[int | None, list[Activity]], depth: int) -> str:
    activities = sorted(children.get(parent, ()), key=_PLACE)
    if not activities or depth > _DEEPEST:
        return ""
    way: list[str] = []
    group: list[str] = []
    until = activities[0].started_ns
    for activity in activities:
        if group and activity.started_ns >= until:
            way.append(_together(group))
            group = []
        inside = _way(activity.span_id, children, depth + 1) if activity.span_id in children else ""
        name = activity.name
        if "#" in name:
            name = _TURN.sub("", name)
        group.append(f"{name}[{inside}]" if inside else name)
        ended = activity.ended_ns
        until = max(until, activity.started_ns if ended is None else ended) if len(group) > 1 else (ended or until)
    way.append(_together(group))
    return ";".join(_folded(way))


def _together(group: Sequence[str]) -> str:
    if len(group) == 1:
        return group[0]
    counted = sorted(Counter(group).items())
    return "{" + ",".join(name + _times(n) for name, n in counted) + "}"


def _folded(way: list[str]) -> list[str]:
    """Fold what comes again at once: one activity, then turns of two, and so on."""
    if len(set(way)) == len(way):
        return way
    for width in range(1, min(_LONGEST_TURN, len(way) // 2) + 1):
        folded: list[str] = []
        at = 0
        while at < len(way):
            turn, times = way[at : at + width], 1
            while way[at + times * width : at + (times + 1) * width] == turn:
                times += 1
            if times > 1:
                folded.append(turn[0] + _times(times) if width == 1 else f"({';'.join(turn)}){_times(times)}")
                at += times * width
            else:
                folded.append(way[at])
                at += 1
        way = folded
    return way


def _times(n: int) -> str:
    return "" if n == 1 else "*2" if n < _MANY else "*4"
