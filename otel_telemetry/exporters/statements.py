"""The SQL that both dialects share, made from the names of the columns."""

from __future__ import annotations

from typing import Final

from otel_telemetry.spans import COLUMNS, Durations

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
