"""Which destinations have a spill: PostgreSQL and OTLP endpoints, which may be away, unless the settings say otherwise.

With the overflow policy ``spill`` every store on disk or elsewhere has one; with any other policy, none has.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otel_telemetry.rows import data_of, row_of
from otel_telemetry.stores.base import StoreExporter
from otel_telemetry.stores.spool.spill import SqliteSpill, default_folder, folder_for

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_telemetry.rows import SpanRow
    from otel_telemetry.settings import Settings
    from otel_telemetry.stores.registry import Exporter
    from span_processors.data import SpanData


def for_store(configured: Settings, exporter: Exporter) -> SqliteSpill[SpanRow] | None:
    """Return the spill of the configured store."""
    scheme = configured.store.partition(":")[0]
    if scheme == "memory" or not _is_wanted(configured, usual=scheme in {"postgres", "postgresql"}):
        return None
    return SqliteSpill(
        folder_of_store(configured, configured.store, exporter),
        max_bytes=configured.spill_size,
        durability=configured.durability,
        to_row=_same,
        from_row=_same,
        home=exporter if isinstance(exporter, StoreExporter) else None,
    )


def folder_of_store(configured: Settings, url: str, exporter: Exporter) -> Path:
    """Return where spans wait that are on their way to the store at `url`, which `exporter` writes to."""
    return _folder(configured, getattr(exporter, "address", url.partition("?")[0]))


def for_endpoint(configured: Settings, exporter: SpanExporter) -> SqliteSpill[SpanData] | None:
    """Return the spill of an exporter that spans are forwarded to."""
    kind = type(exporter)
    if not _is_wanted(configured, usual=kind.__module__.startswith("opentelemetry.exporter.otlp")):
        return None
    # There is no public name for it, and spans must not go to another endpoint than the one they were meant for.
    endpoint = getattr(exporter, "_endpoint", "")
    return SqliteSpill(
        _folder(configured, f"otlp:{kind.__module__}.{kind.__qualname__} {endpoint}"),
        max_bytes=configured.spill_size,
        durability=configured.durability,
        to_row=_row,
        from_row=data_of,
    )


def _is_wanted(configured: Settings, *, usual: bool) -> bool:
    return configured.spill_size > 0 and (configured.overflow == "spill" or (configured.overflow is None and usual))


def _folder(configured: Settings, destination: str) -> Path:
    root = Path(configured.spill).expanduser() if configured.spill else default_folder()
    return folder_for(destination, root)


def _same(row: SpanRow) -> SpanRow:
    return row


def _row(span: SpanData) -> SpanRow:
    return row_of(span, None)
