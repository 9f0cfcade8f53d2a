"""What works and what does not: settings, versions, the store, the processes that record."""

from __future__ import annotations

import glob
import os
import platform
import sqlite3
import stat
from contextlib import closing
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, runtime_checkable

from otel_telemetry.cli import ledger
from otel_telemetry.cli.stores import opened_store, reader_of, shown
from otel_telemetry.cli.text import duration
from otel_telemetry.errors import TelemetryError
from otel_telemetry.rows.conventions import VERSION
from otel_telemetry.stores.lease import live_leases
from otel_telemetry.stores.sqlite import file as sqlite_file
from otel_telemetry.stores.sqlite.checkpoint import is_affected
from otel_telemetry.stores.sqlite.damage import MARK
from otel_telemetry.stores.version import is_older
from span_processors.sinks import RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.query import Lease
    from otel_telemetry.settings import Settings

_NEEDED: Final = ("otel-telemetry", "opentelemetry-sdk", "sqlalchemy", "alembic", "orjson", "click")
_EXTRAS: Final = {"psycopg": "postgres", "opentelemetry-exporter-otlp": "otlp", "google-re2": "re2"}
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OPEN: Final[dict[str, dict[str, Any]]] = {
    "running": {"status": ["pending", "running"], "interrupted": False},
    "interrupted": {"interrupted": True},
}


class Finding(NamedTuple):
    """One line of the report. `good` is None where there is nothing to judge."""

    area: str
    name: str
    value: str
    good: bool | None = None


def configuration(configured: Settings, store: str) -> Iterator[Finding]:
    """Say which settings are not the default, and where each comes from."""
    source = configured.sources.get("store", "default") if store == configured.store else "--store"
    yield Finding("configuration", "store", f"{shown(store)} ({source})")
    for name, origin in configured.sources.items():
        if name != "store":
            yield Finding("configuration", name, f"{getattr(configured, name)!r} ({origin})")
    for variable in _ENDPOINTS:
        if endpoint := os.environ.get(variable):
            yield Finding("configuration", "otlp", f"{shown(endpoint)} (environment variable {variable})")


def versions() -> Iterator[Finding]:
    """Say what is installed, and which extra brings what is not."""
    yield Finding("versions", "python", platform.python_version())
    yield Finding("versions", "sqlite", _sqlite())
    yield Finding("versions", "recording", "compiled" if _is_compiled() else "plain Python")
    for name in _NEEDED:
        yield Finding("versions", name, _version(name) or "missing", _version(name) is not None)
    for name, extra in _EXTRAS.items():
        yield Finding("versions", name, _version(name) or f"not installed (pip install 'otel-telemetry[{extra}]')")


def _is_compiled() -> bool:
    found = find_spec("span_processors.redaction.fast")
    return found is not None and not (found.origin or "").endswith(".py")


def _sqlite() -> str:
    # A remark and no finding against it: the exporter does by itself what keeps its files safe from that fault.
    fault = (
        " (other programs that write to the store may damage it: see sqlite.org/wal.html#walresetbug; fixed in 3.51.3)"
    )
    return sqlite3.sqlite_version + (fault if is_affected() else "")


def spill(configured: Settings, url: str) -> tuple[ledger.OnDisk, list[Finding]]:
    """Say how many spans wait on disk for the store, and where; return what was found as well."""
    # Deferred: writing brings the OpenTelemetry SDK.
    from otel_telemetry.stores.registry import open_exporter  # noqa: PLC0415
    from otel_telemetry.stores.spool import destinations as spills  # noqa: PLC0415

    try:
        folder = spills.folder_of_store(configured, url, open_exporter(url))
    except TelemetryError:
        return ledger.OnDisk(), []  # that it cannot be opened is said elsewhere
    found = ledger.waiting_on_disk(folder)
    told = [Finding("spill", "waiting on disk", f"{found.spans:,} spans in {folder}")] if found.spans else []
    return found, told


def store(url: str, now_ns: int, on_disk: ledger.OnDisk) -> Iterator[Finding]:
    """Say whether the store can be reached, read and written, what it holds, and who records into it.

    Args:
        url: the store.
        now_ns: the time, nanoseconds since the epoch, UTC.
        on_disk: what waits for it in the spill.

    Raises:
        StoreError: it cannot be reached or read.
    """
    with opened_store(url) as found:
        reader = reader_of(found)
        yield Finding("store", "readable", f"{reader.count():,} runs", good=True)
        version = found.version() if isinstance(found, _Versioned) else None
        if version is not None:
            remark = " (older than this program; recording migrates it)" if is_older(version) else ""
            yield Finding("store", "schema version", version + remark)
        if isinstance(found, _Versioned) and found.conventions() < VERSION:
            yield Finding("store", "conventions", "older than this program's: otel-telemetry db reindex", good=False)
        yield Finding("store", "writable", "not tried") if version and is_older(version) else _writable(url)
        yield from files(url)
        for name, filters in _OPEN.items():
            yield Finding("store", name, f"{reader.count(**filters):,} runs")
        yield from _processes(found.leases(), now_ns)
        if isinstance(found, ledger.HasProcesses):
            processes = ledger.latest([*found.processes(), *on_disk.processes])
            alive = live_leases(processes, now_ns)
            for name, count in ledger.lines(processes, alive, on_disk.spans):
                yield Finding("spans", name, f"{count:,}")


def files(url: str) -> Iterator[Finding]:
    """Say of the file of a SQLite store whether it is sound, who may read it, and which others were set aside."""
    if not url.startswith("sqlite:"):
        return
    path = sqlite_file.path_of(url)
    with closing(sqlite_file.connect_to_read(path)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    yield Finding("store", "file", "sound" if found == "ok" else "damaged", good=found == "ok")
    slow = "" if journal == "wal" else " (the file system allows no write-ahead log: one process at a time)"
    yield Finding("store", "journal", journal + slow)
    mode = stat.S_IMODE(path.stat().st_mode)
    others = mode & (stat.S_IRWXG | stat.S_IRWXO)
    yield Finding("store", "mode", f"{mode:04o}" + (" (others may open it)" if others else ""), good=not others)
    for kept in sorted(path.parent.glob(f"{glob.escape(path.name)}{MARK}*Z*")):
        if not kept.name.endswith(("-wal", "-shm", "-journal", ".salvaged.db")):
            yield Finding("store", "set aside", f"{kept} (otel-telemetry doctor --salvage FILE)", good=False)


@runtime_checkable
class _Versioned(Protocol):
    """A store whose schema has versions."""

    def version(self) -> str:
        """Return the version of the schema."""

    def conventions(self) -> int:
        """Return the version of the conventions that its spans were judged by."""


def _writable(url: str) -> Finding:
    """Write a heartbeat, the least that can be written."""
    # Deferred: writing brings the OpenTelemetry SDK.
    from otel_telemetry.stores.registry import open_exporter  # noqa: PLC0415

    try:
        exporter = open_exporter(url)
        exporter.heartbeat()
        exporter.close()
    except (TelemetryError, RetryableError) as error:
        return Finding("store", "writable", f"no: {error}", good=False)
    return Finding("store", "writable", "yes", good=True)


def _processes(leases: list[Lease], now_ns: int) -> Iterator[Finding]:
    opened = [lease for lease in leases if lease.closed_ns is None]
    alive = live_leases(opened, now_ns)
    for lease in opened:
        if lease.lease_id in alive:
            age = duration(max(0, now_ns - lease.heartbeat_ns) / 1e6)
            yield Finding("processes", f"{lease.host}, pid {lease.pid}", f"recording, last heartbeat {age} ago")
    yield Finding("processes", "gone without closing", f"{len(opened) - len(alive):,}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
