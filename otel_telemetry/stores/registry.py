"""Backends by the scheme of their URL. Another is added with `register`, or by an entry point.

An installed package adds one by an entry point of the group ``otel_telemetry.backends``, whose name is the scheme and
whose object is a `Backend`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, runtime_checkable

from otel_telemetry.errors import ConfigurationError, StoreUnavailableError, unknown
from otel_telemetry.rows import SpanRow
from span_processors.sinks import SpanSink

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from otel_telemetry.query import SpanStore

ENTRY_POINTS: Final = "otel_telemetry.backends"


class Exporter(SpanSink[SpanRow], Protocol):
    """What a backend writes with."""

    def store(self) -> SpanStore:
        """Return the read side: a store that sees what is committed here. Whoever asked for it closes it."""


@runtime_checkable
class Removing(Protocol):
    """A backend that can remove executions."""

    def delete(self, execution_ids: Collection[str]) -> int:
        """Remove executions for good, and return how many there were."""

    def prune(self, before_ns: int, live_leases: Collection[int]) -> object:
        """Remove the executions that started before a time, but for those of living processes that still run."""


class Backend(NamedTuple):
    """How stores of one scheme are opened."""

    exporter: Callable[..., Exporter]
    """Takes the URL and keyword options. Raises `ConfigurationError` or `StoreError` for what can never work."""
    store: Callable[[str], SpanStore]
    """Takes the URL of a store that exists; makes nothing. Raises `StoreUnavailableError` where there is none."""


def register(scheme: str, backend: Backend) -> None:
    """Let URLs that begin with ``scheme://`` mean `backend`, from now on and in this process."""
    _backends[scheme] = backend


def open_exporter(url: str, **options: Any) -> Exporter:
    """Open the write side of the store at `url`; `options` are the backend's own.

    Raises:
        ConfigurationError: the scheme is unknown, or the URL or an option cannot work.
        StoreError: what is there cannot be written by this version.
    """
    return _backend(url).exporter(url, **options)


def open_store(url: str) -> SpanStore:
    """Open the read side of the store at `url`, which must exist: nothing is made, nothing can be written.

    Raises:
        ConfigurationError: the scheme is unknown, or the URL cannot work.
        StoreUnavailableError: there is no store, or it cannot be reached.
        StoreError: the store is of a newer major version.
    """
    return _backend(url).store(url)


def _backend(url: str) -> Backend:
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ConfigurationError("a store is named by a URL: sqlite:///telemetry.db, memory:// or postgresql://…")
    if scheme in _backends:
        return _backends[scheme]
    # Deferred: it is only for schemes that are not known, and to look through what is installed takes milliseconds.
    from importlib.metadata import entry_points  # noqa: PLC0415

    points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if scheme not in points:
        raise ConfigurationError(unknown("kind of store", scheme, {*_backends, *points}))
    register(scheme, points[scheme].load())
    return _backends[scheme]


# A backend is imported when its scheme is asked for: each brings a driver, and reading brings SQLAlchemy.


def _sqlite_exporter(url: str, **options: Any) -> Exporter:
    from otel_telemetry.stores.sqlite.exporter import SQLiteSpanExporter  # noqa: PLC0415

    return SQLiteSpanExporter(url, **options)


def _sqlite_store(url: str) -> SpanStore:
    from otel_telemetry.stores.sqlite import file as sqlite_file  # noqa: PLC0415
    from otel_telemetry.stores.sqlite import reading  # noqa: PLC0415

    return reading.open_sqlite(sqlite_file.path_of(url))


def _memory_exporter(url: str, **options: Any) -> Exporter:
    from otel_telemetry.stores.sqlite.memory import MemorySpanExporter  # noqa: PLC0415

    if url != "memory://":
        raise ConfigurationError(f"{url!r}: a memory store has no name, write memory://")
    return MemorySpanExporter(**options)


def _memory_store(url: str) -> SpanStore:
    raise StoreUnavailableError(f"{url}: a memory store can be read in the process that records, and nowhere else")


def _postgres_exporter(url: str, **options: Any) -> Exporter:
    from otel_telemetry.stores.postgres.exporter import PostgresSpanExporter  # noqa: PLC0415

    return PostgresSpanExporter(url, **options)


def _postgres_store(url: str) -> SpanStore:
    from otel_telemetry.stores.postgres import reading as reading_postgres  # noqa: PLC0415
    from otel_telemetry.stores.postgres import url as postgres_url  # noqa: PLC0415

    return reading_postgres.open_postgres(postgres_url.parse(url))


_postgres: Final = Backend(_postgres_exporter, _postgres_store)
_backends: Final = {
    "memory": Backend(_memory_exporter, _memory_store),
    "postgres": _postgres,
    "postgresql": _postgres,
    "sqlite": Backend(_sqlite_exporter, _sqlite_store),
}
