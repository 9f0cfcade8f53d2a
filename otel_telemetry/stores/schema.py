"""The tables of a store, the same in SQLite and PostgreSQL. DDL is generated from this and `indexes`."""

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

from otel_telemetry.rows import RowKind, RowStatus
from otel_telemetry.stores import execution_key

if TYPE_CHECKING:
    from sqlalchemy import Dialect

METADATA: Final = MetaData()
STORAGE: Final = "postgresql_storage"
"""Storage parameters of a table in PostgreSQL; before SQLAlchemy 2.1, `Table` has none for them."""

# Compared by code point, as SQLite and Python do, or the same query would come in another order.
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


class ExecutionId(TypeDecorator[str]):
    """Text that is stored as its `execution_key`, which sorts as it does."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002  (SQLAlchemy's)
        """Return what is stored of an id."""
        return None if value is None else execution_key.encode(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy's)
        """Return the id of which this is stored."""
        return None if value is None else execution_key.decode(value)


spans: Final = Table(
    "spans",
    METADATA,
    # Eight-byte columns that are always there come first, so that PostgreSQL pads nothing; what may be missing
    # costs nothing there. Heavy text is last, so that SQLite reads what stands before it without following it.
    Column("started_ns", BigInteger, nullable=False),
    Column("span_id", BigInteger, nullable=False),
    Column("resource_id", BigInteger, nullable=False),
    Column("ended_ns", BigInteger),
    Column("parent_span_id", BigInteger),
    Column("sequence", BigInteger),
    Column("lease_id", BigInteger),
    Column("fingerprint", BigInteger),
    Column("attempt", BigInteger),
    Column("kind", SmallInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("trace_id", LargeBinary, nullable=False),
    Column("execution_id", ExecutionId, nullable=False),
    Column("name", _TEXT),
    Column("execution_type", _TEXT),
    Column("workflow_name", _TEXT),
    Column("workflow_version", _TEXT),
    Column("caller_id", _TEXT),
    Column("parent_execution_id", _TEXT),
    Column("step_id", _TEXT),
    Column("tool_name", _TEXT),
    Column("error_code", _TEXT),
    Column("error_category", _TEXT),
    Column("document", _TEXT),
    Column("payload", _TEXT),
    # Start before span id: the spans of an execution are read in time order, and are appended in it.
    PrimaryKeyConstraint("execution_id", "started_ns", "span_id", name="spans_key"),
)

# Literals, not parameters: both planners use a partial index only where the query repeats its condition.
IS_EXECUTION: Final = spans.c.kind == literal_column(str(int(RowKind.EXECUTION)))
IS_STEP: Final = spans.c.kind == literal_column(str(int(RowKind.STEP)))
IS_OPEN: Final = spans.c.status.in_([literal_column(str(int(s))) for s in (RowStatus.PENDING, RowStatus.RUNNING)])

execution_metadata: Final = Table(
    "execution_metadata",
    METADATA,
    Column("started_ns", BigInteger, nullable=False),
    Column("span_id", BigInteger, nullable=False),
    Column("execution_id", ExecutionId, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("value", _TEXT, nullable=False),  # of `spans.index_value`
    PrimaryKeyConstraint("execution_id", "started_ns", "span_id", "key", name="execution_metadata_key"),
    sqlite_with_rowid=False,
)

resources: Final = Table(
    "resources",
    METADATA,
    Column("resource_id", BigInteger, nullable=False, autoincrement=False),
    Column("schema_url", _TEXT, nullable=False),
    Column("attributes", _TEXT, nullable=False),
    PrimaryKeyConstraint("resource_id", name="resources_key"),
)

# What `spans.count_runs` counts of the rows in `spans`, in parts: see `duration_parts`.
durations: Final = Table(
    "durations",
    METADATA,
    Column("kind", SmallInteger, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("longest_ns", BigInteger, nullable=False),
    Column("slowest", _TEXT, nullable=False),
    Column("buckets", _TEXT, nullable=False),  # a JSON list of each bucket and how many there are in it
)

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

# Alembic's own table, declared so that a fresh store is made without Alembic.
alembic_version: Final = Table(
    "alembic_version",
    METADATA,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
