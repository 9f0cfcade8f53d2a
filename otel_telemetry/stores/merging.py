"""What a batch of rows changes in a store: one plan for every database, made while the executions' rows are locked.

A span row is new, replaces a lesser state of the same span, or changes nothing. An execution's row is joined with what
its new rows claim. What is derived from all rows of an execution is brought up to date: by what the new rows add,
where nothing else depends on them, else anew from all of its rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.rows import (
    CALL_KINDS,
    ExecutionRow,
    RowKind,
    SpanRow,
    counts_of,
    derive,
    extend,
    fold,
    greatest,
    is_greater,
    metadata_of,
)
from otel_telemetry.rows.derived import Counts, Derived, has_a_way
from otel_telemetry.rows.execution import DELETED, HAS_BOTH_CALLS, INSIDE, OWN, TOP, with_derived_of
from otel_telemetry.rows.execution_key import encode
from otel_telemetry.stores.changes import Changes
from otel_telemetry.stores.covering import Family, home_of
from otel_telemetry.stores.held import Held, Key, key_of

if TYPE_CHECKING:
    from otel_telemetry.rows.standing import SpanKey

_FEW_TIMES: Final = 20
"""All rows of an execution are read where they are so many times as many as those in the batch, at most."""
_NOTHING: Final = Derived(Counts((0, "", ""), set(), [], 0, 0, 0), None, None)


@dataclass(slots=True)
class _Case:
    """One execution of the batch."""

    execution_id: str
    rows: list[SpanRow]
    old: ExecutionRow | None
    new: ExecutionRow
    traces: frozenset[bytes] = frozenset()
    """Of `rows`."""
    replaced: list[SpanRow] = field(default_factory=list)
    needs_all: bool = False
    before: dict[SpanKey, SpanRow] = field(default_factory=dict)
    after: dict[SpanKey, SpanRow] = field(default_factory=dict)


def groups_of(rows: Iterable[SpanRow]) -> tuple[dict[str, list[SpanRow]], int]:
    """Return rows by execution, each span in its greatest state, and how many were lesser."""
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
    return groups, lesser


def merge(rows: Sequence[SpanRow], held: Held, traces: Collection[str] = ()) -> Changes:
    """Return what rows change, and what follows for traces of which a caller may be there by now."""
    return _Merge(held).of(rows, traces)


class _Merge:
    def __init__(self, held: Held) -> None:
        self._held = held
        self._changes = Changes()
        self._cases: dict[str, _Case] = {}
        self._loaded: dict[str, list[SpanRow]] = {}

    def of(self, rows: Sequence[SpanRow], traces: Collection[str]) -> Changes:
        groups, lesser = groups_of(rows)
        changes = self._changes
        changes.written.replayed += lesser
        # with the rows named after their traces, which may be parts of them
        of_groups = {execution_id: frozenset([row.trace_id for row in group]) for execution_id, group in groups.items()}
        called = {trace_id.hex() for of_one in of_groups.values() for trace_id in of_one}
        old = self._held.lock({*groups, *called, *traces})
        known: dict[str, list[SpanRow]] = {}
        for execution_id, group in groups.items():
            there = old.get(execution_id)
            if there is None:
                changes.written.stored += len(group)
                self._cases[execution_id] = _Case(execution_id, group, None, fold(group), of_groups[execution_id])
            elif there.who_rank == DELETED:
                changes.written.refused += len(group)
            else:
                known[execution_id] = group
        if known:
            self._add_known(known, old, of_groups)
        families = self._families(old, traces)
        self._load()
        for family in families:
            self._settle(family)
        for case in self._cases.values():
            self._write(case, families)
            self._note_what_is_missed(case)
        return changes

    def _note_what_is_missed(self, case: _Case) -> None:
        new = case.new
        if _is_entered(new):
            if case.old is None and new.covered_by is None:
                self._changes.entered.append(case.execution_id)
        elif new.is_own and not new.is_trace:
            known = set() if case.old is None else {new.trace_id}
            self._changes.calling += [trace_id.hex() for trace_id in case.traces - known]

    # rows of executions that are there

    def _add_known(
        self,
        known: Mapping[str, list[SpanRow]],
        old: Mapping[str, ExecutionRow],
        traces: Mapping[str, frozenset[bytes]],
    ) -> None:
        written = self._changes.written
        states = self._states(known, old)
        doubtful = [
            key
            for group in known.values()
            for row in group
            if (there := states.get(key := key_of(row))) is not None and there.ended_ns == row.ended_ns
        ]
        whole = self._held.whole(doubtful) if doubtful else {}
        for execution_id, group in known.items():
            stood = old[execution_id]
            winners: list[SpanRow] = []
            replaced: list[SpanRow] = []
            for row in group:
                key = key_of(row)
                state = states.get(key)
                if state is None:
                    written.stored += 1
                elif not is_greater(row, whole.get(key, state)):
                    written.replayed += 1
                    continue
                else:
                    written.replaced += 1
                    replaced.append(state)
                winners.append(row)
            if not winners:
                continue
            case = _Case(execution_id, winners, stood, extend(stood, winners), traces[execution_id], replaced)
            if any(_takes_back(stood, before, after) for before, after in _pairs(replaced, winners)):
                case.new = self._folded_anew(case)
                case.needs_all = True
            case.needs_all = case.needs_all or _depends_on_others(case)
            self._cases[execution_id] = case

    def _states(self, known: Mapping[str, list[SpanRow]], old: Mapping[str, ExecutionRow]) -> dict[Key, SpanRow]:
        """Return the rows that stand of the spans in the batch; of an execution that has few, all of its rows."""
        small = [
            execution_id
            for execution_id, group in known.items()
            if len(group) > 1 and old[execution_id].spans < _FEW_TIMES * len(group)
        ]
        self._loaded = self._held.spans(small) if small else {}
        states = {key_of(row): row for rows in self._loaded.values() for row in rows}
        others = [
            key_of(row) for execution_id, group in known.items() if execution_id not in self._loaded for row in group
        ]
        if others:
            states.update(self._held.states(others))
        return states

    def _folded_anew(self, case: _Case) -> ExecutionRow:
        """Return the join of the claims of all rows that stand: a state that stood claimed more than the next one."""
        keys = [key_of(row) for row in self._held.spans([case.execution_id]).get(case.execution_id, ())]
        rows = {key[1:]: row for key, row in self._held.whole(keys).items()}
        rows.update({(row.started_ns, row.span_id): row for row in case.rows})
        old = case.old
        folded = fold(list(rows.values()))
        return folded if old is None else with_derived_of(old, folded)

    # traces that are read into an execution of ours

    def _families(self, locked: Mapping[str, ExecutionRow], traces: Collection[str]) -> list[Family]:
        """Find the traces that may be read into executions of ours, and make cases of all that are concerned.

        A trace that is read into an execution is looked at with that, and so is each execution that may have called it.
        """
        entered = self._entered(locked) | {trace for trace in traces if trace in locked and _is_entered(locked[trace])}
        families: dict[str, Family] = {}
        asked: set[str] = set()
        while True:
            homes = {case.execution_id for case in self._cases.values() if case.needs_all and case.old is not None}
            new_homes = homes - asked
            asked |= homes
            covered = self._held.covered(sorted(new_homes)) if new_homes else []
            entered |= {execution_id for execution_id in covered if execution_id not in families}
            if not entered:
                return list(families.values())
            self._add_cases(entered)
            found = self._with_callers([execution_id for execution_id in entered if execution_id in self._cases])
            entered = set()
            self._add_cases({member for family in found for member in family.own})
            for family in found:
                family.own = [member for member in family.own if member in self._cases]
                families[family.trace] = family
                for member in (family.trace, *family.own):
                    self._cases[member].needs_all = True

    def _entered(self, locked: Mapping[str, ExecutionRow]) -> set[str]:
        """Return the traces that the batch is about, of which there may be a caller."""
        found: set[str] = set()
        for case in self._cases.values():
            if _is_entered(case.new):
                found.add(case.execution_id)
            elif not case.new.is_trace and (case.new.is_own or (case.old is not None and case.old.is_own)):
                for trace_id in self._traces_of(case):
                    there = locked.get(trace_id.hex())
                    if there is not None and _is_entered(there):
                        found.add(there.execution_id)
        return found

    def _traces_of(self, case: _Case) -> AbstractSet[bytes]:
        """Return the traces for which it matters what a batch says of an execution."""
        if case.old is None or case.old.is_own == case.new.is_own:
            return case.traces
        stored = self._held.spans([case.execution_id]).get(case.execution_id, ())
        return case.traces | {row.trace_id for row in stored}

    def _with_callers(self, traces: Sequence[str]) -> list[Family]:
        """Return the traces that some execution of ours may have called, each with all that may have."""
        cases = self._cases
        ids = {cases[trace].new.trace_id: trace for trace in traces}
        own: dict[bytes, set[str]] = {trace_id: set() for trace_id in ids}
        for trace_id, execution_id in self._held.own_in_traces(list(ids)):
            own[trace_id].add(execution_id)
        for case in list(cases.values()):
            if case.new.is_own and not case.new.is_trace:
                for trace_id in ids.keys() & self._traces_of(case):
                    own[trace_id].add(case.execution_id)
        families = []
        for trace_id, trace in ids.items():
            covered_by = cases[trace].new.covered_by
            mates = (own[trace_id] | ({covered_by} if covered_by is not None else set())) - {trace}
            if mates:
                families.append(Family(trace, sorted(mates)))
        return families

    def _add_cases(self, execution_ids: Collection[str]) -> None:
        """Make cases of executions that no row of the batch is of."""
        missing = set(execution_ids) - self._cases.keys()
        for execution_id, row in (self._held.lock(missing) if missing else {}).items():
            if row.who_rank != DELETED:
                self._cases[execution_id] = _Case(execution_id, [], row, row)

    def _settle(self, family: Family) -> None:
        trace = self._cases[family.trace]
        family.home_before = None if trace.old is None else trace.old.covered_by
        family.home = home_of(
            trace.new,
            list(trace.after.values()),
            {
                member: (self._cases[member].new, list(self._cases[member].after.values()))
                for member in family.own
                if self._cases[member].new.is_own
            },
        )
        trace.new = trace.new._replace(covered_by=family.home)

    # what is derived

    def _load(self) -> None:
        stored = self._loaded
        wanted = [
            case.execution_id
            for case in self._cases.values()
            if case.needs_all and case.old is not None and case.execution_id not in stored
        ]
        if wanted:
            stored = {**stored, **self._held.spans(wanted)}
        for case in self._cases.values():
            if not case.needs_all:
                continue
            case.before = {(row.started_ns, row.span_id): row for row in stored.get(case.execution_id, ())}
            case.after = {**case.before, **{(row.started_ns, row.span_id): row for row in case.rows}}

    def _write(self, case: _Case, families: Sequence[Family]) -> None:
        changes, execution_id, old = self._changes, case.execution_id, case.old
        spans = (0 if old is None else old.spans) + len(case.rows) - len(case.replaced)
        case.new = case.new._replace(spans=spans)
        if old is not None and not case.needs_all:
            if case.rows:  # without any, it was only looked at
                self._add(case, old)
            return
        before = _NOTHING if old is None else self._derived(case, old, families, before=True)
        after = self._derived(case, case.new, families, before=False)
        new = case.new = case.new._replace(
            variant=after.variant,
            max_repeat=after.max_repeat,
            duration_ns=_lasted(case.new),
            steps=after.counts.steps,
            tool_calls=after.counts.tool_calls,
            retries=after.counts.retries,
        )
        key = encode(execution_id)
        changes.tally.add(execution_id, after.counts.frame, after.counts.runs)
        if old is None:
            changes.inserted.append(new)
            changes.spans += case.rows
            changes.new_terms += [(term, new.started_ns, key) for term in after.counts.terms]
            return
        self._put(case)
        changes.tally.take_off(before.counts.frame, before.counts.runs)
        had = {(term, old.started_ns, key) for term in before.counts.terms}
        has = {(term, new.started_ns, key) for term in after.counts.terms}
        changes.more_terms += has - had
        changes.dropped_terms += had - has
        if new != old:
            changes.updated.append((old, new))

    def _put(self, case: _Case) -> None:
        self._changes.spans += case.rows
        self._changes.replaced_spans += case.replaced

    def _add(self, case: _Case, old: ExecutionRow) -> None:
        """Add what the new rows say, where nothing else depends on them."""
        changes, new, execution_id = self._changes, case.new, case.execution_id
        added = counts_of(new, case.rows)
        gone = counts_of(old, case.replaced) if case.replaced else _NOTHING.counts
        new = new._replace(
            steps=old.steps + added.steps - gone.steps,
            tool_calls=old.tool_calls + added.tool_calls - gone.tool_calls,
            retries=old.retries + added.retries - gone.retries,
            variant=None,
            max_repeat=None,
            duration_ns=_lasted(new),
        )
        self._put(case)
        changes.tally.add(execution_id, added.frame, added.runs)
        changes.tally.take_off(gone.frame, gone.runs)
        key = encode(execution_id)
        changes.more_terms += [(term, new.started_ns, key) for term in added.terms - gone.terms]
        if new != old:
            changes.updated.append((old, new))

    def _derived(self, case: _Case, row: ExecutionRow, families: Sequence[Family], *, before: bool) -> Derived:
        if row.covered_by is not None:
            return _NOTHING
        rows = list(case.before.values()) if before else list(case.after.values()) if case.needs_all else case.rows
        adopted: list[SpanRow] = []
        for family in families:
            if case.execution_id == (family.home_before if before else family.home):
                trace = self._cases[family.trace]
                adopted += (trace.before if before else trace.after).values()
        return derive(row, rows, adopted)


def _lasted(row: ExecutionRow) -> int | None:
    return None if row.ended_ns is None else row.ended_ns - row.started_ns


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
    if has_a_way(new, old.spans - len(case.replaced)):
        return True
    if case.replaced and counts_of(old, case.replaced).terms - counts_of(new, case.rows).terms:
        return True  # another row may still have the term
    both = new.flags & HAS_BOTH_CALLS == HAS_BOTH_CALLS
    return both and any(row.kind in CALL_KINDS for row in case.rows)


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
