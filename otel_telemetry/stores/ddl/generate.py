"""Compile the schema, and the statements of the write path, to the SQL of a dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from otel_telemetry.stores.dml import STATEMENTS
from otel_telemetry.stores.indexes import METADATA

if TYPE_CHECKING:
    from otel_telemetry.stores.ddl import Dialect

_URLS: Final = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def compile_ddl(dialect: Dialect) -> str:
    """Return the text of the file of `dialect`."""
    compiler = create_mock_engine(_URLS[dialect], print).dialect

    def compiled(construct: CreateTable | CreateIndex) -> str:
        lines = str(construct.compile(dialect=compiler)).replace("\t", "    ").strip().splitlines()
        return "\n".join(line.rstrip() for line in lines)

    texts: list[str] = []
    for table in METADATA.sorted_tables:
        texts.append(compiled(CreateTable(table, if_not_exists=True)))
        texts.extend(
            compiled(CreateIndex(index, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        )
    return "".join(f"{text};\n" for text in texts)


def compile_dml(dialect: Dialect) -> str:
    """Return the text of the file of the write path's statements: each after a line with its name."""
    compiler = create_mock_engine(_URLS[dialect], print).dialect
    texts = []
    for name, statement in sorted(STATEMENTS[dialect]().items()):
        text = str(statement.compile(dialect=compiler))
        texts.append(f"-- {name}\n" + "\n".join(line.rstrip() for line in text.strip().splitlines()))
    return "".join(f"{text};\n" for text in texts)
