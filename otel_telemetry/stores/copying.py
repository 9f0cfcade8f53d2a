"""Bringing the spans of one store into another: of an older version too, and from SQLite to PostgreSQL.

It is the rows that are copied, not records: each span is judged again on its way, as when it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import orjson
from sqlalchemy import Engine, TableClause, column, create_engine, event, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from otel_telemetry.errors import ConfigurationError, StoreError, StoreUnavailableError
from otel_telemetry.leases import Lease
from otel_telemetry.rows import Durations, RowKind, SpanRow, data_of, execution_key, row_of
from otel_telemetry.stores.duration_parts import from_values
from span_processors.data import ResourceData

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH: Final = 1_000
_UUID_BYTES: Final = 16


class Target(Protocol):
    """The write side of the store that is copied to."""

    def write(self, rows: Sequence[SpanRow]) -> None:
        """Write rows."""

    def adopt(self, lease: Lease) -> None:
        """Write the lease of another process."""

    def keep_counts(self, parts: Sequence[Durations]) -> None:
        """Add to what is counted of executions that retention removed."""


class Copied(NamedTuple):
    """What was copied."""

    spans: int
    processes: int


def copy(source: str, target: Target, progress: Callable[[int], None] | None = None) -> Copied:
    """Copy every span, every process, and what was counted of removed executions. Copying again adds no span twice.

    Args:
        source: URL of the store to read; it stays as it is.
        target: where to write.
        progress: told how many spans are copied so far.

    Raises:
        ConfigurationError: `source` is no SQLite or PostgreSQL store.
        StoreError: `source` cannot be read.
    """
    engine = _engine(source)
    try:
        with engine.connect() as connection:
            return _copy(connection, target, progress)
    except SQLAlchemyError as error:
        raise StoreError(f"the store to copy could not be read: {type(error).__name__}") from error
    finally:
        engine.dispose()


def _copy(connection: Connection, target: Target, progress: Callable[[int], None] | None) -> Copied:
    inspector = inspect(connection)
    names = set(inspector.get_table_names())
    if not names >= {"spans", "resources", "leases"}:
        raise StoreUnavailableError("there is no store of otel-telemetry to copy")
    tables = {
        name: table(name, *(column(described["name"]) for described in inspector.get_columns(name)))
        for name in names & {"spans", "resources", "leases", "durations_kept"}
    }
    resources = {
        row.resource_id: ResourceData(row.resource_id, _map(row.attributes), row.schema_url)
        for row in connection.execute(select(tables["resources"]))
    }
    leases = connection.execute(select(*(tables["leases"].c[name] for name in Lease._fields))).all()
    for lease in leases:
        target.adopt(Lease(*lease))
    is_first_version = "executions" not in names
    copied = 0
    rows = _rows(connection, tables["spans"], resources, is_first_version=is_first_version)
    while batch := list(islice(rows, _BATCH)):
        target.write(batch)
        copied += len(batch)
        if progress is not None:
            progress(copied)
    kept = tables.get("durations_kept")
    if kept is not None:
        parts = connection.execute(select(*(kept.c[name] for name in Durations._fields)))
        target.keep_counts([from_values(part) for part in parts])
    return Copied(copied, len(leases))


def _rows(
    connection: Connection, spans: TableClause, resources: dict[int, ResourceData], *, is_first_version: bool
) -> Iterator[SpanRow]:
    columns = [column.name for column in spans.columns]
    lost = ResourceData.of({})
    in_order = select(spans).order_by(spans.c.execution_id, spans.c.started_ns, spans.c.span_id)
    for values in connection.execution_options(yield_per=_BATCH).execute(in_order):
        stored: dict[str, Any] = dict(zip(columns, values, strict=True))
        resource = resources.get(stored["resource_id"], lost)
        row = SpanRow._make(
            {**dict.fromkeys(SpanRow._fields), **stored, "resource": resource, "metadata": ()}[name]
            for name in SpanRow._fields
        )
        if is_first_version:
            row = _of_first_version(row, stored)
        else:
            row = row._replace(execution_id=execution_key.decode(bytes(stored["execution_id"])))
        yield row_of(data_of(row._replace(trace_id=bytes(row.trace_id))), row.lease_id)


def _of_first_version(row: SpanRow, stored: dict[str, Any]) -> SpanRow:
    """Return a row of version 1.0 as it is today: what others recorded had a kind of ours, and its document said so."""
    row = row._replace(execution_id=_first_key(bytes(stored["execution_id"])), call_hash=stored["fingerprint"])
    document = _map(row.document)
    scope = document.get("scope")
    if isinstance(scope, list) and scope and isinstance(scope[0], str):
        row = row._replace(scope=scope[0])
    if document.pop("foreign", False) is True:
        text = orjson.dumps(document).decode() if document else None
        row = row._replace(kind=int(RowKind.OTHER_STEP), document=text)
    return row


def _first_key(key: bytes) -> str:
    """Read an execution id as version 1.0 stored it: a UUID, or the greatest one before a text and the text."""
    if key[:1] == b"\0":
        return key[1:].decode("utf-8", "replace")
    if len(key) == _UUID_BYTES:
        digits = key.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return key[_UUID_BYTES:].decode("utf-8", "replace")


def _map(text: str | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _engine(url: str) -> Engine:
    if url.startswith("sqlite:"):
        from otel_telemetry.stores.sqlite import file  # noqa: PLC0415  (the driver of the store that is copied)

        path = file.path_of(url)
        if not path.is_file():
            raise StoreUnavailableError(f"there is no store at {path}")
        return create_engine("sqlite://", creator=lambda: file.connect_to_read(path), poolclass=NullPool)
    if url.startswith(("postgres:", "postgresql:")):
        from otel_telemetry.stores.postgres.url import parse  # noqa: PLC0415  (as above)

        place = parse(url)
        engine = create_engine(
            "postgresql+psycopg://", creator=lambda: place.connect(autocommit=False), poolclass=NullPool
        )

        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(place.search_path.as_string())

        event.listen(engine, "begin", begin)
        return engine
    raise ConfigurationError("only a SQLite or PostgreSQL store can be copied")
