"""Which span of a trace recorded by others stands for the execution that the trace is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from otel_telemetry.rows.conventions import is_root
from otel_telemetry.semconv import EXECUTION_ID, KIND

if TYPE_CHECKING:
    from span_processors.data import SpanData


class _Claim(NamedTuple):
    """How good a root a span makes: the least of a trace is taken."""

    rank: int
    start_ns: int
    span_id: int


_OWN: Final = 0  # it says of itself that it is an execution
_TOP: Final = 1  # it has no parent
_ENTRY: Final = 2  # its parent is in another process
_OTHER: Final = 3


class Roots:
    """The best root of each trace, found in a first pass over all spans and asked for in a second one.

    It takes the memory of one claim a trace. Spans that name their execution have no say here.
    """

    def __init__(self) -> None:
        self._best: dict[int, _Claim] = {}

    def note(self, span: SpanData) -> None:
        """Take a span into account."""
        if EXECUTION_ID in span.attributes:
            return
        claim = _claim(span)
        best = self._best.get(span.trace_id)
        if best is None or claim < best:
            self._best[span.trace_id] = claim

    def verdict(self, span: SpanData) -> bool | None:
        """Say whether the span is the root of its trace; None where that is for the span itself to say."""
        best = self._best.get(span.trace_id)
        if best is None or EXECUTION_ID in span.attributes:
            return None
        return _claim(span) == best


def _claim(span: SpanData) -> _Claim:
    if span.attributes.get(KIND) == "execution":
        rank = _OWN
    elif span.parent_span_id is None:
        rank = _TOP
    else:
        rank = _ENTRY if is_root(span) else _OTHER
    return _Claim(rank, span.start_ns, span.span_id)
