"""The commands that look after a store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import otel_telemetry as ot

HOUR_NS = 3_600 * 10**9


@pytest.fixture
def old_and_new(tmp_path):
    """A store with two runs of long ago, and one of now."""
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    long_ago = 400_000 * HOUR_NS
    with ot.configure(store=url) as telemetry:
        store = telemetry.store
        for number in range(2):
            run = telemetry.recorder.start_execution("old", execution_id=f"old-{number}", started_at_ns=long_ago)
            run.complete(None)
        store.complete_execution(store.start_execution(workflow_name="new", execution_id="new-0"))
    return url


def ids(url):
    with closing(ot.open_reader(url)) as reader:
        return sorted(run.execution_id for run in reader.iterate())


def test_what_is_old_is_removed_and_stays_counted(run, old_and_new):
    result = run("prune", "--older-than", "30d", "--store", old_and_new)
    assert result.code == 0
    assert "2 runs removed" in result.out
    assert ids(old_and_new) == ["new-0"]
    assert json.loads(run("prune", "--older-than", "30d", "--json", "--store", old_and_new).out) == {
        "executions": 0,
        "kept_open": 0,
    }


def test_runs_are_deleted_by_id_and_by_filter(run, old_and_new):
    assert run("delete", "old-0", "--yes", "--store", old_and_new).out.startswith("1 runs removed")
    assert ids(old_and_new) == ["new-0", "old-1"]
    assert run("delete", "old-0", "--yes", "--store", old_and_new).code == 1
    assert run("delete", "--workflow", "old", "--yes", "--store", old_and_new).code == 0
    assert ids(old_and_new) == ["new-0"]
    assert run("delete", "--workflow", "nope", "--yes", "--store", old_and_new).code == 1


def test_deleting_asks_first(run, old_and_new):
    assert run("delete", "old-0", "--store", old_and_new).code != 0
    assert "old-0" in ids(old_and_new)


def test_a_store_is_made_anew_from_its_spans(run, old_and_new):
    path = Path(old_and_new.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM executions")
        connection.execute("DELETE FROM terms")
    assert ids(old_and_new) == []
    assert "is made anew from" in run("db", "reindex", "--store", old_and_new).out
    assert ids(old_and_new) == ["new-0", "old-0", "old-1"]


def test_doctor_says_when_spans_were_judged_by_older_conventions(run, old_and_new):
    path = Path(old_and_new.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'conventions'")
    assert "db reindex" in run("doctor", "--store", old_and_new).out
    run("db", "reindex", "--store", old_and_new)
    assert "db reindex" not in run("doctor", "--store", old_and_new).out


def test_a_store_is_copied(run, old_and_new, tmp_path):
    new = f"sqlite:///{tmp_path / 'copy.db'}"
    result = run("db", "copy", old_and_new, new)
    assert result.code == 0, result.err
    again = run("db", "copy", old_and_new, new, "--json")
    assert json.loads(again.out)["spans"] > 0
    with closing(ot.open_reader(old_and_new)) as one, closing(ot.open_reader(new)) as other:
        assert list(one.iterate()) == list(other.iterate())
        assert one.stats() == other.stats()


def test_nothing_is_copied_from_nowhere(run, tmp_path):
    result = run("db", "copy", f"sqlite:///{tmp_path / 'none.db'}", f"sqlite:///{tmp_path / 'copy.db'}")
    assert result.code == 3
    assert "there is no store" in result.err
