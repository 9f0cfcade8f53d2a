"""Getting out of a damaged SQLite store what can be got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError
from otel_telemetry.rows import SpanRow, execution_key
from otel_telemetry.stores.schema import spans as table
from otel_telemetry.stores.sqlite.exporter import PAGE_BYTES, SQLiteSpanExporter
from otel_telemetry.stores.sqlite.pages import Pages
from span_processors.data import ResourceData

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_telemetry.stores.sqlite.pages import Value

_BATCH: Final = 1000
_NAMES: Final = tuple(table.columns.keys())
_NEEDED: Final = {
    place: bytes if column.name in {"trace_id", "execution_id"} else int
    for place, column in enumerate(table.columns)
    if not column.nullable
}
_JSON: Final = ("document", "payload")
_RESOURCE: Final = (int, str, str)


class Salvaged(NamedTuple):
    """What came of it."""

    spans: int
    """How many were got out, started or ended."""
    unreadable: int
    """How many were met that are damaged. What stood on pages that are lost altogether is not counted."""


def salvage(damaged: Path, into: Path) -> Salvaged:
    """Read every span that can be read out of a damaged file, and write it to a new store.

    The file is not changed. It is read page by page, without SQLite, and wholly into memory.

    Args:
        damaged: the file; its log, where there is one, is beside it (``NAME-wal``).
        into: the file of the new store.

    Raises:
        ConfigurationError: something is at `into` already, or no store can be there.
        StoreUnavailableError: there is no file, or no span in it that can be read.
        StoreError: the new store cannot be written.
    """
    if not damaged.is_file():
        raise StoreUnavailableError(f"there is no file {damaged}")
    if into.exists():
        raise ConfigurationError(f"{into} exists already: name a new file")
    pages = Pages(damaged, usual_page_bytes=PAGE_BYTES)
    records = list(pages.records())
    resources = {key: found for record in records for key, found in _resources(record)}
    rows = [row for record in records for row in _rows(record, resources)]
    unreadable = pages.unreadable + sum(_is_span(record) for record in records) - len(rows)
    if not rows:
        raise StoreUnavailableError(f"no span can be read out of {damaged}")
    exporter = SQLiteSpanExporter(into)
    for start in range(0, len(rows), _BATCH):
        exporter.write(rows[start : start + _BATCH])
    exporter.close()
    return Salvaged(len(rows), unreadable)


def _resources(record: list[Value]) -> Iterator[tuple[int, ResourceData]]:
    if tuple(map(type, record)) == _RESOURCE:
        key, schema_url, text = record
        try:
            attributes = orjson.loads(str(text))
        except ValueError:
            return
        if isinstance(attributes, dict):
            yield int(str(key)), ResourceData(int(str(key)), attributes, str(schema_url))


def _is_span(record: list[Value]) -> bool:
    return len(record) > max(_NEEDED) and all(type(record[place]) is kind for place, kind in _NEEDED.items())


def _rows(record: list[Value], resources: dict[int, ResourceData]) -> Iterator[SpanRow]:
    if not _is_span(record):
        return
    columns = dict(zip(_NAMES, record, strict=False))  # of another minor version, it has more or fewer
    try:
        for name in _JSON:
            if columns.get(name) is not None:
                orjson.loads(str(columns[name]))
        columns["execution_id"] = execution_key.decode(record[_NAMES.index("execution_id")])
        resource = resources.get(int(str(columns["resource_id"])), ResourceData.of({}))
        values = {**dict.fromkeys(SpanRow._fields), **columns, "resource": resource, "metadata": ()}
        yield SpanRow(**{name: values[name] for name in SpanRow._fields})  # type: ignore[arg-type]  # checked above
    except (ValueError, TypeError, OverflowError):
        return
