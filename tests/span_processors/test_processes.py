"""Forks and exits, in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.span_processors.file_sink import names_in

ROOT = Path(__file__).parents[2]

PREAMBLE = """
import os, signal, sys, threading, time
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from span_processors import IdGenerator, RedactingSpanProcessor, RetryableError
from tests.span_processors.file_sink import FileSink

def record(name):
    tracer.start_span(name).end()

def start(sink):
    global processor, tracer
    processor = RedactingSpanProcessor([sink])
    provider = TracerProvider(id_generator=IdGenerator(), resource=Resource({}))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
"""


def script(tmp_path: Path, body: str) -> list[str]:
    file = tmp_path / "program.py"
    file.write_text(PREAMBLE + body)
    # Python warns of forks in programs with threads; that they work is what is tested here
    return [sys.executable, "-W", "ignore::DeprecationWarning", str(file), str(tmp_path / "rows")]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(tmp_path: Path, body: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    done = subprocess.run(script(tmp_path, body), env=environment(), capture_output=True, text=True, timeout=100)
    return done, names_in(tmp_path / "rows")


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit(3)", 3), ("raise ValueError", 1), ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT)],
)
def test_what_waits_is_written_at_exit_and_the_exit_code_stays(tmp_path: Path, end: str, code: int) -> None:
    done, names = run(tmp_path, f"start(FileSink(sys.argv[1]))\nrecord('span')\n{end}")
    assert names == ["span", "closed"]
    assert done.returncode == code
    assert "span_processors" not in done.stderr


@pytest.mark.parametrize(
    "write",
    ["time.sleep(1000)", "raise RetryableError", "raise ValueError", "raise SystemExit(9)", "os.kill(os.getpid(), 0)"],
)
@pytest.mark.promise("P11")
def test_no_sink_keeps_a_program_from_its_end_nor_changes_its_exit_code(tmp_path: Path, write: str) -> None:
    body = f"""
class Sink(FileSink):
    def write(self, rows):
        {write}

start(Sink(sys.argv[1]))
record("span")
sys.exit(3)
"""
    done, _ = run(tmp_path, body)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_spans_recorded_while_the_interpreter_exits_are_written(tmp_path: Path) -> None:
    body = """
import atexit
start(FileSink(sys.argv[1]))
atexit.register(record, "at exit")
"""
    _, names = run(tmp_path, body)
    assert names == ["at exit", "closed"]


def test_a_forked_child_writes_its_own_spans_only(tmp_path: Path) -> None:
    body = """
gate = threading.Event()
class Sink(FileSink):
    def write(self, rows):
        assert gate.wait(60)
        super().write(rows)

start(Sink(sys.argv[1]))
inherited = tracer.start_span("inherited")
record("parent's, waiting while it forks")
pid = os.fork()
gate.set()
if not pid:
    inherited.end()
    record("child's")
    health = processor.health().sinks[0]
    assert health.accepted == 2 and health.dropped == {"inherited": 1}, health
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
inherited.end()
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert Counter(names) == Counter({"parent's, waiting while it forks": 1, "inherited": 1, "child's": 1, "closed": 2})


def test_a_child_that_records_nothing_touches_no_sink(tmp_path: Path) -> None:
    body = """
start(FileSink(sys.argv[1]))
record("parent's")
pid = os.fork()
if not pid:
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert names == ["parent's", "closed"]


def test_a_sink_that_fails_at_the_fork_breaks_nothing(tmp_path: Path) -> None:
    body = """
class Sink(FileSink):
    def after_fork_in_child(self):
        raise BaseException

start(Sink(sys.argv[1]))
processor.add_sink(FileSink(sys.argv[1]))
record("parent's")
pid = os.fork()
if not pid:
    record("child's")
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert Counter(names) == Counter({"parent's": 2, "child's": 2, "closed": 4})


def test_after_a_shutdown_a_child_remains_shut_down(tmp_path: Path) -> None:
    body = """
start(FileSink(sys.argv[1]))
processor.shutdown()
pid = os.fork()
if not pid:
    record("too late")
    assert processor.health().sinks[0].dropped == {"shutdown": 1}
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert names == ["closed"]


def test_forks_while_threads_record_lose_and_repeat_nothing(tmp_path: Path) -> None:
    body = """
start(FileSink(sys.argv[1]))
stop = threading.Event()
counts = [0] * 4

def hammer(number):
    while not stop.is_set():
        record("parent's")
        counts[number] += 1

threads = [threading.Thread(target=hammer, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
children = []
for _ in range(30):
    pid = os.fork()
    if not pid:
        for _ in range(3):
            record("child's")
        processor.shutdown(timeout_s=60)
        os._exit(processor.health().sinks[0].stored)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
stop.set()
for thread in threads:
    thread.join()
assert codes == [3] * 30, codes
processor.shutdown(timeout_s=60)
health = processor.health().sinks[0]
assert health.stored == health.accepted == sum(counts), health
print(sum(counts))
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert Counter(names) == Counter({"parent's": int(done.stdout), "child's": 90, "closed": 31})


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_need_no_flush(tmp_path: Path, method: str) -> None:
    body = f"""
import multiprocessing

def work(path):
    if "tracer" not in globals():
        start(FileSink(path))
    record("child's")

if __name__ == "__main__":
    start(FileSink(sys.argv[1]))
    record("parent's")
    context = multiprocessing.get_context({method!r})
    for _ in range(3):
        child = context.Process(target=work, args=(sys.argv[1],))
        child.start()
        child.join()
        assert child.exitcode == 0
"""
    done, names = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    assert Counter(names) == Counter({"parent's": 1, "child's": 3, "closed": 4})


def test_a_kill_leaves_what_was_flushed(tmp_path: Path) -> None:
    body = """
start(FileSink(sys.argv[1]))
record("flushed")
assert processor.force_flush()
signal.raise_signal(signal.SIGKILL)
"""
    done, names = run(tmp_path, body)
    assert done.returncode == -signal.SIGKILL
    assert names == ["flushed"]
