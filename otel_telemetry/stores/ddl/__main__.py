"""Write the DDL files anew from the schema."""

from __future__ import annotations

from otel_telemetry.stores.ddl import DIALECTS, path_of
from otel_telemetry.stores.ddl.generate import compile_ddl

for dialect in DIALECTS:
    path_of(dialect).write_text(compile_ddl(dialect), encoding="ascii")
