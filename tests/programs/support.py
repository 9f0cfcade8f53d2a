"""Starting the programs, and what must hold of every store that they leave."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import otel_telemetry as ot

ROOT = Path(__file__).parents[2]
FORMATS = ("jsonl", "otlp")


class Place:
    """Where one program records: a store, and the list of the spans that its frameworks ended."""

    def __init__(self, folder: Path, name: str = "runs") -> None:
        self.file = folder / f"{name}.db"
        self.url = f"sqlite:///{self.file}"
        self.listed = folder / f"{name}-listed"
        self.arguments = (self.url, str(self.listed))


def command(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", f"tests.programs.{program}", *arguments]


def run(program: str, *arguments: str) -> str:
    """Run a program to its end, and return what it printed."""
    done = subprocess.run(
        command(program, *arguments), stdin=-3, capture_output=True, text=True, cwd=ROOT, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def running(program: str, *arguments: str) -> Iterator[str]:
    """Start a program that ends when its input does; give the line that it prints once it is ready."""
    with subprocess.Popen(command(program, *arguments), stdin=-1, stdout=-1, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.communicate(timeout=60)
            assert process.returncode == 0
        finally:
            process.kill()


def spans(record: ot.ExecutionRecord) -> list[ot.SpanInfo]:
    """Every span of a record, wherever it stands in it; once what is both the execution and its only call."""
    parts = (record, *record.steps, *record.all_tool_calls(), *record.spans)
    return [part.span for part in parts if part.span is not None and (part is record or part.span != record.span)]


def names(record: ot.ExecutionRecord, kind: str) -> Counter[str]:
    """How often a span of each name is in a record, of those of one OpenTelemetry kind."""
    return Counter(span.name for span in spans(record) if span.kind == kind)


def own_steps(record: ot.ExecutionRecord) -> list[ot.StepRecord]:
    """The steps that were recorded by our decorators."""
    return [step for step in record.steps if step.span is not None and not step.span.foreign]


def calls(record: ot.ExecutionRecord) -> list[tuple[str, object, object]]:
    """The tool calls of a record, in the order in which they began."""
    in_order = sorted(record.all_tool_calls(), key=lambda call: (call.started_at, call.sequence or 0))
    return [(call.tool_name, call.params, call.result) for call in in_order]


def assert_one_tree(record: ot.ExecutionRecord) -> None:
    """One trace, whose only root is the execution's own span."""
    assert record.span is not None
    assert not record.rootless
    ids = {span.span_id for span in spans(record)}
    assert {span.trace_id for span in spans(record)} == {record.span.trace_id}
    assert [span for span in spans(record) if span.parent_span_id not in ids] == [record.span]
    assert record.span.parent_span_id is None


def assert_trace_is_execution(record: ot.ExecutionRecord) -> None:
    """A trace in which no execution of ours began: its id is the execution's."""
    assert_one_tree(record)
    assert record.span is not None
    assert record.execution_id == record.span.trace_id


def records_of(*places: Place, stored_in: Path | None = None) -> list[ot.ExecutionRecord]:
    """Check a store, and return its records, the earliest first.

    Args:
        places: where the programs recorded, whose lists say what must be in the store.
        stored_in: the file of the store, if it is not that of the only place.
    """
    file = stored_in or places[0].file
    with ot.configure(store=f"sqlite:///{file}") as telemetry:
        store = telemetry.store
        records = sorted(store.iterate(), key=lambda record: (record.started_at, record.execution_id))
        _same_answer_everywhere(store, records)
        _filters_agree(store, records)
        _exports_come_back(telemetry)
    _each_span_once(file, records, places)
    problems = [
        problem
        for record in records
        for part in (record, *record.steps, *record.all_tool_calls(), *record.spans)
        for problem in part.problems
    ]
    assert not [problem for problem in problems if "is not there" in problem]
    return records


def _same_answer_everywhere(store: ot.TelemetryStore, records: list[ot.ExecutionRecord]) -> None:
    ids = [record.execution_id for record in records]
    assert len(set(ids)) == len(ids)
    assert store.count() == len(ids)
    page = store.query(limit=500)
    assert [store.get(record.execution_id) for record in page] == list(page)
    assert sorted(page, key=lambda record: (record.started_at, record.execution_id)) == records
    summaries = store.query(limit=500, payloads=False)
    assert [summary.execution_id for summary in summaries] == [record.execution_id for record in page]
    assert [summary.status for summary in summaries] == [record.status for record in page]
    assert [summary.workflow_name for summary in summaries] == [record.workflow_name for record in page]


def _filters_agree(store: ot.TelemetryStore, records: list[ot.ExecutionRecord]) -> None:
    counted = Counter(call.tool_name for record in records for call in record.all_tool_calls())
    assert {tool.name: tool.n for tool in store.stats()} == counted
    for tool in counted:
        having = {r.execution_id for r in records if tool in {call.tool_name for call in r.all_tool_calls()}}
        assert {record.execution_id for record in store.iterate(tool_name=tool)} == having
        assert store.count(tool_name=tool) == len(having)
    for status, number in Counter(record.status for record in records).items():
        assert store.count(status=status) == number
    for name, number in Counter(record.workflow_name for record in records if record.workflow_name).items():
        assert store.count(workflow_name=name) == number


def _exports_come_back(telemetry: ot.Telemetry) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            first, second = Path(folder, f"1.{form}"), Path(folder, f"2.{form}")
            telemetry.store.export(form, first)
            with ot.configure(store="memory://") as other:
                other.store.import_(first)
                other.store.export(form, second)
            assert first.read_bytes() == second.read_bytes(), form


def _each_span_once(file: Path, records: list[ot.ExecutionRecord], places: tuple[Place, ...]) -> None:
    read = Counter((span.trace_id, span.span_id) for record in records for span in spans(record))
    assert [span for span, times in read.items() if times > 1] == []
    with closing(sqlite3.connect(file)) as connection:
        stored = {row for (row,) in connection.execute("SELECT span_id FROM spans")}
    assert {int(span_id, 16) for _, span_id in read} == {span_id % 2**64 for span_id in stored}
    lists = [path.read_text(encoding="utf-8") for place in places for path in place.listed.iterdir()]
    listed = [line.split(" ", 2) for text in lists for line in text.splitlines()]
    assert [name for trace_id, span_id, name in listed if (trace_id, span_id) not in read] == []
