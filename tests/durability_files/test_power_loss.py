"""What a loss of power leaves: nothing acknowledged is lost at `full`, and nothing is damaged at all."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from otel_telemetry.stores import SQLiteSpanExporter
from otel_telemetry.stores.sqlite import checkpoint as sqlite_checkpoint
from otel_telemetry.stores.sqlite import exporter as sqlite
from otel_telemetry.stores.sqlite import file as sqlite_file
from span_processors.sinks import RetryableError
from tests.durability_files.power import Connection, Disk
from tests.otel_telemetry.stores.rows import row

if TYPE_CHECKING:
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.stores.sqlite.exporter import Durability

FEW = range(60)
MANY = pytest.param(range(1000), marks=[pytest.mark.slow, pytest.mark.timeout(1800)])


class Aftermath(NamedTuple):
    acknowledged: list[int]
    """Ids of executions, in the order in which they were."""
    found: set[int]
    damaged: bool
    """Whether the next process finds damage in the file."""


def payload(number: int) -> str:
    """Text that only this execution has, of a length of its own."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return digest * (1 + int(digest[:2], 16) // (1 if digest[2] == "0" else 16))


def batch(numbers: range, random: Random) -> list[SpanRow]:
    return [row(n, execution_id=f"e{n}", payload=payload(n), ended=random.random() < 0.8) for n in numbers]


def record_until_failure(path: Path, disk: Disk, random: Random, durability: Durability) -> list[int]:
    """Record, end and begin again, until the power fails; return what was acknowledged."""
    acknowledged: list[int] = []
    try:
        while True:
            exporter = SQLiteSpanExporter(path, durability=durability)
            for _ in range(random.randint(1, 30)):
                last = len(acknowledged)
                numbers = range(last, last + random.randint(1, 20))
                rows = batch(numbers, random)
                exporter.write(rows)
                acknowledged += numbers
                if random.random() < 0.3:
                    exporter.write([row(r.span_id, execution_id=r.execution_id, payload=r.payload) for r in rows])
                if random.random() < 0.1:
                    exporter.heartbeat()
            exporter.close()
    except (RetryableError, sqlite3.Error):
        if not disk.failed:
            raise
    return acknowledged


def lose_power(seed: int, durability: Durability, folder: Path, *, log: bool = True) -> Aftermath:
    random = Random(seed)
    before, after = folder / f"{seed}-before", folder / f"{seed}-after"
    before.mkdir()
    after.mkdir()
    disk = Disk(f"disk-{seed}", random, fails_after=random.randrange(1500))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_checkpoint, "LOG_BYTES", 200_000)
        patch.setattr(sqlite_file, "connect", lambda path, *, mode: Connection(path, disk))
        patch.setattr(sqlite_file, "sync_directory", disk.sync_directory)
        if not log:
            patch.setattr(sqlite, "_use_wal", lambda connection: False)
        acknowledged = record_until_failure(before / "store.db", disk, random, durability)
    disk.after_failure(after)
    disk.unregister()
    return Aftermath(acknowledged, *inspect(after / "store.db"))


def inspect(path: Path) -> tuple[set[int], bool]:
    """Go on recording after the failure, with the standard library's SQLite; what is there, and was it damaged?"""
    exporter = SQLiteSpanExporter(path)
    exporter.heartbeat()
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT span_id, payload FROM spans").fetchall()
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    exporter.close()
    assert all(text == payload(number) for number, text in found)
    return {number for number, _ in found}, bool(exporter.files_set_aside) or not sound


@pytest.mark.parametrize("seeds", [FEW, MANY], ids=len)
@pytest.mark.fault("power loss, durability full", "0 acknowledged lost, 0 damaged", backend="sqlite")
@pytest.mark.promise("P7")
def test_at_full_nothing_acknowledged_is_lost(seeds: range, tmp_path: Path, observed) -> None:
    acknowledged = 0
    for seed in seeds:
        aftermath = lose_power(seed, "full", tmp_path)
        assert not aftermath.damaged, seed
        assert set(aftermath.acknowledged) <= aftermath.found, seed
        acknowledged += len(aftermath.acknowledged)
    observed(f"{len(seeds)} failures: 0 of {acknowledged:,} acknowledged lost, 0 files damaged")


@pytest.mark.parametrize("seeds", [FEW, MANY], ids=len)
@pytest.mark.fault("power loss, durability normal", "the last moments lost, 0 damaged", backend="sqlite")
@pytest.mark.promise("P7")
def test_at_normal_only_the_last_moments_are_lost_and_nothing_is_damaged(
    seeds: range, tmp_path: Path, observed
) -> None:
    window = losses = 0
    for seed in seeds:
        aftermath = lose_power(seed, "normal", tmp_path)
        assert not aftermath.damaged, seed
        lost = sorted(set(aftermath.acknowledged) - aftermath.found)
        assert lost == aftermath.acknowledged[len(aftermath.acknowledged) - len(lost) :], seed
        window, losses = max(window, len(lost)), losses + bool(lost)
    assert losses  # a simulator that takes nothing away proves nothing
    observed(f"{len(seeds)} failures: 0 files damaged; {losses} lost anything, at most the last {window} executions")


@pytest.mark.parametrize("durability", ["normal", "full"])
@pytest.mark.fault("power loss, no write-ahead log", "0 acknowledged lost, 0 damaged", backend="sqlite")
def test_without_a_log_nothing_acknowledged_is_lost(tmp_path: Path, durability: Durability, observed) -> None:
    for seed in FEW:
        aftermath = lose_power(seed, durability, tmp_path, log=False)
        assert not aftermath.damaged, seed
        lost = set(aftermath.acknowledged) - aftermath.found
        assert not lost or durability == "normal", seed
    observed(f"durability {durability}: {len(FEW)} failures, as expected")


@pytest.mark.promise("P7")
def test_the_simulator_damages_files_that_nobody_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sqlite._SYNCHRONOUS, ("normal", True), "OFF")
    assert any(lose_power(seed, "normal", tmp_path).damaged for seed in FEW)
