"""The tables as SQL, one file per dialect, generated: ``python -m otel_telemetry.stores.ddl``.

The write path runs these files, so that it makes a fresh store, and writes, without importing SQLAlchemy or Alembic.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

Dialect = Literal["sqlite", "postgresql"]
DIALECTS: Final[tuple[Dialect, ...]] = ("sqlite", "postgresql")


def path_of(dialect: Dialect) -> Path:
    """Return where the generated file of `dialect` is."""
    return Path(__file__).with_name(f"{dialect}.sql")


def statements(dialect: Dialect) -> list[str]:
    """Return the statements that make the tables and indexes, in order; none changes an object that exists."""
    return path_of(dialect).read_text(encoding="ascii").removesuffix(";\n").split(";\n")


def path_of_dml(dialect: Dialect) -> Path:
    """Return where the generated statements of the write path are."""
    return Path(__file__).with_name(f"{dialect}_dml.sql")


@cache
def named(dialect: Dialect) -> dict[str, str]:
    """Return the statements of the write path by their names."""
    parts = path_of_dml(dialect).read_text(encoding="ascii").removesuffix(";\n").split(";\n")
    return {name.removeprefix("-- "): text for name, _, text in (part.partition("\n") for part in parts)}
