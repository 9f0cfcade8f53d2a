"""The SQL that both dialects share, made from the names of the columns."""

from __future__ import annotations

from typing import Final

from otel_telemetry.spans import COLUMNS, Bucket

KEY: Final = ("execution_id", "started_ns", "span_id")
COLUMN_LIST: Final = ", ".join(COLUMNS)
METADATA_COLUMNS: Final = ", ".join((*KEY, "key", "value"))

ON_CONFLICT: Final = (
    f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in COLUMNS if column not in KEY)
    # The end of a span always wins over its start, whatever order they come in.
    + " WHERE excluded.ended_ns IS NOT NULL OR spans.ended_ns IS NULL"
)

DURATION_COLUMNS: Final = ", ".join((*Bucket._fields, "shard"))
ADD_DURATIONS: Final = (
    "ON CONFLICT (kind, name, bucket, shard) DO UPDATE SET n = durations.n + excluded.n,"
    " failed = durations.failed + excluded.failed, "
    + ", ".join(
        f"{column} = CASE WHEN (excluded.longest_ns, excluded.slowest) > (durations.longest_ns, durations.slowest)"
        f" THEN excluded.{column} ELSE durations.{column} END"
        for column in ("longest_ns", "slowest")
    )
)
