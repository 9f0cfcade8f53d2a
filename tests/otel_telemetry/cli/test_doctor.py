from __future__ import annotations

import base64
import json
import os
import secrets
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otel_telemetry as ot
from otel_telemetry.cli import find
from otel_telemetry.stores.sqlite.checkpoint import is_affected
from span_processors.redaction import fast
from tests.otel_telemetry.cli.conftest import SECRET

CANARY = secrets.token_hex(10) + "-é"


def facts(result):
    return {(finding["area"], finding["name"]): finding for finding in result.json}


def test_a_sound_store_is_found_sound(run, url):
    result = run("doctor", "--json", "--store", url)
    assert result.code == 0
    found = facts(result)
    assert found["configuration", "store"]["value"] == f"{url} (--store)"
    assert found["store", "readable"] == {"area": "store", "name": "readable", "value": "4 runs", "good": True}
    assert found["store", "writable"]["good"] is True
    assert found["store", "schema version"]["value"] == "2.0"
    assert found["store", "interrupted"]["value"] == "1 runs"
    assert found["store", "running"]["value"] == "0 runs"
    assert found["processes", "gone without closing"]["value"] == "1"
    assert {name for area, name in found if area == "versions"} >= {"python", "sqlite", "sqlalchemy", "google-re2"}


def test_the_report_as_text(run, url):
    result = run("doctor", "--store", url)
    assert any(line.split() == ["store", "readable", "4", "runs"] for line in result.lines)


def test_it_says_whether_recording_is_compiled(run, url):
    built = "plain Python" if fast.__file__.endswith(".py") else "compiled"
    assert facts(run("doctor", "--json", "--store", url))["versions", "recording"]["value"] == built


def test_it_says_where_settings_come_from(run, url, monkeypatch):
    monkeypatch.setenv("OTEL_TELEMETRY_STORE", url)
    monkeypatch.setenv("OTEL_TELEMETRY_QUEUE_SIZE", "1MiB")
    password = secrets.token_hex()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://ann:{password}@collector:4318/?key={password}")
    result = run("doctor", "--json")
    found = facts(result)
    assert found["configuration", "store"]["value"] == f"{url} (environment variable OTEL_TELEMETRY_STORE)"
    assert found["configuration", "queue_size"]["value"] == "1048576 (environment variable OTEL_TELEMETRY_QUEUE_SIZE)"
    assert found["configuration", "otlp"]["value"].startswith("http://ann@collector:4318/ (")
    assert password not in result.out + result.err


def test_it_sees_who_records(run, tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url) as telemetry, telemetry.execution("w"):
        telemetry.flush()
        found = facts(run("doctor", "--json", "--store", url))
        assert found["store", "running"]["value"] == "1 runs"
        (process,) = (name for area, name in found if area == "processes" and f"pid {os.getpid()}" in name)
        assert found["processes", process]["value"].startswith("recording, last heartbeat ")


def test_it_leaves_the_store_as_it_is(run, tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url) as telemetry, telemetry.execution("w"):
        pass
    before = run("export", "json", "-", "--store", url).out
    run("doctor", "--store", url)
    assert run("export", "json", "-", "--store", url).out == before
    assert facts(run("doctor", "--json", "--store", url))["processes", "gone without closing"]["value"] == "0"


def test_a_store_that_cannot_be_reached_is_reported_with_the_rest(run, tmp_path):
    result = run("doctor", "--json", "--store", f"sqlite:///{tmp_path}/none.db")
    assert result.code == 3
    assert facts(result)["store", "readable"]["good"] is False
    assert ("versions", "python") in facts(result)


def test_a_store_that_cannot_be_written_is_a_finding(run, tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url) as telemetry, telemetry.execution("w"):
        pass
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "t.db")
    result = run("doctor", "--json", "--store", f"sqlite:///{link}")
    assert result.code == 1
    assert facts(result)["store", "readable"]["good"] is True
    assert facts(result)["store", "writable"]["good"] is False


@pytest.fixture
def leaky(tmp_path):
    """A store with the canary in a run, in pages that were freed, and percent-encoded."""
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url, allow_fields=["note"]) as telemetry:
        with telemetry.execution("plain", inputs={"note": f"the {CANARY} sings"}):
            pass
        with telemetry.execution("encoded", inputs={"note": f"x{quote(CANARY, safe='')}"}):
            pass
    return url


def test_a_value_is_found_in_runs_and_in_bytes(run, leaky):
    result = run("doctor", "--find", "--json", "--store", leaky, stdin=CANARY.encode() + b"\n")
    assert result.code == 1
    ids = {record.execution_id for record in ot.open_reader(leaky).query()}
    assert {found["place"] for found in result.json if found["offset"] is None} == ids
    path = leaky.removeprefix("sqlite:///")
    offsets = [found for found in result.json if found["offset"] is not None]
    assert offsets
    for found in offsets:
        at = found["offset"]
        assert Path(found["place"]).read_bytes()[at : at + 20] == CANARY[:20].encode()
    assert {found["place"] for found in offsets} <= {path, path + "-wal"}


def test_bytes_of_what_was_deleted_are_found(run, leaky):
    path = leaky.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM spans")
    connection.close()
    result = run("doctor", "--find", "--json", "--store", leaky, stdin=CANARY.encode())
    assert result.code == 1
    assert all(found["offset"] is not None for found in result.json)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_value_is_never_shown(run, leaky, form):
    result = run("doctor", "--find", *form, "--store", leaky, stdin=CANARY.encode())
    assert CANARY not in result.out + result.err


def test_the_value_may_come_from_the_environment(run, leaky, monkeypatch):
    monkeypatch.setenv("THE_VALUE", CANARY)
    assert run("doctor", "--find-env", "THE_VALUE", "--store", leaky).code == 1
    monkeypatch.setenv("THE_VALUE", CANARY[::-1])
    result = run("doctor", "--find-env", "THE_VALUE", "--store", leaky)
    assert (result.code, result.out) == (0, "Found nowhere.\n")


def test_what_was_redacted_is_found_nowhere(run, url):
    assert run("doctor", "--find", "--store", url, stdin=SECRET.encode()).code == 0


@pytest.mark.parametrize("value", [b"", b"abc", b"\n"])
def test_a_value_that_stands_anywhere_by_chance_is_refused(run, url, value):
    assert run("doctor", "--find", "--store", url, stdin=value).code == 2


def test_a_missing_variable_is_refused(run, url):
    assert run("doctor", "--find-env", "NO_SUCH_VARIABLE", "--store", url).code == 2


values = st.text(st.characters(exclude_categories=["Cs"]), min_size=find.MIN_CHARACTERS, max_size=40)
around = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)


def holds(value: str, content: bytes) -> bool:
    return any(form in content for form in find.forms(value))


@given(values, around, around)
def test_every_form_is_recognised_wherever_it_stands(value, before, after):
    raw = value.encode()
    assert holds(value, before.encode() + raw + after.encode())
    assert holds(value, json.dumps(before + value + after).encode())
    assert holds(value, json.dumps(json.dumps(before + value + after)).encode())
    assert holds(value, quote(before + value + after, safe="").encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert holds(value, encode(before.encode() + raw + after.encode()))


@given(values)
def test_no_form_is_so_short_that_it_is_found_by_chance(value):
    assert all(len(form) >= find.MIN_CHARACTERS for form in find.forms(value))


def test_a_value_across_the_border_of_two_chunks_is_found_once(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "_CHUNK_BYTES", 64)
    for at in range(40, 90):
        path = tmp_path / "file"
        path.write_bytes(b"." * at + CANARY.encode() + b"." * 100)
        wanted = {CANARY.encode(): "raw", b"unrelated but much longer than the value": "other"}
        assert list(find.in_file(path, wanted)) == [find.Find(str(path), at, "raw")]


def test_it_looks_at_the_file(run, tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url) as telemetry, telemetry.execution("w"):
        pass
    found = facts(run("doctor", "--json", "--store", url))
    assert found["store", "file"]["good"] is True
    assert found["store", "journal"]["value"] == "wal"
    assert (found["store", "mode"]["value"], found["store", "mode"]["good"]) == ("0600", True)
    (tmp_path / "t.db").chmod(0o644)
    (tmp_path / "t.db.corrupt-20260101T000000Z").touch()
    (tmp_path / "t.db.corrupt-20260101T000000Z-wal").touch()
    result = run("doctor", "--json", "--store", url)
    assert result.code == 1
    found = facts(result)
    assert found["store", "mode"]["good"] is False
    assert found["store", "set aside"]["value"].startswith(f"{tmp_path}/t.db.corrupt-20260101T000000Z (")


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 0), False),
    ],
)
def test_it_knows_which_versions_of_sqlite_have_the_fault(version, affected):
    assert is_affected(version) is affected


def test_a_damaged_store_is_rescued(run, tmp_path):
    path = tmp_path / "t.db"
    with ot.configure(store=f"sqlite:///{path}") as telemetry, telemetry.execution("w", execution_id="e"):
        pass
    content = path.read_bytes()
    path.write_bytes(bytes(100) + content[100:])
    assert run("list", "--store", f"sqlite:///{path}").code == 3
    result = run("doctor", "--salvage", str(path))
    assert (result.code, result.out) == (0, f"1 spans are in {path}.salvaged.db; 0 could not be read.\n")
    assert run("doctor", "--salvage", str(path)).code == 2  # it is there now
    again = run("doctor", "--salvage", str(path), "--into", str(tmp_path / "new.db"), "--json")
    assert again.json == {"spans": 1, "unreadable": 0, "into": f"{tmp_path}/new.db"}
    assert "e" in run("list", "--store", f"sqlite:///{tmp_path}/new.db", "--json").out
    assert run("doctor", "--into", "x.db").code == 2
