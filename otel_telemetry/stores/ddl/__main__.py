"""Write the DDL files anew from the schema."""

from __future__ import annotations

from otel_telemetry.stores.ddl import DIALECTS, path_of, path_of_dml
from otel_telemetry.stores.ddl.generate import compile_ddl, compile_dml

for dialect in DIALECTS:
    path_of(dialect).write_text(compile_ddl(dialect), encoding="ascii")
    path_of_dml(dialect).write_text(compile_dml(dialect), encoding="ascii")
