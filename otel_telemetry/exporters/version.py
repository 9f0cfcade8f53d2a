"""Which versions of the schema this code can work with. A version is ``major.minor``; within a major, changes only add."""

from __future__ import annotations

from typing import Final

from otel_telemetry.errors import StoreError, StoreUnavailableError

HEAD: Final = "1.0"
"""The version that this code writes: the last revision of the migrations."""


def needs_migration(found: str, where: str) -> bool:
    """Whether the store at `where`, whose version is `found`, must be migrated before it is written.

    A newer store of the same major is not: what it has more, this code leaves alone.

    Raises:
        StoreUnavailableError: `found` is not a version of ours, so this is not a store.
        StoreError: the store is of a newer major version.
    """
    try:
        major, minor = _parts(found)
    except ValueError:
        raise StoreUnavailableError(
            f"{where} belongs to another program (its version is {found!r}): name another place"
        ) from None
    head = _parts(HEAD)
    if major > head[0]:
        raise StoreError(f"{where} has version {found}, and this program knows {HEAD}: upgrade otel-telemetry")
    return (major, minor) < head


def _parts(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
