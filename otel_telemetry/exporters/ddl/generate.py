"""Compile the schema to the DDL of a dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from otel_telemetry.exporters.indexes import METADATA

if TYPE_CHECKING:
    from otel_telemetry.exporters.ddl import Dialect

_URLS: Final = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def compile_ddl(dialect: Dialect) -> str:
    """Return the text of the file of `dialect`."""
    compiler = create_mock_engine(
        {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}[dialect], print
    ).dialect
    constructs: list[CreateTable | CreateIndex] = []
    for table in METADATA.sorted_tables:
        constructs.append(CreateTable(table, if_not_exists=True))
        constructs.extend(CreateIndex(i, if_not_exists=True) for i in sorted(table.indexes, key=lambda i: str(i.name)))
    texts = (str(construct.compile(dialect=compiler)).replace("\t", "    ") for construct in constructs)
    return "".join("\n".join(line.rstrip() for line in text.strip().splitlines()) + ";\n" for text in texts)
