"""The tables of a store, the same in SQLite and PostgreSQL. DDL is generated from this and `indexes`.

In PostgreSQL the three large tables are partitioned by execution id from the beginning, because a table cannot become
partitioned later: ids begin with their time, so a day is a range of ids, and a run is never cut at midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    literal_column,
)

from otel_telemetry.fields import WHO_COLUMNS
from otel_telemetry.rows import OPEN_STATUSES, execution_key
from otel_telemetry.rows.execution import DELETED

if TYPE_CHECKING:
    from sqlalchemy import Dialect

METADATA: Final = MetaData()

# Compared by code point, as SQLite and Python do, or the same query would come in another order.
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
_BY_ID: Final = "RANGE (execution_id)"


class ExecutionId(TypeDecorator[str]):
    """Text that is stored as its `execution_key`."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002  (SQLAlchemy's)
        """Return what is stored of an id."""
        return None if value is None else execution_key.encode(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy's)
        """Return the id of which this is stored."""
        return None if value is None else execution_key.decode(bytes(value))


# Eight-byte columns that are always there come first, so that PostgreSQL pads nothing; what may be missing costs
# nothing there. Heavy text is last, so that SQLite reads what stands before it without following it.
executions: Final = Table(
    "executions",
    METADATA,
    Column("started_ns", BigInteger, nullable=False),
    Column("who_span_id", BigInteger, nullable=False),
    Column("who_tie", BigInteger, nullable=False),
    Column("resource_id", BigInteger, nullable=False),
    Column("state_started_ns", BigInteger, nullable=False),
    Column("state_span_id", BigInteger, nullable=False),
    Column("state_tie", BigInteger, nullable=False),
    Column("segment", BigInteger, nullable=False),
    Column("spans", BigInteger, nullable=False),
    Column("steps", BigInteger, nullable=False),
    Column("tool_calls", BigInteger, nullable=False),
    Column("retries", BigInteger, nullable=False),
    Column("waiting_ns", BigInteger, nullable=False),
    Column("who_ended_ns", BigInteger),
    Column("ended_ns", BigInteger),
    Column("duration_ns", BigInteger),
    Column("lease_id", BigInteger),
    Column("metadata_started_ns", BigInteger),
    Column("metadata_span_id", BigInteger),
    Column("metadata_ended_ns", BigInteger),
    Column("metadata_tie", BigInteger),
    Column("variant", BigInteger),
    Column("max_repeat", BigInteger),
    Column("who_rank", SmallInteger, nullable=False),
    Column("state_rank", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    Column("execution_id", ExecutionId, nullable=False),
    Column("trace_id", LargeBinary, nullable=False),
    Column("covered_by", ExecutionId),
    *(Column(name, _TEXT) for name in WHO_COLUMNS),
    Column("error_code", _TEXT),
    Column("error_category", _TEXT),
    PrimaryKeyConstraint("execution_id", name="executions_key"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ID,
)

spans: Final = Table(
    "spans",
    METADATA,
    Column("started_ns", BigInteger, nullable=False),
    Column("span_id", BigInteger, nullable=False),
    Column("resource_id", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Column("parent_span_id", BigInteger),
    Column("sequence", BigInteger),
    Column("lease_id", BigInteger),
    Column("call_hash", BigInteger),
    Column("attempt", BigInteger),
    Column("kind", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("trace_id", LargeBinary, nullable=False),
    Column("execution_id", ExecutionId, nullable=False),
    Column("name", _TEXT),
    *(Column(name, _TEXT) for name in WHO_COLUMNS),
    Column("step_id", _TEXT),
    Column("step_kind", _TEXT),
    Column("tool_name", _TEXT),
    Column("error_code", _TEXT),
    Column("error_category", _TEXT),
    Column("scope", _TEXT),
    Column("document", _TEXT),
    Column("payload", _TEXT),
    # Start before span id: the spans of an execution are read in time order, and are appended in it.
    PrimaryKeyConstraint("execution_id", "started_ns", "span_id", name="spans_key"),
    postgresql_partition_by=_BY_ID,
)

# What executions are found by that their own row does not say (`rows.derived`). Its key is its only index.
terms: Final = Table(
    "terms",
    METADATA,
    Column("term", BigInteger, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("execution_id", ExecutionId, nullable=False),
    PrimaryKeyConstraint("term", "started_ns", "execution_id", name="terms_key"),
    sqlite_with_rowid=False,
    postgresql_partition_by=_BY_ID,
)

# Literals, not parameters: both planners use a partial index only where the query repeats its condition.
IS_LISTED: Final = (executions.c.who_rank < literal_column(str(DELETED))) & executions.c.covered_by.is_(None)
"""An execution by itself: not deleted, and no part of another."""
IS_OPEN: Final = executions.c.status.in_([literal_column(str(status)) for status in sorted(OPEN_STATUSES)])

resources: Final = Table(
    "resources",
    METADATA,
    Column("resource_id", BigInteger, nullable=False, autoincrement=False),
    Column("schema_url", _TEXT, nullable=False),
    Column("attributes", _TEXT, nullable=False),
    PrimaryKeyConstraint("resource_id", name="resources_key"),
)


def _durations(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("hour", BigInteger, nullable=False),
        Column("failed", BigInteger, nullable=False),
        Column("longest_ns", BigInteger, nullable=False),
        Column("kind", SmallInteger, nullable=False),
        Column("workflow_name", _TEXT, nullable=False),
        Column("workflow_version", _TEXT, nullable=False),
        Column("name", _TEXT, nullable=False),
        Column("slowest", _TEXT, nullable=False),
        Column("buckets", _TEXT, nullable=False),  # a JSON list of each bucket and how many there are in it
    )


# What `rows.Tally` counts of the spans that are there, in parts: see `duration_parts`.
durations: Final = _durations("durations")
# The same of what retention removed: nothing else can tell it any more.
durations_kept: Final = _durations("durations_kept")

leases: Final = Table(
    "leases",
    METADATA,
    Column("lease_id", BigInteger, nullable=False, autoincrement=False),
    Column("host", _TEXT, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("boot_id", _TEXT, nullable=False),
    Column("process_started", _TEXT, nullable=False),
    Column("heartbeat_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger),
    Column("account", _TEXT),
    PrimaryKeyConstraint("lease_id", name="leases_key"),
)

# What holds of the whole store, such as the version of the conventions that its spans were judged by.
meta: Final = Table(
    "meta",
    METADATA,
    Column("key", _TEXT, nullable=False),
    Column("value", _TEXT, nullable=False),
    PrimaryKeyConstraint("key", name="meta_key"),
)

# Alembic's own table, declared so that a fresh store is made without Alembic.
alembic_version: Final = Table(
    "alembic_version",
    METADATA,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
