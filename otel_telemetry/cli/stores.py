"""The store that a command reads: opening it, and naming it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_telemetry.cli.text import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_telemetry.query import SpanStore
    from otel_telemetry.reader import Reader


@contextmanager
def opened_store(url: str) -> Iterator[SpanStore]:
    """Open a store for reading, and close it again. Nothing is made, nothing can be written.

    Raises:
        StoreUnavailableError: there is none, or it cannot be reached.
    """
    # Deferred: reading brings SQLAlchemy, which help and mistakes should not have to wait for.
    from otel_telemetry.stores.registry import open_store  # noqa: PLC0415

    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened(url: str) -> Iterator[Reader]:
    """Open a store and yield what asks it; see `opened_store`."""
    with opened_store(url) as store:
        yield reader_of(store)


def reader_of(store: SpanStore) -> Reader:
    """Return what asks `store`."""
    # Not by way of `wiring`, which brings the SDK.
    from otel_telemetry.reader import Reader  # noqa: PLC0415
    from otel_telemetry.stores.lease import live_leases  # noqa: PLC0415

    return Reader(store, alive=live_leases)


def shown(url: str) -> str:
    """Return the URL of a store without password and parameters, safe to print."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(a URL that cannot be read)"
    user, at, host = parts.netloc.rpartition("@")
    return safe(f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}")
