"""The stored row of an execution: the join of what each of its spans says of it.

Each state of each span makes one claim about its execution, by a pure function of that row alone (`claim`). The row of
an execution is the join of all claims, which is commutative, associative and idempotent. So the order in which rows
arrive, batches, duplicates, writers and files cannot matter.

A row is three registers and flags. A register takes the greatest whole tuple offered to it, by a total order:

- *who* it is: the best rank, then the earliest span;
- its *state*: of our own spans the newest, of others' the same span as *who*;
- its *metadata*: the newest of our own spans that has some.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from otel_telemetry.rows.columns import MORE
from otel_telemetry.rows.convert import metadata_of
from otel_telemetry.rows.row import INTERRUPTED_LEASE, RowKind, RowStatus, SpanRow, default_name

DELETED: Final = 127
"""Rank of a deleted execution: greater than any other, so it stays deleted whatever arrives later."""
OWN: Final = 6
"""Our own span of the execution, which says what it runs."""
OWN_BARE: Final = 5
"""Our own span of the execution, which does not: resumed by its id alone."""
TOP: Final = 4
"""A span of others without a parent."""
REMOTE: Final = 3
"""A span of others whose parent is in another process."""
STAND_IN: Final = 2
"""Any other span of others: it stands in for a root that is not there."""
INSIDE: Final = 1
"""Any other span of ours: the execution exists, and its own span is not there."""

OWN_RANKS: Final = frozenset({OWN, OWN_BARE, INSIDE})
ROOTLESS_RANKS: Final = frozenset({STAND_IN, INSIDE})

HAS_CALL: Final = 1
"""Flag: some tool call of ours is there."""
HAS_CALL_OF_OTHERS: Final = 2
"""Flag: some tool's span of others is there; it may be the double of a call that we recorded."""
HAS_BOTH_CALLS: Final = HAS_CALL | HAS_CALL_OF_OTHERS
HAS_OWN_SCOPE: Final = 4
"""Flag: some span of it was recorded by this package."""
IS_CLAIMED_TWICE: Final = 8
"""Flag: several spans of ours claim to be it. Only a join can tell, by their places."""
_CLAIMING: Final = frozenset({OWN, OWN_BARE})

_NOT_ENDED: Final = -(2**63)
# an enum's members are slow to get at in Python 3.11, and these are asked for every span
_EXECUTION: Final = int(RowKind.EXECUTION)
_CALL_FLAGS: Final[dict[int, int]] = {
    RowKind.TOOL_CALL: HAS_CALL,
    RowKind.INNER_CALL: HAS_CALL_OF_OTHERS,
    RowKind.OTHER_CALL: HAS_CALL_OF_OTHERS,
    RowKind.ENTRY_CALL: HAS_CALL_OF_OTHERS,
}
_OTHER_STEP: Final = int(RowKind.OTHER_STEP)
_ENTRY: Final = int(RowKind.ENTRY)
_PENDING: Final = int(RowStatus.PENDING)
_RUNNING: Final = int(RowStatus.RUNNING)


class ExecutionRow(NamedTuple):
    """One row of the table of executions. Ids of spans are signed 64 bits, times nanoseconds since the epoch, UTC."""

    execution_id: str
    # who it is
    who_rank: int
    started_ns: int
    who_span_id: int
    who_ended_ns: int | None
    who_tie: int
    trace_id: bytes
    execution_type: str | None
    workflow_name: str | None
    workflow_version: str | None
    caller_id: str | None
    parent_execution_id: str | None
    resource_id: int
    # its state
    state_rank: int
    segment: int
    state_started_ns: int
    state_span_id: int
    ended_ns: int | None
    state_tie: int
    status: int
    error_code: str | None
    error_category: str | None
    lease_id: int | None
    # its metadata; None where no span has any
    metadata_started_ns: int | None
    metadata_span_id: int | None
    metadata_ended_ns: int | None
    metadata_tie: int | None
    flags: int
    # derived from all its spans, never claimed: `rows.derived`
    spans: int = 0
    """How many are stored under its id, whatever they stand for."""
    duration_ns: int | None = None
    variant: int | None = None
    steps: int = 0
    tool_calls: int = 0
    retries: int = 0
    max_repeat: int | None = None
    waiting_ns: int = 0
    covered_by: str | None = None
    """The execution of ours that this trace's spans are read into, because it called what they record."""

    @property
    def is_own(self) -> bool:
        """Whether this package recorded it."""
        return self.who_rank in OWN_RANKS

    @property
    def is_rootless(self) -> bool:
        """Whether its own span is not there."""
        return self.who_rank in ROOTLESS_RANKS

    @property
    def is_trace(self) -> bool:
        """Whether it is named after its trace, because no span of it named an execution."""
        return self.execution_id == self.trace_id.hex()


EXECUTION_COLUMNS: Final = ExecutionRow._fields
"""The names of the columns, in order."""
_FIRST_STATE: Final = EXECUTION_COLUMNS.index("state_rank")
_FIRST_METADATA: Final = EXECUTION_COLUMNS.index("metadata_started_ns")
_FLAGS: Final = EXECUTION_COLUMNS.index("flags")
FIRST_DERIVED: Final = EXECUTION_COLUMNS.index("spans")


def tie_of(row: SpanRow) -> int:
    """Return what decides between two states of a span with the same end.

    A leased one is greater, then one that is no longer only planned, then a digest decides.
    """
    lease = row.lease_id
    weight = 0 if lease is None else 1 if lease == INTERRUPTED_LEASE else 2
    said = ascii(row[:_RESOURCE]).encode("ascii")
    digest = int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 4
    return weight << 61 | (row.status != _PENDING) << 60 | digest


_RESOURCE: Final = SpanRow._fields.index("resource")
# those of the columns of who it is that are as in the span's row
_MORE: Final = slice(SpanRow._fields.index(MORE[0]), SpanRow._fields.index(MORE[-1]) + 1)
_NOT_DERIVED: Final = tuple(ExecutionRow._field_defaults.values())
_new: Final = tuple.__new__  # a call less than by the class


def state_of(row: SpanRow) -> tuple[int, int]:
    """Return the place of a state among those of the same span: the greater stands."""
    return (_NOT_ENDED if row.ended_ns is None else row.ended_ns), tie_of(row)


def is_greater(row: SpanRow, there: SpanRow) -> bool:
    """Whether a state of a span stands in the place of another one. Only where both end alike is all of them read."""
    if row.ended_ns != there.ended_ns:
        return there.ended_ns is None or (row.ended_ns is not None and row.ended_ns > there.ended_ns)
    return row is not there and state_of(row) > state_of(there)


def greatest(rows: Sequence[SpanRow]) -> Sequence[SpanRow]:
    """Return each span of an execution once, in its greatest state."""
    if len(rows) < _SEVERAL or len({(row.started_ns, row.span_id) for row in rows}) == len(rows):
        return rows
    best: dict[tuple[int, int], SpanRow] = {}
    for row in rows:
        key = row.started_ns, row.span_id
        there = best.get(key)
        if there is None or is_greater(row, there):
            best[key] = row
    return list(best.values())


_SEVERAL: Final = 2


def rank_of(row: SpanRow) -> int:
    """Return how much a span has to say about who its execution is."""
    kind = row.kind
    if kind == _EXECUTION:
        return OWN if row.workflow_name is not None or row.execution_type == "direct" else OWN_BARE
    if kind < _OTHER_STEP:
        return INSIDE
    if kind < _ENTRY:
        return STAND_IN
    return TOP if row.parent_span_id is None else REMOTE


def claim(row: SpanRow) -> ExecutionRow:
    """Return what one state of one span says of its execution."""
    kind, rank, tie = row.kind, rank_of(row), tie_of(row)
    ended = row.ended_ns
    metadata: tuple[int | None, int | None, int | None, int | None] = (None, None, None, None)
    name, status, code, category, lease = (
        row.workflow_name,
        row.status,
        row.error_code,
        row.error_category,
        row.lease_id,
    )
    state_rank, segment, state_tie = rank, 0, tie
    if rank >= OWN_BARE:
        state_rank, segment = OWN, row.attempt or 1
        if said := metadata_of(row):
            metadata = (row.started_ns, row.span_id, ended, _digest_of(said))
    elif rank == INSIDE:
        name = row.name if row.name is not None else default_name(kind, None, row.step_id, row.tool_name)
        ended, status, code, category = None, _RUNNING, None, None
        lease = state_tie = INTERRUPTED_LEASE if lease is None else lease
    elif rank == STAND_IN:
        name = row.step_id if row.step_id is not None else row.tool_name or row.name
    elif row.kind != _ENTRY:
        name = None
    more: Any = row[_MORE]
    values: tuple[Any, ...] = (
        row.execution_id,
        rank,
        row.started_ns,
        row.span_id,
        row.ended_ns,
        tie,
        row.trace_id,
        row.execution_type,
        name,
        row.workflow_version,
        *more,
        row.resource_id,
        state_rank,
        segment,
        row.started_ns,
        row.span_id,
        ended,
        state_tie,
        status,
        code,
        category,
        lease,
        *metadata,
        _CALL_FLAGS.get(kind, 0) | (HAS_OWN_SCOPE if row.scope is None else 0),
        *_NOT_DERIVED,
    )
    return _new(ExecutionRow, values)


def _digest_of(metadata: tuple[tuple[str, str], ...]) -> int:
    said = ascii(sorted(metadata)).encode("ascii")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") >> 1


def _who(row: ExecutionRow) -> tuple[int, int, int, int, int]:
    ended = row.who_ended_ns
    return row.who_rank, -row.started_ns, -row.who_span_id, _NOT_ENDED if ended is None else ended, row.who_tie


def _state(row: ExecutionRow) -> tuple[int, int, int, int, int, int]:
    ended = _NOT_ENDED if row.ended_ns is None else row.ended_ns
    started, span_id = row.state_started_ns, row.state_span_id
    if row.state_rank in OWN_RANKS:
        return row.state_rank, row.segment, started, span_id, ended, row.state_tie
    return row.state_rank, row.segment, -started, -span_id, ended, row.state_tie


def _metadata(row: ExecutionRow) -> tuple[int, ...]:
    if row.metadata_started_ns is None:
        return ()
    ended = _NOT_ENDED if row.metadata_ended_ns is None else row.metadata_ended_ns
    return row.metadata_started_ns, row.metadata_span_id or 0, ended, row.metadata_tie or 0


def join(one: ExecutionRow, other: ExecutionRow) -> ExecutionRow:
    """Return what both say together. What is derived stays that of `one`."""
    who = other if _who(other) > _who(one) else one
    state = other if _state(other) > _state(one) else one
    metadata = other if _metadata(other) > _metadata(one) else one
    flags = one.flags | other.flags
    if one.who_rank in _CLAIMING and other.who_rank in _CLAIMING and _place_of(one) != _place_of(other):
        flags |= IS_CLAIMED_TWICE
    if who is state is metadata is one and flags == one.flags:
        return one
    return ExecutionRow._make(
        (
            *who[:_FIRST_STATE],
            *state[_FIRST_STATE:_FIRST_METADATA],
            *metadata[_FIRST_METADATA:_FLAGS],
            flags,
            *one[FIRST_DERIVED:],
        )
    )


def with_derived_of(one: ExecutionRow, other: ExecutionRow) -> ExecutionRow:
    """Return what is claimed as in `other`, with what is derived as in `one`."""
    return ExecutionRow._make((*other[:FIRST_DERIVED], *one[FIRST_DERIVED:]))


def fold(rows: Sequence[SpanRow]) -> ExecutionRow:
    """Return the join of the claims of an execution's rows, at least one; each span in one state only.

    A row that cannot win any register is not asked for its claim.
    """
    claiming = [row for row in rows if row.kind == _EXECUTION or row.kind >= _ENTRY]
    if claiming:
        best = claim(claiming[0])
        for row in claiming[1:]:
            best = join(best, claim(row))
    else:
        others = [row for row in rows if row.kind >= _OTHER_STEP]
        if others:
            best = claim(min(others, key=_place))
        else:
            first, last = min(rows, key=_place), max(rows, key=_place)
            best = claim(first) if first is last else join(claim(first), claim(last))
    return _with_flags_of(rows, best)


def _with_flags_of(rows: Sequence[SpanRow], there: ExecutionRow) -> ExecutionRow:
    flags = there.flags
    for kind in _CALL_FLAGS.keys() & {row.kind for row in rows}:
        flags |= _CALL_FLAGS[kind]
    if None in [row.scope for row in rows]:
        flags |= HAS_OWN_SCOPE
    return there if flags == there.flags else there._replace(flags=flags)


def extend(there: ExecutionRow, rows: Sequence[SpanRow]) -> ExecutionRow:
    """Return the join of a row with the claims of spans, each in one state only.

    A span that cannot win any register is not asked for its claim.
    """
    rank = there.who_rank
    if rank > INSIDE:
        least = _ENTRY if rank > STAND_IN else _OTHER_STEP
        claiming = [row for row in rows if row.kind == _EXECUTION or row.kind >= least]
    else:
        claiming = list(rows)
    if len(claiming) == 1:
        there = join(there, claim(claiming[0]))
    elif claiming:
        there = join(there, fold(claiming))
    return _with_flags_of(rows, there)


def _place(row: SpanRow) -> tuple[int, int]:
    return row.started_ns, row.span_id


def _place_of(row: ExecutionRow) -> tuple[int, int]:
    return row.started_ns, row.who_span_id


def tombstone(row: ExecutionRow) -> ExecutionRow:
    """Return the row of an execution that was deleted: all that is left is its id, its trace and when it began."""
    return row._replace(**BURIED)


_DELETED_STATUS: Final = -1
BURIED: Final[dict[str, Any]] = {
    **{name: None for name in EXECUTION_COLUMNS if name not in {"execution_id", "started_ns", "trace_id"}},
    **dict.fromkeys(("who_span_id", "who_tie", "resource_id", "segment", "state_started_ns", "state_span_id"), 0),
    **dict.fromkeys(("state_tie", "flags", "spans", "steps", "tool_calls", "retries", "waiting_ns"), 0),
    "who_rank": DELETED,
    "state_rank": DELETED,
    "status": _DELETED_STATUS,
}
"""What a tombstone has in the columns that do not stay as they were."""
