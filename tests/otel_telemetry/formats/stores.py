"""What a round trip is made of: rows into a store, a store into bytes, bytes into another store."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING

from otel_telemetry.formats import export_to, rows_from
from otel_telemetry.reader import Reader
from otel_telemetry.stores import open_exporter
from span_processors.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_telemetry.records import ExecutionRecord
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.stores.registry import Exporter

BATCH = 500


def filled(url: str, rows: Sequence[SpanRow]) -> Exporter:
    """Open an empty store and write the rows to it."""
    exporter = open_exporter(url)
    write(exporter, rows)
    return exporter


def write(exporter: Exporter, rows: Sequence[SpanRow]) -> None:
    """Write the rows, in batches as an importer does."""
    for start in range(0, len(rows), BATCH):
        exporter.write(rows[start : start + BATCH])


def imported(url: str, exported: bytes, format_name: str | None = None) -> Exporter:
    """Open an empty store and import into it what was exported."""
    return filled(url, rows_of_import(exported, format_name))


def rows_of_import(exported: bytes, format_name: str | None = None) -> list[SpanRow]:
    """Return the rows of what was exported."""
    return list(rows_from(io.BytesIO(exported), Redactor(), format=format_name))


def records_in(exporter: Exporter) -> list[ExecutionRecord]:
    """Return every execution, oldest first."""
    with closing(exporter.store()) as store:
        return list(Reader(store, alive=lambda leases, now: frozenset()).iterate(order_by="started_at"))


def exported(exporter: Exporter, format_name: str) -> bytes:
    """Return every execution as bytes, oldest first."""
    out = io.BytesIO()
    with closing(exporter.store()) as store:
        reader = Reader(store, alive=lambda leases, now: frozenset())
        export_to(format_name, out, reader.iterate(order_by="started_at"))
    return out.getvalue()
