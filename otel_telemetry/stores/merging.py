"""What a batch of rows changes in a store: one plan for every database, made while the executions' rows are locked.

A span row is new, replaces a lesser state of the same span, or changes nothing. An execution's row is joined with what
its new rows claim. What is derived from all rows of an execution is brought up to date: by what the new rows add,
where nothing else depends on them, else anew from all of its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from otel_telemetry.rows import (
    ExecutionRow,
    RowKind,
    SpanRow,
    Tally,
    counts_of,
    derive,
    fold,
    greatest,
    is_greater,
    join,
    metadata_of,
)
from otel_telemetry.rows.derived import Counts, Derived
from otel_telemetry.rows.execution import DELETED, HAS_BOTH_CALLS, INSIDE, OWN, TOP
from otel_telemetry.rows.variant import MOST
from otel_telemetry.stores.covering import Family, home_of

Key: TypeAlias = tuple[str, int, int]
"""(execution_id, started_ns, span_id)"""
SpanKey: TypeAlias = tuple[int, int]
"""(started_ns, span_id)"""
Term: TypeAlias = tuple[int, int, str]
"""(term, started_ns, execution_id)"""

_CALLS: Final = frozenset(map(int, (RowKind.TOOL_CALL, RowKind.INNER_CALL, RowKind.OTHER_CALL, RowKind.ENTRY_CALL)))
_NOTHING: Final = Derived(Counts(set(), [], 0, 0, 0), None, None)


class Held(Protocol):
    """What the tables hold, as the transaction sees it."""

    def lock(self, execution_ids: Collection[str]) -> dict[str, ExecutionRow]:
        """Lock the rows of those executions that are there, in the order of their keys, and return them."""

    def own_in_traces(self, trace_ids: Sequence[bytes]) -> list[tuple[bytes, str]]:
        """Return the ids of the executions of ours that belong to these traces, each with its trace."""

    def states(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans that are there, without document and payload."""

    def whole(self, keys: Sequence[Key]) -> dict[Key, SpanRow]:
        """Return the rows of these spans that are there, with everything."""

    def spans(self, execution_ids: Sequence[str]) -> dict[str, list[SpanRow]]:
        """Return all rows of these executions, without payload; only those of kind EXECUTION with their document."""


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
    """Of executions that were not there, as of all that follow as `new_`."""
    updated: list[ExecutionRow] = field(default_factory=list)
    new_spans: list[SpanRow] = field(default_factory=list)
    more_spans: list[SpanRow] = field(default_factory=list)
    """Of executions that were there."""
    replaced_spans: list[SpanRow] = field(default_factory=list)
    """Those that some of `more_spans` are put in the place of."""
    new_terms: list[Term] = field(default_factory=list)
    more_terms: list[Term] = field(default_factory=list)
    """Of executions that were there. Some may be there already."""
    dropped_terms: list[Term] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    written: Written = field(default_factory=Written)


@dataclass(slots=True)
class _Case:
    """One execution of the batch."""

    execution_id: str
    rows: list[SpanRow]
    old: ExecutionRow | None
    new: ExecutionRow
    replaced: list[SpanRow] = field(default_factory=list)
    needs_all: bool = False
    before: dict[SpanKey, SpanRow] = field(default_factory=dict)
    after: dict[SpanKey, SpanRow] = field(default_factory=dict)


def claims_of(rows: Iterable[SpanRow]) -> tuple[dict[str, list[SpanRow]], dict[str, ExecutionRow], int]:
    """Return rows by execution, each span in its greatest state; the join of their claims; and how many were lesser."""
    groups: dict[str, list[SpanRow]] = {}
    for row in rows:
        group = groups.get(row.execution_id)
        if group is None:
            groups[row.execution_id] = [row]
        else:
            group.append(row)
    lesser = 0
    for execution_id, group in groups.items():
        best = greatest(group)
        if best is not group:
            lesser += len(group) - len(best)
            groups[execution_id] = list(best)
    return groups, {execution_id: fold(group) for execution_id, group in groups.items()}, lesser


def merge(rows: Sequence[SpanRow], held: Held) -> Changes:
    """Return what rows change."""
    return _Merge(held).of(rows)


class _Merge:
    def __init__(self, held: Held) -> None:
        self._held = held
        self._changes = Changes()
        self._cases: dict[str, _Case] = {}

    def of(self, rows: Sequence[SpanRow]) -> Changes:
        groups, claims, lesser = claims_of(rows)
        changes = self._changes
        changes.written.replayed += lesser
        # with the rows named after their traces, which may be parts of them
        traces = {row.trace_id.hex() for row in claims.values() if row.is_own}
        old = self._held.lock({*claims, *traces})
        known: dict[str, list[SpanRow]] = {}
        for execution_id, group in groups.items():
            there = old.get(execution_id)
            if there is None:
                changes.written.stored += len(group)
                self._cases[execution_id] = _Case(execution_id, group, None, claims[execution_id])
            elif there.who_rank == DELETED:
                changes.written.refused += len(group)
            else:
                known[execution_id] = group
        if known:
            self._add_known(known, old)
        families = self._families(old)
        self._load()
        for family in families:
            self._settle(family)
        for case in self._cases.values():
            self._write(case, families)
        return changes

    # rows of executions that are there

    def _add_known(self, known: Mapping[str, list[SpanRow]], old: Mapping[str, ExecutionRow]) -> None:
        written = self._changes.written
        states = self._held.states([_key(row) for group in known.values() for row in group])
        doubtful = [
            key
            for group in known.values()
            for row in group
            if (there := states.get(key := _key(row))) is not None and there.ended_ns == row.ended_ns
        ]
        whole = self._held.whole(doubtful) if doubtful else {}
        for execution_id, group in known.items():
            there = old[execution_id]
            winners: list[SpanRow] = []
            replaced: list[SpanRow] = []
            for row in group:
                state = states.get(_key(row))
                if state is None:
                    written.stored += 1
                elif not is_greater(row, whole.get(_key(row), state)):
                    written.replayed += 1
                    continue
                else:
                    written.replaced += 1
                    replaced.append(state)
                winners.append(row)
            if not winners:
                continue
            case = _Case(execution_id, winners, there, join(there, fold(winners)), replaced)
            if any(_takes_back(there, before, after) for before, after in _pairs(replaced, winners)):
                case.new = self._folded_anew(case)
                case.needs_all = True
            case.needs_all = case.needs_all or _depends_on_others(case)
            self._cases[execution_id] = case

    def _folded_anew(self, case: _Case) -> ExecutionRow:
        """Return the join of the claims of all rows that stand: a state that stood claimed more than the next one."""
        keys = [_key(row) for row in self._held.spans([case.execution_id]).get(case.execution_id, ())]
        rows = {key[1:]: row for key, row in self._held.whole(keys).items()}
        rows.update({(row.started_ns, row.span_id): row for row in case.rows})
        old = case.old
        folded = fold(list(rows.values()))
        return folded if old is None else folded._replace(**_derived_of(old))

    # traces that are read into an execution of ours

    def _families(self, locked: Mapping[str, ExecutionRow]) -> list[Family]:
        """Find the traces that may be read into executions of ours, and make cases of all that are concerned."""
        cases = self._cases
        own: dict[bytes, set[str]] = {}
        entered: dict[bytes, ExecutionRow] = {}
        for case in cases.values():
            row = case.new
            if row.is_own and not row.is_trace:
                own.setdefault(row.trace_id, set()).add(case.execution_id)
                there = locked.get(row.trace_id.hex())
                if there is not None and there.execution_id not in cases and _is_entered(there):
                    entered[row.trace_id] = there
            elif _is_entered(row):
                entered[row.trace_id] = row
        for trace_id, execution_id in self._held.own_in_traces(list(entered)) if entered else ():
            own.setdefault(trace_id, set()).add(execution_id)
        found = []
        for trace_id, row in entered.items():
            mates = own.get(trace_id, set()) - {row.execution_id}
            if row.covered_by is not None:
                mates.add(row.covered_by)
            if mates:
                found.append(Family(row.execution_id, sorted(mates)))
        missing = {member for family in found for member in (family.trace, *family.own)} - cases.keys()
        if missing:
            for execution_id, row in self._held.lock(missing).items():
                if row.who_rank != DELETED:
                    cases[execution_id] = _Case(execution_id, [], row, row)
        for family in found:
            family.own = [member for member in family.own if member in cases]
            for member in (family.trace, *family.own):
                if member in cases:
                    cases[member].needs_all = True
        return [family for family in found if family.trace in cases]

    def _settle(self, family: Family) -> None:
        trace = self._cases[family.trace]
        family.home_before = None if trace.old is None else trace.old.covered_by
        family.home = home_of(
            trace.new,
            list(trace.after.values()),
            {member: (self._cases[member].new, list(self._cases[member].after.values())) for member in family.own},
        )
        trace.new = trace.new._replace(covered_by=family.home)

    # what is derived

    def _load(self) -> None:
        wanted = [case.execution_id for case in self._cases.values() if case.needs_all and case.old is not None]
        stored = self._held.spans(wanted) if wanted else {}
        for case in self._cases.values():
            case.before = {(row.started_ns, row.span_id): row for row in stored.get(case.execution_id, ())}
            case.after = {**case.before, **{(row.started_ns, row.span_id): row for row in case.rows}}

    def _write(self, case: _Case, families: Sequence[Family]) -> None:
        changes, execution_id, old = self._changes, case.execution_id, case.old
        new_lasted = None if case.new.ended_ns is None else case.new.ended_ns - case.new.started_ns
        case.new = case.new._replace(duration_ns=new_lasted)
        if old is not None and not case.needs_all:
            if self._add(case, old):
                self._put(case)
                return
            stored = self._held.spans([execution_id]).get(execution_id, ())  # a term may have gone
            case.before = {(row.started_ns, row.span_id): row for row in stored}
            case.after = {**case.before, **case.after}
        before = _NOTHING if old is None else self._derived(case, old, families, before=True)
        after = self._derived(case, case.new, families, before=False)
        new = case.new = case.new._replace(
            variant=after.variant,
            max_repeat=after.max_repeat,
            steps=after.counts.steps,
            tool_calls=after.counts.tool_calls,
            retries=after.counts.retries,
        )
        changes.tally.add(execution_id, after.counts.runs)
        if old is None:
            changes.inserted.append(new)
            changes.new_spans += case.rows
            changes.new_terms += [(term, new.started_ns, execution_id) for term in after.counts.terms]
            return
        self._put(case)
        changes.tally.take_off(before.counts.runs)
        had = {(term, old.started_ns, execution_id) for term in before.counts.terms}
        has = {(term, new.started_ns, execution_id) for term in after.counts.terms}
        changes.more_terms += has - had
        changes.dropped_terms += had - has
        if new != old:
            changes.updated.append(new)

    def _put(self, case: _Case) -> None:
        self._changes.more_spans += case.rows
        self._changes.replaced_spans += case.replaced

    def _add(self, case: _Case, old: ExecutionRow) -> bool:
        """Add what the new rows say, where nothing else depends on them. Returns whether that was all."""
        changes, new, execution_id = self._changes, case.new, case.execution_id
        added = counts_of(new, case.rows)
        gone = counts_of(old, case.replaced) if case.replaced else _NOTHING.counts
        if gone.terms - added.terms:
            return False
        steps = old.steps + added.steps - gone.steps
        calls = old.tool_calls + added.tool_calls - gone.tool_calls
        if new.ended_ns is not None and steps + calls <= MOST:
            return False
        new = new._replace(
            steps=steps, tool_calls=calls, retries=old.retries + added.retries - gone.retries,
            variant=None, max_repeat=None,
        )  # fmt: skip
        changes.tally.add(execution_id, added.runs)
        changes.tally.take_off(gone.runs)
        changes.more_terms += [(term, new.started_ns, execution_id) for term in added.terms - gone.terms]
        if new != old:
            changes.updated.append(new)
        return True

    def _derived(self, case: _Case, row: ExecutionRow, families: Sequence[Family], *, before: bool) -> Derived:
        rows = case.before if before else case.after
        if row.covered_by is not None:
            return _NOTHING
        adopted: list[SpanRow] = []
        for family in families:
            if case.execution_id == (family.home_before if before else family.home):
                trace = self._cases[family.trace]
                adopted += (trace.before if before else trace.after).values()
        place = None if row.metadata_started_ns is None else (row.metadata_started_ns, row.metadata_span_id or 0)
        source = None if place is None else rows.get(place)
        return derive(row, list(rows.values()), () if source is None else metadata_of(source), adopted)


class _Pair(NamedTuple):
    before: SpanRow
    after: SpanRow


def _pairs(replaced: Sequence[SpanRow], winners: Sequence[SpanRow]) -> Iterable[_Pair]:
    if not replaced:
        return ()
    by_key = {(row.started_ns, row.span_id): row for row in winners}
    return [_Pair(row, by_key[row.started_ns, row.span_id]) for row in replaced]


def _takes_back(old: ExecutionRow, before: SpanRow, after: SpanRow) -> bool:
    """Whether the state that stood may have claimed what the one in its place does not."""
    if before.kind != after.kind:
        return True
    place = before.started_ns, before.span_id
    if before.kind == RowKind.EXECUTION:
        if place == (old.metadata_started_ns, old.metadata_span_id) and not metadata_of(after):
            return True
        said_name = before.workflow_name is not None or before.execution_type == "direct"
        return said_name and after.workflow_name is None and after.execution_type != "direct"
    return old.state_rank == INSIDE and before.lease_id != after.lease_id


def _depends_on_others(case: _Case) -> bool:
    """Whether what the new rows add depends on rows that are not in hand."""
    old, new = case.old, case.new
    if old is None:
        return False
    if _frame(old) != _frame(new) or new.covered_by is not None:
        return True
    if new.ended_ns is not None and old.steps + old.tool_calls <= MOST:
        return True  # the way that it went
    both = new.flags & HAS_BOTH_CALLS == HAS_BOTH_CALLS
    return both and any(row.kind in _CALLS for row in case.rows)


def _is_entered(row: ExecutionRow) -> bool:
    """Whether a row is of a trace that may have been entered from an execution of ours."""
    return row.is_trace and row.who_rank < TOP


def _frame(row: ExecutionRow) -> tuple[object, ...]:
    """Return what decides how the rows of an execution are counted."""
    own = row.state_rank == OWN
    return (
        *(row.started_ns, row.who_rank, row.who_span_id, row.trace_id, row.workflow_name, row.workflow_version),
        *((row.state_started_ns, row.state_span_id) if own else ()),
        *(row.metadata_started_ns, row.metadata_span_id, row.metadata_tie),
    )


def _key(row: SpanRow) -> Key:
    return row.execution_id, row.started_ns, row.span_id


def _derived_of(row: ExecutionRow) -> dict[str, object]:
    names = ExecutionRow._fields[ExecutionRow._fields.index("duration_ns") :]
    return {name: getattr(row, name) for name in names}
