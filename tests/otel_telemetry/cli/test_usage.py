"""What holds for all commands: help, mistakes, exit codes, the store's choice, cold start, hostile data."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import secrets
import subprocess
import sys
from pathlib import Path

import click
import pytest

import otel_telemetry as ot
from otel_telemetry.cli import main
from tests.otel_telemetry.cli.conftest import record, shell

GROUPS = {name: command for name, command in main.commands.items() if isinstance(command, click.Group)}
ALL = {
    **{name: command for name, command in main.commands.items() if name not in GROUPS},
    **{f"{name} {inner}": command for name, group in GROUPS.items() for inner, command in group.commands.items()},
}
COMMANDS = sorted(ALL)
HOSTILE = "\x1b]0;owned\x07\x1b[2J\nfake\r\u202e" + "A" * 10_000


def test_the_commands_are_those_that_are_documented():
    reading = ["doctor", "export", "list", "query", "show", "stats", "tail", "why"]
    writing = ["db copy", "db reindex", "delete", "demo", "import", "prune"]
    assert sorted([*reading, *writing]) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained(name):
    command = ALL[name]
    assert command.help
    assert command.short_help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_a_store_and_speaks_json(name):
    options = {option for parameter in ALL[name].params for option in parameter.opts}
    assert {"--store", "--json", "--utc", "--color"} <= options


@pytest.mark.parametrize("name", ["", *COMMANDS, *GROUPS])
def test_help_is_plain_ascii_and_ends_well(run, name):
    result = run(*name.split(), "--help")
    assert result.code == 0
    assert result.out.isascii()
    assert result.out.startswith("Usage: otel-telemetry")


def test_help_explains_the_exit_codes(run):
    assert "Exit codes: 0 " in run("--help").out


def test_version(run):
    assert run("--version").out.strip()


@pytest.mark.parametrize(
    ("mistake", "answer"),
    [
        (["lst"], "did you mean 'list'"),
        (["list", "--filed"], "--failed"),
        (["list", "--status", "faled"], "did you mean 'failed'"),
        (["list", "--type", "dirct"], "did you mean 'direct'"),
        (["list", "--since", "yesterday"], "--since"),
        (["list", "--min-duration", "long"], "--min-duration"),
        (["list", "--metadata", "tenant"], "KEY=VALUE"),
        (["list", "--metadata", "=\x1b[2J"], "No run matches"),
        (["list", "--limit", "0"], "1 to 10,000"),
        (["list", "--limit", "many"], "--limit"),
        (["query", "--order-by", "started"], "did you mean 'started_at'"),
        (["query", "--cursor", "nonsense"], "cursor"),
        (["stats", "--by", "tols"], "tool"),
        (["export", "cvs", "x.csv"], "did you mean 'csv'"),
        (["export", "csv"], "TARGET"),
        (["import", "nowhere.json"], "not a file"),
        (["show", "a", "b"], "b"),
        (["list", "--store", "sqlit:///x.db"], "did you mean 'sqlite'"),
        (["list", "--store", "x.db"], "sqlite:///"),
        (["list", "--store", "sqlite://"], "sqlite:///"),
        (["tail", "--status", "failed"], "--status"),
        (["list", "--trace", "abc"], "--trace"),
        (["list", "--kind", "chats"], "did you mean 'chat'"),
        (["prune", "--older-than", "long"], "--older-than"),
        (["prune"], "--older-than"),
        (["delete"], "Name ids"),
        (["delete", "run-1", "--failed"], "Name ids"),
        (["db", "copy", "sqlite:///a.db", "sqlite:///a.db"], "the same store"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(run, url, mistake, answer):
    result = run(*mistake, *([] if "--store" in mistake else ["--store", url]))
    assert result.code == (1 if "No run" in answer else 2)
    assert answer in result.err
    assert not result.out
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"demo", "import", "db copy"}])
def test_a_missing_store_says_what_to_do_and_is_not_made(run, name, tmp_path):
    needed = {"export": ["json", "-"], "delete": ["run-1", "--yes"], "prune": ["--older-than", "1d"]}
    result = run(*name.split(), *needed.get(name, []), "--store", f"sqlite:///{tmp_path}/none.db")
    assert result.code == 3
    assert "record something first" in result.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_store_is_told_apart(run, tmp_path):
    (tmp_path / "notes.db").write_text("not a database " * 1_000)
    result = run("list", "--store", f"sqlite:///{tmp_path}/notes.db")
    assert result.code == 3
    assert "not a store" in result.err


def test_a_server_that_is_not_there_is_told_without_the_password(run):
    password = secrets.token_hex()
    result = run("list", "--store", f"postgresql://ann:{password}@127.0.0.1:1/db")
    assert result.code == 3
    assert password not in result.err
    assert "127.0.0.1" in result.err


def test_a_memory_store_cannot_be_read_from_outside(run):
    assert run("list", "--store", "memory://").code == 3


def test_the_store_comes_from_option_then_environment_then_file_then_default(run, url, tmp_path, monkeypatch):
    assert "telemetry.db" in run("list").err
    Path("otel-telemetry.toml").write_text('store = "sqlite:///from-file.db"\n')
    assert "from-file.db" in run("list").err
    monkeypatch.setenv("OTEL_TELEMETRY_STORE", "sqlite:///from-environment.db")
    assert "from-environment.db" in run("list").err
    assert run("list", "--store", url).code == 0


def test_a_wrong_setting_is_a_mistake(run, monkeypatch):
    monkeypatch.setenv("OTEL_TELEMETRY_STOR", "sqlite:///x.db")
    result = run("list")
    assert result.code == 2
    assert "did you mean 'store'" in result.err


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], ["sqlalchemy", "rich", "opentelemetry", "alembic", "psycopg", "importlib.metadata"]),
        (["list", "--filed"], ["sqlalchemy", "rich", "opentelemetry", "alembic", "psycopg", "importlib.metadata"]),
        (["list", "--status", "x"], ["sqlalchemy", "rich", "opentelemetry", "alembic", "psycopg"]),
        (["list"], ["rich", "opentelemetry.sdk", "alembic", "psycopg"]),
        (["show"], ["rich", "opentelemetry.sdk", "alembic", "psycopg"]),
        (["why"], ["rich", "opentelemetry.sdk", "alembic", "psycopg"]),
    ],
)
def test_a_command_loads_only_what_it_needs(url, arguments, absent):
    program = (
        "import sys\n"
        "from otel_telemetry.cli import main\n"
        "try: main()\n"
        f"finally: print([name for name in {absent!r} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "OTEL_TELEMETRY_STORE": url}
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment)
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_crash(url):
    command = (
        f"{sys.executable} -c 'from otel_telemetry.cli import main; main()' export jsonl - --store {url} | head -c 1"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_a_terminal_without_unicode_gets_escapes_not_a_crash(url):
    done = shell("show", "--store", url, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0
    assert "\\u251c" in done.stdout


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile')}/t.db"
    with ot.configure(store=url) as telemetry:
        for status in ("completed", "failed"):
            with telemetry.execution(
                HOSTILE, version=HOSTILE, caller_id=HOSTILE, metadata={HOSTILE: HOSTILE}, inputs={HOSTILE: [HOSTILE]}
            ) as run:
                with run.step(HOSTILE) as step:
                    step.skip(HOSTILE)
                with run.step(HOSTILE[:99]) as step:
                    call = step.tool_call(HOSTILE[:99], params={HOSTILE: HOSTILE})
                    call.fail(
                        ot.ErrorRecord(code=HOSTILE, category=HOSTILE, message=HOSTILE, detail={HOSTILE: HOSTILE})
                    )
                if status == "failed":
                    run.fail(HOSTILE)
    return url


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("command", ["list", "show", "why", "query", "stats", "tail", "doctor"])
def test_hostile_data_reaches_no_terminal(run, hostile, command, full):
    more = {"show": ["--full"] * full, "tail": ["--once", "--since", "1h"]}.get(command, [])
    for form in ([], ["--json"]):
        result = run(command, *more, "--store", hostile, *form)
        assert result.code == 0
        assert all(line.isprintable() for line in result.lines)
        assert "fake\n" not in result.out
        if form:
            assert result.out.isascii()
            assert all(json.loads(line) for line in result.lines)


def on_a_terminal(*arguments: str, columns: int = 80, typed: str = "", code: int = 0) -> str:
    """Run a command on a terminal on which somebody types, and return what it shows, colours included."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns)}
    command = [sys.executable, "-c", "from otel_telemetry.cli import main; main()", *arguments]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    if typed:
        while b": " not in shown:
            shown += os.read(ours, 65536)
        os.write(ours, typed.encode() + b"\n")
    with contextlib.suppress(OSError):  # how Linux says that the other side has closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.wait() == code
    return shown.decode()


@pytest.mark.parametrize("columns", [40, 100])
def test_a_terminal_gets_colours_and_lines_that_fit(url, columns):
    shown = on_a_terminal("list", "--store", url, columns=columns)
    assert "\x1b[31mfailed" in shown
    lines = click.unstyle(shown).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= columns


def test_a_terminal_gets_a_progress_bar(url, tmp_path):
    assert "100%" in on_a_terminal("export", "json", str(tmp_path / "x.json"), "--store", url)


def test_a_value_to_search_for_is_asked_for_and_not_shown(url):
    shown = on_a_terminal("doctor", "--find", "--store", url, typed="shop.example", code=1)
    assert "Value to search for" in shown
    assert "raw" in shown
    assert "shop.example" not in shown


def test_a_postgresql_store_is_read_the_same_way(run, postgres_url):
    assert run("list", "--store", postgres_url).code == 3
    record(postgres_url)
    assert [summary["workflow_name"] for summary in run("list", "--json", "--store", postgres_url).json] == [
        "greet",
        "invoice",
        "mail.send",
        "import",
    ]
    assert run("why", "--store", postgres_url).lines[1] == "  at     invoice > fetch > http.get"
    assert run("show", "--store", postgres_url).code == 0
    assert run("stats", "--store", postgres_url).code == 0
    assert run("tail", "--once", "--since", "1h", "--store", postgres_url).code == 0
    doctor = {found["name"]: found for found in run("doctor", "--json", "--store", postgres_url).json}
    assert doctor["readable"]["good"]
    assert doctor["writable"]["good"]
    assert doctor["schema version"]["value"] == "2.0"
    assert run("doctor", "--find", "--store", postgres_url, stdin=b"shop.example").code == 1
