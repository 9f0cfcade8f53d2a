"""What is given wrongly: refused in words that say what to do, or recorded in one normal form, hurting no neighbour."""

from __future__ import annotations

import io
import json
import math
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import otel_telemetry as ot
from otel_telemetry.cli import main

BACKENDS = ("memory", "sqlite", "postgresql")
MB = 1_000_000


@pytest.fixture(scope="module", params=BACKENDS)
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('bad')}/telemetry.db"
    return request.getfixturevalue("shared_postgres_url")


@pytest.fixture(scope="module")
def telemetry(store_url: str) -> Iterator[ot.Telemetry]:
    with ot.configure(store=store_url) as telemetry:
        yield telemetry


@pytest.fixture(scope="module")
def strict() -> Iterator[ot.Telemetry]:
    with ot.configure(store="memory://", strict=True) as telemetry:
        yield telemetry


@pytest.fixture(scope="module")
def black_hole() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


# configuration

CONFIGURATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown scheme": ({"store": "sqlit:///x.db"}, "did you mean 'sqlite'.*Valid: memory"),
    "no URL": ({"store": "telemetry.db"}, "sqlite:///telemetry.db"),
    "no file": ({"store": "sqlite://"}, "write sqlite:///telemetry.db"),
    "a folder": ({"store": "sqlite:////"}, "is not a file: name one|names no SQLite file"),
    "a named memory": ({"store": "memory://mine"}, "write memory://"),
    "a port that is none": ({"store": "postgresql://host:port/db"}, "write postgresql://user:password@host:5432"),
    "no text": ({"store": 3}, "'store': needs text"),
    "unknown setting": ({"stroe": "memory://"}, "did you mean 'store'"),
    "unknown policy": ({"overflow": "bloc"}, "did you mean 'block'"),
    "no number": ({"max_result_size": "many"}, "a whole number such as"),
    "negative": ({"max_result_size": -1}, "must not be negative"),
    "not a number": ({"block_timeout_ms": math.nan}, "a whole number such as"),
    "no truth value": ({"strict": "perhaps"}, "true or false"),
    "no regular expression": ({"sensitive_field_patterns": ("(",)}, r"'\(' is not a regular expression"),
    "unknown exporter": ({"exporters": ("otpl",)}, "give 'otlp'"),
    "an exporter that is none": ({"exporters": (3,)}, "give 'otlp'"),
    "exporters that are none": ({"exporters": "otlp"}, r"\('otlp',\)"),
    "errors that are no registry": ({"errors": {"ValueError": "input"}}, "an object of ErrorRegistry"),
    "redaction that is none": ({"redaction": True}, "an object of RedactionSettings"),
}


@pytest.mark.parametrize(("keywords", "words"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_configuration_that_cannot_work_is_refused(keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(ot.ConfigurationError, match=words):
        ot.configure(**{"store": "memory://", **keywords})


def test_a_pattern_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\[' is not a regular expression"):
        ot.RedactionSettings(sensitive_field_patterns=("[",))


@pytest.mark.parametrize("where", ["closed_port", "black_hole"])
def test_a_database_that_cannot_be_reached(where: str, request: pytest.FixtureRequest) -> None:
    url = f"postgresql://me:hidden@127.0.0.1:{request.getfixturevalue(where)}/db?connect_timeout=2"
    with pytest.raises(ot.StoreUnavailableError, match=r"cannot be reached.*check that") as caught:
        ot.open_reader(url)
    assert "hidden" not in str(caught.value)


def test_recording_without_its_database_holds_nobody_up(closed_port: int) -> None:
    telemetry = ot.configure(store=f"postgresql://127.0.0.1:{closed_port}/db")
    assert telemetry.workflow("w")(lambda: 7)() == 7
    assert not telemetry.flush(0.1)
    assert not telemetry.shutdown(0.1)
    (sink,) = telemetry.health().sinks
    assert sink.last_error is not None
    assert sink.accepted == 1
    assert sink.stored == 0


# questions

QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown status": ({"status": "faled"}, "did you mean 'failed'"),
    "unknown filter": ({"statsu": "failed"}, "unknown filter 'statsu': did you mean 'status'"),
    "unknown type": ({"type": "job"}, "Valid: direct, workflow"),
    "no time": ({"started_after": "yesterday"}, "'7d'"),
    "a time out of range": ({"started_after": 2**63}, "1678 to 2261"),
    "no duration": ({"min_duration_ms": math.nan}, "'250ms'"),
    "no text": ({"workflow_name": 3}, "takes text, not int"),
    "nothing to choose from": ({"workflow_name": []}, "leave it out"),
    "too many": ({"workflow_name": [str(number) for number in range(5_000)]}, "ask in several queries"),
    "no mapping": ({"metadata": "tenant"}, "takes a mapping"),
    "no text to search": ({"text": ""}, "1 to 1,000 characters"),
    "a long text to search": ({"text": "x" * MB}, "1 to 1,000 characters"),
    "no limit": ({"limit": 0}, "from 1 to 10,000"),
    "unknown order": ({"order_by": "name"}, "Valid: -duration"),
    "bad cursor": ({"cursor": "zzz"}, "start again without a cursor"),
    "a hostile cursor": ({"cursor": "\ud800\0" + "A" * MB}, "start again without a cursor"),
}


@pytest.mark.parametrize(("asked", "words"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_without_meaning_is_refused(telemetry: ot.Telemetry, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ot.QueryError, match=words):
        telemetry.store.query(**asked)


def test_a_cursor_of_another_question_is_refused(telemetry: ot.Telemetry) -> None:
    store = telemetry.store
    for _ in range(2):
        store.complete_execution(store.start_execution(workflow_name="cursors"))
    cursor = store.query(workflow_name="cursors", limit=1).next_cursor
    assert cursor is not None
    others: tuple[dict[str, Any], ...] = ({"workflow_name": "x"}, {"workflow_name": "cursors", "order_by": "duration"})
    for asked in others:
        with pytest.raises(ot.InvalidCursorError, match=r"another order|other filters"):
            store.query(limit=1, cursor=cursor, **asked)


# contradictions

Contradiction = Callable[[ot.TelemetryStore, str], object]


def _ended(store: ot.TelemetryStore) -> str:
    ended = store.start_execution()
    store.complete_execution(ended)
    return ended


def _ended_step(store: ot.TelemetryStore, run: str) -> str:
    store.start_step(run, "ended")
    store.complete_step(run, "ended")
    return "ended"


CONTRADICTIONS: dict[str, tuple[Contradiction, type[ot.TelemetryError]]] = {
    "end an unknown execution": (lambda store, _: store.complete_execution("never"), ot.UnknownExecutionError),
    "fail an unknown execution": (lambda store, _: store.fail_execution("never", "x"), ot.UnknownExecutionError),
    "cancel an unknown execution": (lambda store, _: store.cancel_execution("never"), ot.UnknownExecutionError),
    "a step of an unknown execution": (lambda store, _: store.start_step("never", "s"), ot.UnknownExecutionError),
    "skip in an unknown execution": (lambda store, _: store.skip_step("never", "s", "why"), ot.UnknownExecutionError),
    "a call in an unknown execution": (
        lambda store, _: store.record_tool_call("never", tool_name="t"),
        ot.UnknownExecutionError,
    ),
    "end an unknown step": (lambda store, run: store.complete_step(run, "never"), ot.UnknownStepError),
    "fail an unknown step": (lambda store, run: store.fail_step(run, "never", "x"), ot.UnknownStepError),
    "a call of an unknown step": (
        lambda store, run: store.record_tool_call(run, tool_name="t", step_id="never"),
        ot.UnknownStepError,
    ),
    "end an ended step": (lambda store, run: store.complete_step(run, _ended_step(store, run)), ot.AlreadyEndedError),
    "skip an ended step": (lambda store, run: store.skip_step(run, _ended_step(store, run), "x"), ot.AlreadyEndedError),
    "end an ended execution": (lambda store, _: store.complete_execution(_ended(store)), ot.AlreadyEndedError),
    "a step of an ended execution": (lambda store, _: store.start_step(_ended(store), "s"), ot.AlreadyEndedError),
    "the id of an open execution": (
        lambda store, run: store.start_execution(execution_id=run),
        ot.DuplicateExecutionError,
    ),
    "the id of an ended execution": (
        lambda store, _: store.start_execution(execution_id=_ended(store)),
        ot.DuplicateExecutionError,
    ),
}


@pytest.mark.parametrize(("contradict", "error"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_raises_where_that_is_wanted(
    strict: ot.Telemetry, contradict: Contradiction, error: type[ot.TelemetryError]
) -> None:
    with pytest.raises(error, match=r"start it first|start another one|start it again|give each its own id") as caught:
        contradict(strict.store, strict.store.start_execution())
    assert isinstance(caught.value, ot.RecordingError)


def test_a_contradiction_is_counted_otherwise_and_costs_the_run_nothing(telemetry: ot.Telemetry) -> None:
    store, before = telemetry.store, Counter(telemetry.recorder.problems)
    run = store.start_execution(workflow_name="contradicted")
    for contradict, _ in CONTRADICTIONS.values():
        contradict(store, run)
    store.start_step(run, "fine")
    store.complete_step(run, "fine", result=1)
    store.complete_execution(run, outputs=2)
    record = store.get(run)
    assert record is not None
    assert (record.status, record.outputs) == (ot.ExecutionStatus.COMPLETED, 2)
    assert [(step.step_id, step.attempt, step.tool_result) for step in record.steps] == [
        ("ended", 1, None),
        ("ended", 2, None),
        ("fine", 1, 1),
    ]
    expected = Counter(error.__name__ for _, error in CONTRADICTIONS.values())
    assert telemetry.recorder.problems - before == expected


# values that no backend can hold as they are


class Biting:
    def __str__(self) -> str:
        raise RuntimeError("not for you")

    __repr__ = __str__


class Halfway(Mapping[str, int]):
    def __iter__(self) -> Iterator[str]:
        yield "first"
        raise RuntimeError("no more")

    def __getitem__(self, key: str) -> int:
        return 1

    def __len__(self) -> int:
        return 2


def _cycle() -> list[object]:
    cycle: list[object] = [1]
    cycle.append(cycle)
    return cycle


def _deep(levels: int, inside: object) -> object:
    for _ in range(levels):
        inside = [inside]
    return inside


VALUES: dict[str, tuple[Any, Any, str]] = {
    "NUL": ("a\0b", "a\ufffdb", "U+FFFD"),
    "lone surrogate": ("a\ud800b\udfff", "a\ufffdb\ufffd", "U+FFFD"),
    "NaN": (math.nan, "NaN", "NaN"),
    "infinity": (math.inf, "Infinity", "Infinity"),
    "minus infinity": (-math.inf, "-Infinity", "Infinity"),
    "beyond 64 bits": (2**63, str(2**63), "64 bits"),
    "below 64 bits": (-(2**63) - 1, str(-(2**63) - 1), "64 bits"),
    "bytes": (b"caf\xc3\xa9", "café", "bytes"),
    "bytes that are no text": (b"\xff\0", "base64:/wA=", "base64"),
    "set": ({3, 1, 2}, [1, 2, 3], ""),
    "frozenset in a tuple": ((frozenset({2, 1}), None), [[1, 2], None], ""),
    "cycle": (_cycle(), [1, "[cycle]"], "itself"),
    "a str that raises": (Biting(), "<Biting>", "class"),
    "a mapping that raises": (Halfway(), "[REDACTED:error]", "cannot be read"),
    "keys of other types": ({1: "a", None: "b", "1": "c"}, {"1": "a", "null": "b", "1#2": "c"}, "key"),
    "keys that no backend takes": ({"a\0b": 1, "a\ud800b": 2}, {"a\ufffdb": 1, "a\ufffdb#2": 2}, "key"),
    "minus zero": (-0.0, -0.0, ""),
    "the largest integers": ([2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)], ""),
}


def by_decorators(telemetry: ot.Telemetry) -> str:
    @telemetry.tool("t")
    def tool(neighbour: object, value: object) -> object:
        return {"neighbour": neighbour, "value": value}

    @telemetry.workflow("values")
    def run() -> None:
        for value, _, _ in VALUES.values():
            tool("ü", value)

    run()
    return telemetry.store.query(workflow_name="values", payloads=False, limit=1).records[0].execution_id


def by_blocks(telemetry: ot.Telemetry) -> str:
    with telemetry.execution("values") as run:
        for value, _, _ in VALUES.values():
            with telemetry.tool("t", params={"neighbour": "ü", "value": value}) as call:
                call.result = {"neighbour": "ü", "value": value}
    return run.execution_id


def by_ids(telemetry: ot.Telemetry) -> str:
    store = telemetry.store
    run = store.start_execution(workflow_name="values")
    for value, _, _ in VALUES.values():
        given = {"neighbour": "ü", "value": value}
        store.record_tool_call(run, tool_name="t", params=given, result=given)
    store.complete_execution(run)
    return run


@pytest.mark.parametrize("record", [by_decorators, by_blocks, by_ids])
def test_values_are_recorded_in_one_form_and_marked(
    telemetry: ot.Telemetry, record: Callable[[ot.Telemetry], str]
) -> None:
    found = telemetry.store.get(record(telemetry))
    assert found is not None
    assert len(found.tool_calls) == len(VALUES)
    for call, (name, (_, expected, words)) in zip(found.tool_calls, VALUES.items(), strict=True):
        for payload, label in ((call.params, "params"), (call.result, "result")):
            assert json.dumps(payload) == json.dumps({"neighbour": "ü", "value": expected}), name
            assert any(words in problem for problem in call.problems if problem.startswith(label)) is bool(words), name


@pytest.mark.promise("P22")
def test_what_is_too_deep_is_left_out(telemetry: ot.Telemetry) -> None:
    with telemetry.execution("deep", inputs=[_deep(1_000, "below"), _deep(50, "above")]) as run:
        pass
    found = telemetry.store.get(run.execution_id)
    assert found is not None
    text = json.dumps(found.inputs)
    assert "[REDACTED:depth]" in text
    assert "below" not in text
    assert "above" in text
    assert any("deeper than 64" in problem for problem in found.problems)


@pytest.mark.promise("P22")
def test_what_is_too_large_is_cut(telemetry: ot.Telemetry) -> None:
    store = telemetry.store
    run = store.start_execution(workflow_name="large", inputs={"k" * (2 * MB): 1, "neighbour": 2})
    store.record_tool_call(run, tool_name="t", params={"text": "x" * 100 * MB, "neighbour": 1}, result="fine")
    store.complete_execution(run, outputs="fine")
    record = store.get(run)
    assert record is not None
    (call,) = record.tool_calls
    assert (call.result, record.outputs) == ("fine", "fine")
    assert isinstance(call.params, dict)
    assert call.params["neighbour"] == 1
    assert isinstance(call.params["text"], dict)
    assert (call.params["text"]["truncated"], call.params["text"]["bytes"]) == (True, 100 * MB)
    assert any("cut" in problem for problem in call.problems)
    assert isinstance(record.inputs, dict)
    assert record.inputs["neighbour"] == 2
    assert max(map(len, record.inputs)) < 2_000
    assert any("shortened" in problem for problem in record.problems)


# names and ids

LONG = "n" * MB
IDS: dict[str, Any] = {
    "long": "i" * MB,
    "a little too long": "i" * 257,
    "NUL": "id\0",
    "lone surrogate": "id\ud800",
    "empty": "",
    "lines": "a\nb\u202ec",
    "a number": 17,
    "bytes": b"\xff",
    "a secret": "gh" + "p_" + "Zq7" * 12,
    "another secret": "gh" + "p_" + "Zq8" * 12,
}


def test_any_id_names_one_execution(telemetry: ot.Telemetry) -> None:
    store = telemetry.store
    runs = {}
    for name, given in IDS.items():
        runs[name] = store.start_execution(workflow_name=name, execution_id=given)
        store.start_step(given, given)
        store.record_tool_call(given, tool_name="t", step_id=given)
        store.complete_step(given, given, result=name)
        store.complete_execution(given, outputs=name)
    assert len(set(runs.values())) == len(IDS)
    for name, run in runs.items():
        record = store.get(run)
        assert record is not None, name
        assert record == store.get(IDS[name] if isinstance(IDS[name], str) else run)
        assert (record.execution_id, record.workflow_name, record.outputs) == (run, name, name)
        assert len(record.execution_id) <= 256
        assert [(step.tool_result, len(step.tool_calls)) for step in record.steps] == [(name, 1)]
        assert bool(record.problems) is (run != (str(IDS[name]) if name != "bytes" else run)), name
    assert telemetry.flush(30)
    assert not any("p_Zq" in run for run in runs.values())


def test_a_long_id_of_another_run_is_a_duplicate(strict: ot.Telemetry) -> None:
    strict.store.start_execution(execution_id=LONG)
    assert len({strict.store.start_execution(execution_id=LONG + end) for end in "!?"}) == 2
    with pytest.raises(ot.DuplicateExecutionError, match="its own id"):
        strict.store.start_execution(execution_id=LONG)


def test_long_names_are_shortened(telemetry: ot.Telemetry) -> None:
    store = telemetry.store
    run = store.start_execution(workflow_name=LONG, workflow_version=LONG, caller_id=LONG, metadata={LONG: LONG})
    store.start_step(run, LONG, tool_name=LONG)
    store.record_tool_call(run, tool_name=LONG, step_id=LONG, call_id=LONG)
    store.complete_step(run, LONG)
    store.skip_step(run, "skipped", LONG)
    store.complete_execution(run, outputs="fine")
    record = store.get(run)
    assert record is not None
    step, skipped = record.steps
    (call,) = step.tool_calls
    of_run = [record.workflow_name, record.workflow_version, record.caller_id]
    names = [*of_run, step.step_id, step.tool_name, call.tool_name]
    assert {len(name) for name in names if name} == {256}
    assert len(set(names)) == 1
    assert len(call.call_id) <= 256
    assert skipped.skip_reason is not None
    assert len(skipped.skip_reason) < 10_000
    assert record.outputs == "fine"
    assert store.count(workflow_name=str(record.workflow_name)) == 1
    assert store.count(tool_name=str(call.tool_name)) == 1


def test_ten_thousand_steps(telemetry: ot.Telemetry) -> None:
    with telemetry.execution("many steps") as run:
        for number in range(10_000):
            run.step("s", params=number).complete(number)
    neighbour = telemetry.store.start_execution(workflow_name="neighbour")
    telemetry.store.complete_execution(neighbour)
    record = telemetry.store.get(run.execution_id)
    assert record is not None
    assert [step.tool_result for step in record.steps] == list(range(10_000))
    assert len({step.step_id for step in record.steps}) == 10_000
    assert telemetry.store.get(neighbour) is not None


# the command line

COMMANDS: dict[str, tuple[list[str], int, str]] = {
    "unknown command": (["lst"], 2, "did you mean 'list'"),
    "unknown option": (["list", "--workflw", "x"], 2, "--workflow"),
    "unknown status": (["list", "--status", "faled"], 2, "did you mean 'failed'"),
    "no time": (["list", "--since", "yesterday"], 2, "'7d'"),
    "no pair": (["list", "--metadata", "tenant"], 2, "KEY=VALUE"),
    "no limit": (["list", "--limit", "0"], 2, "from 1 to 10,000"),
    "bad cursor": (["query", "--cursor", "zzz"], 2, "start again without a cursor"),
    "unknown order": (["query", "--order-by", "name"], 2, "Valid: -duration"),
    "unknown format": (["export", "cvs", "-"], 2, "did you mean 'csv'"),
    "unknown run": (["show", "never"], 1, "otel-telemetry list"),
    "a hostile id": (["show", "\ud800\x1b[2J"], 1, "otel-telemetry list"),
    "a long id": (["show", "i" * 100_000], 2, "1 to 1,000 characters"),
    "no file": (["import", "none.jsonl"], 2, "is not a file"),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('cli')}/telemetry.db"
    with ot.configure(store=url) as telemetry:
        by_blocks(telemetry)
    return url


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def command(*args: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(args=list(args), prog_name="otel-telemetry")
        return int(ended.value.code or 0), capsys.readouterr().err

    return command


@pytest.mark.parametrize(("args", "code", "words"), COMMANDS.values(), ids=COMMANDS)
def test_a_mistake_on_the_command_line(
    command: Callable[..., tuple[int, str]], stored: str, args: list[str], code: int, words: str
) -> None:
    ended, said = command(*args, "--store", stored) if args[0] != "lst" else command(*args)
    assert ended == code
    assert words in said
    assert "\x1b" not in said
    assert "Traceback" not in said


STORES: dict[str, tuple[str, int, str]] = {
    "unknown scheme": ("sqlit:///x.db", 2, "did you mean 'sqlite'"),
    "no URL": ("telemetry.db", 2, "sqlite:///telemetry.db"),
    "nothing there": ("sqlite:///none/telemetry.db", 3, "otel-telemetry demo"),
    "no store": (f"sqlite:///{__file__}", 3, "name another file"),
    "memory": ("memory://", 3, "in the process that records"),
    "refused": ("postgresql://127.0.0.1:{closed_port}/db", 3, "cannot be reached"),
    "black hole": ("postgresql://127.0.0.1:{black_hole}/db?connect_timeout=2", 3, "cannot be reached"),
}


@pytest.mark.parametrize(("url", "code", "words"), STORES.values(), ids=STORES)
def test_a_store_that_is_none_on_the_command_line(  # noqa: PLR0917  (fixtures)
    command: Callable[..., tuple[int, str]], closed_port: int, black_hole: int, url: str, code: int, words: str
) -> None:
    ended, said = command("list", "--store", url.format(closed_port=closed_port, black_hole=black_hole))
    assert (ended, words in said) == (code, True), said
