"""Processes that are killed at any moment lose nothing that was acknowledged, and leave a record of what they began."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

import otel_telemetry as ot

ROOT = Path(__file__).parents[2]

# One process imports everything, and forks a fresh recorder for each round: a start costs milliseconds.
ROUNDS = """
    import os, signal, sys, time
    from random import Random
    import otel_telemetry as ot
    import otel_telemetry.stores.sqlite.exporter, psycopg, otel_telemetry.stores.postgres.exporter

    WAITS = (0.02, 0.1, 0.3) if sys.argv[1].startswith("sqlite") else (0.1, 0.5, 1.0)  # it takes longer to connect
    url, rounds, random = sys.argv[1], int(sys.argv[2]), Random(int(sys.argv[3]))

    def record(number, say):
        telemetry = ot.configure(store=url)
        with telemetry.execution("open", execution_id=f"open-{number}") as run, run.step("waits"):
            assert telemetry.flush(30)
            os.write(say, f"announced open-{number}\\n".encode())
            count = 0
            while True:
                ids = []
                for _ in range(Random(count).randrange(1, 12)):
                    ids.append(f"{number}-{count}")
                    count += 1
                    with telemetry.execution("short", execution_id=ids[-1]) as run, run.step("s") as step:
                        with step.tool_call("t", params={"n": count}) as call:
                            call.result = count
                if telemetry.flush(30):
                    os.write(say, "".join(f"stored {id}\\n" for id in ids).encode())

    for number in range(rounds):
        hear, say = os.pipe()
        if not (child := os.fork()):
            try:
                record(number, say)
            except BaseException as error:
                os.write(2, f"{error!r}\\n".encode())
            finally:
                os._exit(1)
        os.close(say)
        with os.fdopen(hear) as heard:
            while number == 0 and (line := heard.readline()):
                sys.stdout.write(line)
                if line.startswith("stored"):
                    break  # the first one lives long enough to store something
            time.sleep(random.choice(WAITS) * random.random())
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            sys.stdout.write(heard.read())
"""


def program(text: str, *arguments: object, timeout_s: float = 110) -> str:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(text), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@pytest.fixture
def url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if backend == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/store.db"


MANY = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("backend", "rounds"),
    [
        ("sqlite", 25),
        ("postgresql", 5),
        pytest.param("sqlite", 500, marks=MANY),
        pytest.param("postgresql", 100, marks=MANY),
    ],
)
@pytest.mark.fault("SIGKILL at any moment", "0 acknowledged lost, the rest visible as interrupted")
@pytest.mark.promise("P6")
def test_kills_at_random_moments(url: str, backend: str, rounds: int, tmp_path: Path, observed) -> None:
    said = program(ROUNDS, url, rounds, Random().randrange(2**32), timeout_s=rounds * 2 + 60).split("\n")
    stored = {line.removeprefix("stored ") for line in said if line.startswith("stored ")}
    announced = {line.removeprefix("announced ") for line in said if line.startswith("announced ")}
    assert stored
    assert announced
    with ot.open_reader(url) as reader:
        found = {record.execution_id: record for record in reader.iterate()}
    assert stored <= found.keys()
    assert all(found[key].status is ot.ExecutionStatus.COMPLETED and found[key].steps for key in stored)
    assert announced <= found.keys()
    assert all(found[key].interrupted and found[key].steps[0].step_id == "waits" for key in announced)
    # whatever else was seen to begin has ended or is known to have been cut off
    assert all(record.interrupted or record.status is ot.ExecutionStatus.COMPLETED for record in found.values())
    if backend == "sqlite":
        assert not list(tmp_path.glob("*.corrupt-*"))
        with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    observed(f"{rounds} kills: 0 of {len(stored):,} acknowledged lost, {len(announced)} open ones shown as interrupted")


STAGES = """
    import os, signal, sys
    import otel_telemetry as ot
    telemetry = ot.configure(store=sys.argv[1])

    def reached(stage):
        if stage == sys.argv[2]:
            assert telemetry.flush(30)
            print(stage, flush=True)
            if os.fork() == 0:  # a child that lives on is not the process that recorded
                os.read(0, 1)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)

    with telemetry.execution("w", execution_id="e", inputs={"order": 7}) as run:
        reached("start")
        with run.step("s") as step:
            reached("step")
            with step.tool_call("t", params={"n": 1}) as call:
                reached("tool")
                call.result = 1
    reached("end")
"""


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
@pytest.mark.parametrize("stage", ["start", "step", "tool", "end"])
@pytest.mark.fault("SIGKILL at start, step, tool, end", "what was begun is there, and interrupted unless it ended")
@pytest.mark.promise("P8")
def test_a_kill_at_each_stage_leaves_a_record(url: str, stage: str, observed) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(STAGES), url, stage]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.wait(60) == -9
        assert process.stdin is not None
        with ot.open_reader(url) as reader:
            record = reader.get("e")
            again = reader.get("e")
        process.stdin.close()
    assert record == again
    assert record is not None
    assert record.inputs == {"order": 7}
    assert record.interrupted == (stage != "end")
    calls = [call for step in record.steps for call in step.tool_calls]
    expected = {
        "start": (ot.ExecutionStatus.RUNNING, 0, 0),
        "step": (ot.ExecutionStatus.RUNNING, 1, 0),
        "tool": (ot.ExecutionStatus.RUNNING, 1, 1),
        "end": (ot.ExecutionStatus.COMPLETED, 1, 1),
    }
    assert (record.status, len(record.steps), len(calls)) == expected[stage]
    if stage in {"step", "tool"}:
        assert record.steps[0].status is ot.StepStatus.RUNNING
    observed(
        f"{stage}: {'completed' if stage == 'end' else 'interrupted'}, {len(record.steps)} step, {len(calls)} call"
    )
