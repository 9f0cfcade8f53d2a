"""Which versions of the schema this code works with. A version is ``major.minor``; within a major, changes only add."""

from __future__ import annotations

from typing import Final

from otel_telemetry.errors import StoreError, StoreUnavailableError

HEAD: Final = "2.0"
"""The version that this code writes: the last revision of the migrations."""
ADVISORY_LOCK: Final = 0x6F74656C_73746F72
"""The key of the lock under which a PostgreSQL server has a store made or migrated by one process at a time."""


def check_version(found: str, where: str) -> None:
    """Refuse the store at `where`, whose version is `found`, if this code cannot work with it.

    A newer store of the same major is welcome: what it has more, this code leaves alone.

    Raises:
        StoreUnavailableError: `found` is not a version of ours, so this is not a store.
        StoreError: the store is of another major version.
    """
    try:
        major, known = _parts(found)[0], _parts(HEAD)[0]
    except ValueError:
        raise StoreUnavailableError(
            f"{where} belongs to another program (its version is {found!r}): name another place"
        ) from None
    if major > known:
        raise StoreError(f"{where} has version {found}, and this program knows {HEAD}: upgrade otel-telemetry")
    if major < known:
        raise StoreError(
            f"{where} has version {found}, and this program writes {HEAD}: "
            "bring it over with otel-telemetry db copy OLD NEW, or name another place"
        )


def is_older(found: str) -> bool:
    """Whether a store of this version must be migrated before it is written."""
    return _parts(found) < _parts(HEAD)


def _parts(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)
