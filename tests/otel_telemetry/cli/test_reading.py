from __future__ import annotations

import dataclasses
import json
import re
import time

import pytest

import otel_telemetry as ot
from otel_telemetry.cli.options import FILTERS
from otel_telemetry.codec import from_json, to_json
from otel_telemetry.query import Filters
from otel_telemetry.reader import Stats
from otel_telemetry.records import ExecutionSummary
from tests.otel_telemetry.cli.conftest import die_in_the_middle, greet

NAMES = ["greet", "invoice", "mail.send", "import"]


@pytest.fixture
def reader(url):
    return ot.open_reader(url)


def workflows(result):
    return [run["workflow_name"] for run in result.json]


def test_list_shows_a_line_a_run_the_latest_first(run, url):
    result = run("list", "--store", url)
    assert result.code == 0
    assert [line.split()[0] for line in result.lines] == ["completed", "failed", "completed", "interrupted"]
    assert re.fullmatch(
        r"failed +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S+ m?s +invoice +3 +[0-9a-f-]{36}"
        "  fetch: RuntimeError: order not fetched",
        result.lines[1],
    )


def test_list_as_json_matches_the_summaries(run, url, reader):
    result = run("list", "--store", url, "--json")
    assert result.json == json.loads(json.dumps([to_json(summary) for summary in reader.query(payloads=False)]))
    assert result.lines == [result.out.rstrip("\n")]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], NAMES),
        (["--failed"], ["invoice"]),
        (["--failed", "--since", "1d", "--workflow", "invoice"], ["invoice"]),
        (["--running"], []),
        (["--running", "--interrupted"], ["import"]),
        (["--interrupted"], ["import"]),
        (["--no-interrupted"], ["greet", "invoice", "mail.send"]),
        (["--status", "completed"], ["greet", "mail.send"]),
        (["--status", "FAILED", "--status", "completed"], ["greet", "invoice", "mail.send"]),
        (["--failed", "--status", "completed"], ["greet", "invoice", "mail.send"]),
        (["--type", "direct"], ["mail.send"]),
        (["--workflow", "greet", "--workflow", "invoice"], ["greet", "invoice"]),
        (["--workflow-version", "3"], ["invoice"]),
        (["--caller", "cron"], ["invoice"]),
        (["--parent", "nobody"], []),
        (["--since", "2020-01-01"], NAMES),
        (["--since", "2020-01-01 12:00", "--utc"], NAMES),
        (["--until", "2020-01-01"], []),
        (["--min-duration", "1h"], []),
        (["--max-duration", "1h"], ["greet", "invoice", "mail.send"]),
        (["--error-code", "connection_failed"], []),
        (["--error-code", "timeout"], ["invoice"]),
        (["--error-category", "transient"], ["invoice"]),
        (["--tool", "mail.send"], ["greet", "mail.send"]),
        (["--step", "load"], ["import"]),
        (["--metadata", "tenant=acme"], ["invoice"]),
        (["--metadata", "order=7", "--metadata", 'tenant="acme"'], ["invoice"]),
        (["--metadata", 'order="7"'], []),
        (["--text", "shop.example"], ["invoice"]),
    ],
)
def test_every_filter_filters(run, url, options, found):
    result = run("list", "--store", url, "--json", *options)
    assert workflows(result) == found
    assert result.code == (0 if found else 1)


def test_ids_filter_whole_and_by_their_beginning(run, url, reader):
    ids = [summary.execution_id for summary in reader.query(payloads=False)]
    assert [found["execution_id"] for found in run("list", "--store", url, "--json", "--id", ids[2]).json] == [ids[2]]
    assert len(run("list", "--store", url, "--json", "--id-prefix", ids[2][:4]).json) == len(ids)


def test_every_filter_of_a_query_has_its_option():
    assert {option.keyword for option in FILTERS} | {
        "interrupted",
        "top_level",
        "foreign",
    } == Filters.__annotations__.keys()


def test_list_says_when_there_is_more(run, url):
    result = run("list", "--store", url, "-n", "2")
    assert len(result.lines) == 2
    assert "more than 2" in result.err
    assert run("list", "--store", url, "-n", "2", "--json").err == result.err


def test_list_says_when_there_is_nothing(run, url):
    result = run("list", "--store", url, "--workflow", "nope")
    assert (result.code, result.out, result.err) == (1, "", "No run matches.\n")


def test_times_without_an_offset_are_local_unless_utc_is_asked_for(run, url, monkeypatch):
    monkeypatch.setenv("TZ", "UTC-14")  # fourteen hours ahead
    time.tzset()
    try:
        at = ot.open_reader(url).last().started_at
        local = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at / 1e9 + 60))
        assert run("list", "--store", url, "--since", local).code == 1
        assert run("list", "--store", url, "--until", local).code == 0
        assert run("list", "--store", url, "--since", local, "--utc").code == 1
        assert run("list", "--store", url, "--until", local, "--since", "1d", "--utc").code == 0
        assert time.strftime("%Y-%m-%d %H:%M", time.localtime(at / 1e9)) in run("list", "--store", url).lines[0]
        assert "Z " in run("list", "--store", url, "--utc").lines[0]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_show_draws_the_latest_run(run, url):
    result = run("show", "--store", url)
    assert result.code == 0
    assert result.lines[0].startswith("greet 1  completed  ")
    assert [line.split()[1] for line in result.lines if "─" in line] == ["mail.send", "mail.send"]
    assert run("show", "last", "--store", url).lines[1:] == result.lines[1:]


def test_show_takes_an_id_or_its_beginning(run, url, reader):
    wanted = reader.last(workflow_name="invoice").execution_id
    whole = run("show", wanted, "--store", url)
    assert whole.lines[0].startswith("invoice 3  failed")
    assert run("show", wanted[:-4], "--store", url).out == whole.out
    assert 'api_key="[REDACTED' in whole.out


def test_show_names_the_candidates_of_an_ambiguous_beginning(run, url, reader):
    ids = [summary.execution_id for summary in reader.query(payloads=False)]
    result = run("show", ids[0][:3], "--store", url)
    assert result.code == 2
    assert all(each in result.err for each in ids)


def test_show_says_what_to_do_with_an_unknown_id(run, url):
    result = run("show", "zzz", "--store", url)
    assert result.code == 1
    assert "otel-telemetry list" in result.err


def test_show_as_json_is_the_record(run, url, reader):
    result = run("show", "--store", url, "--json")
    assert from_json(result.json) == reader.last()


def test_show_full_adds_the_payloads(run, url):
    assert '"ann"' in run("show", "--full", "--store", url).out
    assert "sent to ann" in run("show", "--full", "--store", url).out


def test_why_tells_the_last_failure_root_cause_first(run, url, reader):
    result = run("why", "--store", url)
    assert result.code == 0
    assert result.lines[1:] == [
        "  at     invoice > fetch > http.get",
        "  cause  connection_failed (ConnectionRefusedError, transient, retryable): port 443",
        "  then   timeout (TimeoutError, transient, retryable): no answer",
        "  then   error (RuntimeError, unexpected): order not fetched",
        '  with   url="https://shop.example/7"',
        '         api_key="[REDACTED:field]"',
    ]
    assert run("why", "last", "--store", url).out == result.out
    wanted = reader.last(workflow_name="invoice").execution_id
    assert run("why", wanted[:30], "--store", url).out == result.out


def test_why_as_json(run, url, reader):
    told = run("why", "--store", url, "--json").json
    record = reader.last(workflow_name="invoice")
    assert told["execution_id"] == record.execution_id
    assert told["path"] == ["invoice", "fetch", "http.get"]
    assert [cause["code"] for cause in told["causes"]] == ["connection_failed", "timeout", "error"]
    assert told["parameters"] == record.steps[0].tool_calls[0].params
    assert told["parameters_of"] == "http.get"


def test_why_tells_what_an_interrupted_run_was_doing(run, url, reader):
    wanted = reader.last(interrupted=True).execution_id
    result = run("why", wanted, "--store", url)
    assert result.lines[1:] == [
        "  at     import > load > s3.get",
        "  cause  the process that ran it went away",
        '  with   bucket="b"',
    ]


def test_why_finds_an_interrupted_run_where_none_failed_later(run, tmp_path):
    url = f"sqlite:///{tmp_path}/t.db"
    with ot.configure(store=url):
        greet([])
    nothing = run("why", "--store", url)
    assert (nothing.code, nothing.err) == (1, "No run failed.\n")
    die_in_the_middle(url)
    assert run("why", "--store", url).lines[1] == "  at     import > load > s3.get"


def test_why_of_a_success_is_a_negative_finding(run, url, reader):
    wanted = reader.last().execution_id
    result = run("why", wanted, "--store", url)
    assert (result.code, result.err) == (1, f"{wanted} did not fail: it is completed.\n")


def test_query_pages_through_everything(run, url):
    seen, cursor = [], []
    while True:
        page = run("query", "--store", url, "--json", "-n", "1", "--order-by", "started_at", *cursor).json
        seen += [record["workflow_name"] for record in page["records"]]
        if page["next_cursor"] is None:
            break
        cursor = ["--cursor", page["next_cursor"]]
    assert seen == NAMES[::-1]


def test_query_as_json_has_whole_records(run, url, reader):
    page = run("query", "--store", url, "--json").json
    assert [from_json(record) for record in page["records"]] == list(reader.query())


def test_query_as_text_says_how_to_go_on(run, url):
    result = run("query", "--store", url, "-n", "3")
    assert len(result.lines) == 3
    cursor = re.fullmatch(r"Next page: --cursor (\S+)\n", result.err)[1]
    assert len(run("query", "--store", url, "-n", "3", "--cursor", cursor).lines) == 1


def test_query_counts(run, url):
    assert run("query", "--store", url, "--count").out == "4\n"
    assert run("query", "--store", url, "--count", "--failed", "--json").json == 1
    none = run("query", "--store", url, "--count", "--workflow", "nope")
    assert (none.code, none.out) == (1, "0\n")


def test_stats_count_tools_and_steps(run, url):
    result = run("stats", "--store", url)
    assert result.code == 0
    assert [line.split()[:4] for line in result.lines] == [
        ["tool", "n", "failed", "95"],
        ["mail.send", "3", "0.0", "%"],
        ["http.get", "1", "100.0", "%"],
        ["step", "n", "failed", "95"],
        ["fetch", "1", "100.0", "%"],
    ]
    assert run("stats", "--store", url, "--by", "step").lines == result.lines[3:]


def test_stats_have_no_column_of_intervals_where_enough_ran(run, tmp_path):
    with ot.configure(store=f"sqlite:///{tmp_path}/t.db"):
        greet(["ann"] * 30)
    head, _ = run("stats", "--store", f"sqlite:///{tmp_path}/t.db").lines
    assert head.split() == ["tool", "n", "failed", "p50", "p95", "max", "slowest", "run"]


def test_stats_as_json(run, url, reader):
    told = run("stats", "--store", url, "--json", "--workflow", "greet").json
    (expected,) = reader.stats("tool", workflow_name="greet")
    (entry,) = told["tool"]
    assert told["step"] == []
    assert entry.keys() == {field.name for field in dataclasses.fields(Stats)}
    assert entry["failed_interval"] == list(expected.failed_interval)
    assert {key: value for key, value in entry.items() if key != "failed_interval"} == {
        key: value for key, value in dataclasses.asdict(expected).items() if key != "failed_interval"
    }


def test_stats_say_when_there_is_nothing(run, url):
    assert run("stats", "--store", url, "--workflow", "nope").code == 1


def test_a_summary_as_json_names_its_fields_as_the_record_does(run, url):
    names = {field.name for field in dataclasses.fields(ExecutionSummary)}
    for summary in run("list", "--store", url, "--json").json:
        assert summary.keys() <= names


@pytest.mark.parametrize("command", ["list", "show", "why", "query", "stats"])
def test_colours_only_where_they_are_wanted(run, url, command, monkeypatch):
    assert "\x1b" not in run(command, "--store", url).out
    assert "\x1b[" in run(command, "--store", url, "--color").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(command, "--store", url).out
