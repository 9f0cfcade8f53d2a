from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

import otel_telemetry as ot
from otel_telemetry.cli.watch import Watcher
from tests.otel_telemetry.cli.conftest import die_in_the_middle, fetch

FAR = 2**62  # later than anything recorded


@pytest.fixture
def telemetry(tmp_path):
    with ot.configure(store=f"sqlite:///{tmp_path}/t.db") as telemetry:
        yield telemetry


def told(watcher, now_ns=0):
    return [
        (event.what, event.run.workflow_name, getattr(event.part, "step_id", None)) for event in watcher.events(now_ns)
    ]


def test_a_watcher_tells_of_each_start_and_end_once(telemetry):
    watcher = Watcher(telemetry.store.reader, 0, {})
    assert told(watcher) == []
    with telemetry.execution("w") as run:
        run.step("a").complete()
        with run.step("b") as step:
            telemetry.flush()
            assert told(watcher) == [
                ("started", "w", None),
                ("started", "w", "a"),
                ("completed", "w", "a"),
                ("started", "w", "b"),
            ]
            assert told(watcher) == []
            step.fail("no")
        run.step("b").complete()
        run.step("c").skip("not today")
    telemetry.flush()
    assert told(watcher) == [
        ("failed", "w", "b"),
        ("started", "w", "b"),
        ("completed", "w", "b"),
        ("skipped", "w", "c"),
        ("completed", "w", None),
    ]
    assert told(watcher) == []


def test_a_watcher_begins_with_what_is_open_and_what_is_recent(telemetry):
    with telemetry.execution("old"):
        pass
    with telemetry.execution("open") as run, run.step("s"):
        reader = telemetry.store.reader
        assert told(Watcher(reader, FAR, {})) == [("started", "open", None), ("started", "open", "s")]
        recent = told(Watcher(reader, 0, {}))
        assert recent[:2] == [("started", "old", None), ("completed", "old", None)]
        assert told(Watcher(reader, 0, {"workflow_name": "old"})) == recent[:2]


def test_a_watcher_tells_when_a_run_is_interrupted(tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    die_in_the_middle(url)
    assert told(Watcher(ot.open_reader(url), 0, {}), now_ns=FAR) == [
        ("started", "import", None),
        ("started", "import", "load"),
        ("interrupted", "import", None),
        ("interrupted", "import", "load"),
    ]


def test_a_watcher_forgets_what_ended_long_ago(telemetry):
    watcher = Watcher(telemetry.store.reader, 0, {})
    for _ in range(3):
        with telemetry.execution("w"):
            pass
    telemetry.flush()
    assert len(told(watcher)) == 6
    told(watcher, FAR)
    assert not watcher._ended
    assert not watcher._told
    assert not watcher._open


def test_once_tells_what_is_known_and_stops(run, url):
    result = run("tail", "--once", "--since", "1h", "--store", url)
    assert result.code == 0
    assert next(line.split()[2:5] for line in result.lines if "import" in line) == ["started", "import", "1"]
    failed = next(line for line in result.lines if " > fetch" in line and "failed" in line)
    assert failed.endswith("fetch: RuntimeError: order not fetched")
    assert run("tail", "--once", "--since", "1h", "--workflow", "greet", "--store", url).lines == [
        line for line in result.lines if "greet" in line
    ]


def test_once_says_when_there_is_nothing(run, url):
    result = run("tail", "--once", "--store", url)
    assert (result.code, result.out) == (1, "")


def test_events_as_json_lines(run, url):
    result = run("tail", "--once", "--since", "1h", "--json", "--store", url)
    events = [json.loads(line) for line in result.lines]
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    (failed,) = (event for event in events if event["event"] == "failed" and event["step_id"])
    assert (failed["workflow_name"], failed["step_id"], failed["attempt"]) == ("invoice", "fetch", 1)
    assert failed["error"]["message"] == "order not fetched"
    assert failed["duration_ms"] > 0
    assert all(event["duration_ms"] is None for event in events if event["event"] == "started")


def test_it_follows_another_process_and_ends_well_with_ctrl_c(telemetry, tmp_path):
    with telemetry.execution("w") as run:
        telemetry.flush()
        command = [sys.executable, "-c", "from otel_telemetry.cli import main; main()", "tail", "--json"]
        tail = subprocess.Popen(
            [*command, "--store", f"sqlite:///{tmp_path}/t.db"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert json.loads(tail.stdout.readline())["event"] == "started"
            with run.step("s"):
                telemetry.flush()
                seen = json.loads(tail.stdout.readline())
                assert (seen["event"], seen["step_id"]) == ("started", "s")
            telemetry.flush()
            assert json.loads(tail.stdout.readline())["event"] == "completed"
            tail.send_signal(signal.SIGINT)
            assert tail.wait(30) == 0
            assert tail.stderr.read() == ""
        finally:
            tail.kill()
            tail.communicate()


def test_fetch_is_a_step_outside_any_workflow_too(telemetry):
    with pytest.raises(RuntimeError):
        fetch(1)
    telemetry.flush()
    assert ("failed", "fetch", "fetch") in told(Watcher(telemetry.store.reader, 0, {}))
