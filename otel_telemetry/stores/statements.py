"""The SQL that both dialects share, made from the names of the columns."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from otel_telemetry.rows import COLUMNS, RUN_COLUMNS, Durations
from otel_telemetry.stores import execution_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_telemetry.rows import SpanRow

KEY: Final = ("execution_id", "started_ns", "span_id")
COLUMN_LIST: Final = ", ".join(COLUMNS)
METADATA_COLUMNS: Final = ", ".join((*KEY, "key", "value"))

ON_CONFLICT: Final = (
    f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in COLUMNS if column not in KEY)
    # The end of a span always wins over its start, whatever order they come in.
    + " WHERE excluded.ended_ns IS NOT NULL OR spans.ended_ns IS NULL"
)

DURATION_COLUMNS: Final = ", ".join(Durations._fields)

# Of two accounts the later one stands, also where another process finds the earlier one in a spill.
ON_CONFLICT_OF_LEASES: Final = (
    "ON CONFLICT (lease_id) DO UPDATE SET"
    " heartbeat_ns = excluded.heartbeat_ns, closed_ns = excluded.closed_ns, account = excluded.account"
    " WHERE excluded.heartbeat_ns >= leases.heartbeat_ns OR leases.account IS NULL"
)

_WIDTH: Final = len(COLUMNS)
_ID: Final = COLUMNS.index("execution_id")
_COLUMNS_OF: Final = itemgetter(slice(_WIDTH))
_ID_OF_RUN: Final = RUN_COLUMNS.index("execution_id")


def stored(row: SpanRow) -> tuple[Any, ...]:
    """Return what is stored of a row, in the order of `COLUMNS`."""
    return (*row[:_ID], execution_key.encode(row[_ID]), *row[_ID + 1 : _WIDTH])


def flat(rows: Sequence[SpanRow]) -> list[Any]:
    """Return what is stored of rows, one after the other."""
    values = list(chain.from_iterable(map(_COLUMNS_OF, rows)))
    values[_ID::_WIDTH] = [execution_key.encode(row[_ID]) for row in rows]
    return values


def read(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the columns of a row that were `stored`."""
    return (*values[:_ID], execution_key.decode(values[_ID]), *values[_ID + 1 :])


def read_run(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the `RUN_COLUMNS` of a row that was `stored`."""
    return (*values[:_ID_OF_RUN], execution_key.decode(values[_ID_OF_RUN]), *values[_ID_OF_RUN + 1 :])


def key_of(row: SpanRow) -> tuple[bytes, int, int]:
    """Return what is stored of a row's `KEY`."""
    return execution_key.encode(row.execution_id), row.started_ns, row.span_id
