"""The promise of export: imported into an empty store of another backend and exported again, it is the same bytes."""

from __future__ import annotations

from contextlib import ExitStack, closing
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.otel_telemetry.formats.generated import rows_of_executions
from tests.otel_telemetry.formats.stores import exported, filled, imported, rows_of_import, write

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("json", "jsonl", "otlp", "otlp-proto")
EXECUTIONS = 300


@pytest.mark.parametrize(("seed", "format_name"), [*enumerate(FORMATS)])
@pytest.mark.promise("P16")
def test_every_backend_gives_the_same_bytes_after_an_import(
    seed: int, format_name: str, tmp_path: Path, postgres_url: str
) -> None:
    rows = rows_of_executions(Random(seed), EXECUTIONS)
    with ExitStack() as stack:
        origin = stack.enter_context(closing(filled("memory://", rows)))
        first = exported(origin, format_name)
        for url in (f"sqlite:///{tmp_path / 'runs.db'}", postgres_url, "memory://"):
            store = stack.enter_context(closing(imported(url, first, format_name)))
            assert exported(store, format_name) == first, url


@pytest.mark.parametrize("format_name", FORMATS)
def test_importing_twice_changes_nothing(format_name: str) -> None:
    with closing(filled("memory://", rows_of_executions(Random(7), 20))) as origin:
        first = exported(origin, format_name)
    with closing(imported("memory://", first)) as store:
        write(store, rows_of_import(first))
        assert exported(store, format_name) == first
