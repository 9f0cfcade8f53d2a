"""The commands that write: demo, import and export."""

from __future__ import annotations

import csv
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

import otel_telemetry as ot
from otel_telemetry.cli import demo as example
from otel_telemetry.codec import from_json
from otel_telemetry.records import StepStatus, StepType
from otel_telemetry.semconv import ITEM_COUNT
from tests.otel_telemetry.cli.conftest import SECRET, shell


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo as a newcomer runs it, and the record that is then in the store."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = shell("demo", cwd=folder, env=environment)
    return done, ot.open_reader(f"sqlite:///{folder}/telemetry.db").last(), folder


def test_the_demo_shows_its_run_and_what_to_try_next(demo):
    done, record, _ = demo
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("inspect-environment 1  completed")
    assert record.execution_id in lines[0]
    assert done.stderr.splitlines()[-4:] == [
        "Read back from sqlite:///telemetry.db. Next:",
        "  otel-telemetry show last --full",
        "  otel-telemetry stats",
        "  otel-telemetry export csv runs.csv",
    ]


def test_what_the_demo_suggests_works(demo):
    done, _, folder = demo
    for suggestion in done.stderr.splitlines()[-3:]:
        _, *arguments = suggestion.split()
        assert shell(*arguments, cwd=folder).returncode == 0
    assert (folder / "runs.csv").exists()


def test_the_demo_records_everything_that_it_promises(demo):
    done, record, _ = demo
    steps = {(step.step_id, step.attempt): step for step in record.steps}
    assert steps["signatures", 1].status is StepStatus.SKIPPED
    assert "signed RECORD" in steps["signatures", 1].skip_reason
    assert steps["changes", 1].error.code == "not_found"
    assert steps["changes", 1].tool_calls[0].error.code == "not_found"
    assert steps["changes", 2].status is StepStatus.COMPLETED
    assert steps["remember", 1].step_type is StepType.TOOL
    assert len(steps["licences", 1].code_hash) == 64
    assert steps["discover", 1].span.attributes[ITEM_COUNT] >= record.outputs["installed"] > 3
    assert {call.tool_name for call in record.all_tool_calls()} == {
        "licence.classify",
        "metadata.read",
        "record.verify",
        "requirements.resolve",
        "snapshot.read",
        "snapshot.write",
    }
    classified = [call for call in record.all_tool_calls() if call.tool_name == "licence.classify"]
    assert all(call.params["api_key"].startswith("[REDACTED") for call in classified)
    assert record.inputs["api_key"].startswith("[REDACTED")
    assert record.outputs["integrity"]["files"] > 0
    assert "note:" not in done.stdout


def test_the_demo_looks_at_the_real_environment(demo):
    from importlib.metadata import distributions, version

    _, record, _ = demo
    assert record.outputs["installed"] == len({found.metadata["Name"] for found in distributions()})
    read = [call for call in record.all_tool_calls() if call.tool_name == "metadata.read"]
    assert all(call.result["version"] == version(call.params["name"]) for call in read)


def test_the_demo_as_json_is_the_record(run, tmp_path):
    result = run("demo", "--json", "--store", f"sqlite:///{tmp_path}/t.db")
    assert from_json(result.json) == ot.open_reader(f"sqlite:///{tmp_path}/t.db").last()
    assert not result.err


def test_the_demo_names_the_store_it_was_given(run, tmp_path):
    result = run("demo", "--store", f"sqlite:///{tmp_path}/my store.db")
    assert f"  otel-telemetry stats --store 'sqlite:///{tmp_path}/my store.db'" in result.err


def test_the_next_commands_can_be_typed_where_the_program_is_not_found_by_its_name(run, tmp_path, monkeypatch):
    here = tmp_path / "bin" / "otel-telemetry"
    here.parent.mkdir()
    here.write_text("")
    here.chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["bin/otel-telemetry", "demo"])
    assert "  bin/otel-telemetry stats\n" in run("demo").err
    monkeypatch.setenv("PATH", str(here.parent))
    assert "  otel-telemetry stats\n" in run("demo").err


def test_the_demo_runs_in_memory(run):
    done = run("demo", "--store", "memory://")
    assert done.code == 0
    assert "kept in a file" in done.err
    assert "show last" not in done.err


def test_the_demo_is_a_short_example():
    assert len(Path(example.__file__).read_text().splitlines()) < 200


def test_a_store_that_cannot_be_made_is_a_mistake(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("demo", "--store", f"sqlite:///{tmp_path}/file/t.db")
    assert result.code == 2
    assert not result.out


def test_changed_and_missing_files_are_found_out(tmp_path, monkeypatch):
    import base64
    import hashlib

    info = tmp_path / "sample-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sample\nVersion: 1\nLicense: MIT\nRequires-Dist: pip\n"
        "Requires-Dist: nothing-of-this-name\nRequires-Dist: other; extra == 'x'\n"
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    (tmp_path / "good.py").write_bytes(b"x = 1\n")
    (tmp_path / "bad.py").write_bytes(b"x = 2\n")
    (info / "RECORD").write_text("".join(f"{name}.py,sha256={digest},6\n" for name in ("good", "bad", "gone")))
    monkeypatch.syspath_prepend(tmp_path)
    verified = example.verify_record("sample", 10**6)
    assert verified == {"files": 2, "bytes": 12, "changed": 1, "unreadable": 1}
    assert example.verify_record("sample", 6)["files"] == 1
    assert example.read_metadata("sample") == {"version": "1", "licence": "MIT"}
    resolved = example.resolve_requirements("sample")
    assert resolved["nothing-of-this-name"] == "not installed"
    assert resolved.keys() == {"pip", "nothing-of-this-name"}


@pytest.mark.parametrize("form", ["json", "jsonl", "otlp", "otlp-proto"])
def test_what_was_exported_is_imported_with_nothing_lost(run, url, tmp_path, form):
    first, second, copy = tmp_path / "first", tmp_path / "second", f"sqlite:///{tmp_path}/copy.db"
    assert run("export", form, first, "--store", url).out == f"4 runs written to {first}.\n"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert run("import", first, "--store", copy).code == 0
    assert run("export", form, second, "--store", copy).code == 0
    assert second.read_bytes() == first.read_bytes()


def test_import_counts_spans_and_reads_stdin(run, url, tmp_path):
    content = run("export", "jsonl", "-", "--store", url).out.encode()
    copy = f"sqlite:///{tmp_path}/copy.db"
    result = run("import", "-", "--store", copy, stdin=content)
    assert result.out == f"11 spans imported into {copy}.\n"
    assert run("import", "-", "--json", "--store", copy, stdin=content).json == {"spans": 11}
    assert run("query", "--count", "--store", copy).out == "4\n"


def test_what_is_imported_is_redacted(run, url, tmp_path):
    content = run("export", "jsonl", "-", "--store", url).out.replace("[REDACTED:field]", SECRET).encode()
    assert SECRET.encode() in content
    run("import", "-", "--store", f"sqlite:///{tmp_path}/copy.db", stdin=content)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_damaged_file_is_refused_whole(run, tmp_path):
    (tmp_path / "bad.json").write_text('{"format": "otel-telemetry", "version": 1, "executions": [')
    result = run("import", tmp_path / "bad.json", "--store", f"sqlite:///{tmp_path}/copy.db")
    assert result.code == 2
    assert not result.out


def test_csv_is_one_row_a_run(run, url, tmp_path):
    target = tmp_path / "runs.csv"
    assert run("export", "csv", target, "--store", url).code == 0
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert [row["workflow_name"] for row in rows] == ["import", "mail.send", "invoice", "greet"]
    assert (tmp_path / "runs.steps.csv").exists()


def test_export_takes_filters_and_says_what_it_wrote(run, url, tmp_path):
    target = tmp_path / "failed.jsonl"
    assert run("export", "jsonl", target, "--failed", "--json", "--store", url).json == {
        "runs": 1,
        "target": str(target),
    }
    assert json.loads(target.read_text())["workflow_name"] == "invoice"


def test_export_of_nothing_writes_nothing(run, url, tmp_path):
    result = run("export", "json", tmp_path / "x.json", "--workflow", "nope", "--store", url)
    assert (result.code, result.out) == (1, "")
    assert not (tmp_path / "x.json").exists()


def test_export_replaces_a_file_only_when_asked_to(run, url, tmp_path):
    target = tmp_path / "x.json"
    target.write_text("mine")
    assert run("export", "json", target, "--store", url).code == 2
    assert target.read_text() == "mine"
    assert run("export", "json", target, "--overwrite", "--store", url).code == 0
    assert target.read_text() != "mine"


def test_a_format_that_cannot_be_sent_is_refused(run, url):
    result = run("export", "csv", "http://127.0.0.1:1", "--store", url)
    assert result.code == 2
    assert "otlp" in result.err


def test_the_progress_bar_is_for_terminals_only(run, url, tmp_path):
    assert run("export", "json", tmp_path / "x.json", "--store", url).err == ""


def test_the_demo_says_what_it_is_doing_when_it_takes_long(run, tmp_path, monkeypatch):
    from otel_telemetry.cli import recording

    monkeypatch.setattr(recording, "_UNDER_WAY_S", 0.0)
    real = example.run

    def slowly() -> None:
        deadline = time.monotonic() + 30
        while "timer fired" not in fired and time.monotonic() < deadline:
            time.sleep(0.001)
        real()

    fired: list[str] = []
    remark = recording.Output.remark
    monkeypatch.setattr(recording.Output, "remark", lambda out, text: (remark(out, text), fired.append("timer fired")))
    monkeypatch.setattr(example, "run", slowly)
    assert run("demo", "--store", f"sqlite:///{tmp_path}/t.db").err.startswith("Inspecting this Python environment")
