"""The promise of export: imported into an empty store of another backend and exported again, it is the same bytes."""

from __future__ import annotations

from contextlib import ExitStack, closing
from random import Random
from typing import TYPE_CHECKING

import pytest

from otel_telemetry.testing.traces import cases
from tests.otel_telemetry.formats.generated import rows_of_executions
from tests.otel_telemetry.formats.stores import exported, filled, imported, records_in, rows_of_import, write

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


@pytest.mark.parametrize("format_name", FORMATS)
def test_what_is_odd_comes_back_too(format_name: str, tmp_path: Path) -> None:
    """Resumed and orphaned runs, traces of others, and those that are read into the execution that called."""
    rows = [row for _, case in cases(0, 150) for row in case]
    with closing(filled("memory://", rows)) as origin:
        first, records = exported(origin, format_name), records_in(origin)
        write(origin, rows_of_import(first, format_name))
        assert exported(origin, format_name) == first, "imported where it came from"
    with closing(imported(f"sqlite:///{tmp_path / 'runs.db'}", first, format_name)) as store:
        for record, again in zip(records, records_in(store), strict=True):
            assert again == record
        assert exported(store, format_name) == first
        write(store, rows_of_import(first, format_name))
        assert exported(store, format_name) == first
