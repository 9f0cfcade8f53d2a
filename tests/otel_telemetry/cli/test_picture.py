from __future__ import annotations

import dataclasses

import click
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.cli.picture import compact, listing, named, picture, reasons
from otel_telemetry.cli.story import failure
from otel_telemetry.cli.text import View, cells
from otel_telemetry.records import ExecutionStatus, ExecutionSummary, ExecutionType, StepStatus
from otel_telemetry.semconv import FIRST_ITEM_MS, ITEM_COUNT, OUTCOME
from tests.otel_telemetry.cli.records import ID, MS, START, call, error, execution, failed_invoice, foreign, info, step

NOW = START + 5_000 * MS
PIPE = View(now_ns=NOW, utc=True)
HOSTILE = "\x1b]0;owned\x07\x1b[2J\nfake line\r\u202e" + "A" * 10_000


def summary(**more) -> ExecutionSummary:
    facts = {
        "execution_id": ID,
        "type": ExecutionType.WORKFLOW,
        "workflow_name": "invoice",
        "workflow_version": "3",
        "status": ExecutionStatus.COMPLETED,
        "started_at": START,
        "completed_at": START + 300 * MS,
    }
    return ExecutionSummary(**{**facts, **more})


def plain(lines):
    return [click.unstyle(text) for text in lines]


def terminal(width):
    return View(now_ns=NOW, utc=True, width=width)


def test_the_picture_of_a_failed_run():
    assert plain(picture(failed_invoice(), PIPE)) == [
        f"invoice 3  failed  2023-11-14 22:13:20.000+00:00  300 ms  {ID}",
        "  caller   cron",
        '  metadata tenant="acme"',
        "  inputs   order=7",
        "├─ fetch              failed     +10.0 ms  5.00 ms",
        "│     not_found (external): no such file: orders.csv",
        "├─ fetch (attempt 2)  completed  +20.0 ms  10.0 ms  code 3f2a9c1b7d00",
        "├─ charge             failed     +40.0 ms   200 ms",
        "│  │  charge_failed (external): order 7 was not charged",
        '│  └─ stripe.charge   failed     +50.0 ms   180 ms  order=7 api_key="[REDACTED:field]"',
        "│        stripe.timeout (external): no answer in 3 s",
        "│        caused by ConnectionRefusedError (external, retryable): port 443",
        "└─ mail               skipped                       no address",
    ]


def test_with_full_payloads_stand_below_their_part():
    called = call(params={"order": 7}, result=["ok"])
    record = execution(
        step("charge", tool_calls=(called,), tool_params={"a": 1}, tool_result=True), outputs={"b": None}
    )
    assert plain(picture(record, terminal(60), full=True))[1:] == [
        "  outputs {",
        '    "b": null',
        "  }",
        "└─ charge            completed  +10.0 ms  200 ms",
        "   │  params {",
        '   │    "a": 1',
        "   │  }",
        "   │  result true",
        "   └─ stripe.charge  completed  +20.0 ms  100 ms  order=7",
        "         params {",
        '           "order": 7',
        "         }",
        "         result [",
        '           "ok"',
        "         ]",
    ]


def test_a_running_run_shows_how_long_it_has_been_at_it():
    record = execution(
        step("wait", at=1_000, lasted=None, status=StepStatus.RUNNING), lasted=None, status=ExecutionStatus.RUNNING
    )
    shown = plain(picture(record, PIPE))
    assert "running  2023-11-14 22:13:20.000+00:00  5.00 s…" in shown[0]
    assert shown[1] == "└─ wait  running  +1.00 s  4.00 s…"


def test_an_interrupted_run_does_not_pretend_to_know_how_long_it_took():
    record = execution(
        step("wait", lasted=None, status=StepStatus.RUNNING),
        lasted=None,
        status=ExecutionStatus.RUNNING,
        interrupted=True,
    )
    shown = plain(picture(record, PIPE))
    assert shown[0] == f"invoice 3  interrupted  2023-11-14 22:13:20.000+00:00  {ID}"
    assert shown[1] == "└─ wait  interrupted  +10.0 ms"


def test_how_a_generator_ended_is_told():
    def rows(at, seen, status=StepStatus.COMPLETED):
        return step(f"rows {at}", at, status=status, span=info(at, 1, attributes=seen))

    record = execution(
        rows(10, {ITEM_COUNT: 1, FIRST_ITEM_MS: 1.5, OUTCOME: "abandoned"}),
        rows(20, {ITEM_COUNT: 0, OUTCOME: "closed"}),
        rows(30, {ITEM_COUNT: 2, OUTCOME: "cancelled"}, StepStatus.FAILED),
    )
    assert plain(picture(record, PIPE))[1:] == [
        "├─ rows 10  completed  +10.0 ms  200 ms  1 item, first after 1.50 ms, abandoned",
        "├─ rows 20  completed  +20.0 ms  200 ms  0 items, closed",
        "└─ rows 30  cancelled  +30.0 ms  200 ms  2 items",
    ]


def test_an_error_without_a_message_ends_without_a_colon():
    assert plain(listing([summary(error=error("cancelled", ""))], PIPE))[0].endswith("  cancelled")


def test_generators_foreign_spans_tool_steps_and_problems_are_told():
    record = execution(
        step("pages", span=info(2, 1, attributes={ITEM_COUNT: 12})),
        step("mail", at=20, tool_name="smtp.send", tool_params={"to": "x"}),
        spans=(foreign(3, 2, at=15),),
        problems=("inputs: NaN stored as text",),
        span=info(1),
    )
    assert plain(picture(record, PIPE))[1:] == [
        "  note: inputs: NaN stored as text",
        "├─ pages      completed  +10.0 ms   200 ms  12 items",
        "│  └─ span 3  completed  +15.0 ms  5.00 ms",
        '└─ mail       completed  +20.0 ms   200 ms  smtp.send to="x"',
    ]


def test_colours_follow_the_state():
    shown = "\n".join(picture(failed_invoice(), PIPE))
    for state, colour in (("failed", "red"), ("completed", "green"), ("skipped", "yellow")):
        assert click.style(state, fg=colour) in shown


def test_a_terminal_gets_lines_of_its_width_and_the_whole_id():
    for width in (20, 40, 80):
        head, *rest = plain(picture(failed_invoice(), terminal(width)))
        assert head.endswith(ID)
        assert all(cells(text) <= width for text in rest)


def test_reasons_name_path_causes_and_parameters():
    record = failed_invoice()
    assert plain(reasons(record, failure(record), PIPE)) == [
        f"invoice 3  failed  2023-11-14 22:13:20.000+00:00  300 ms  {ID}",
        "  at     invoice > charge > stripe.charge",
        "  cause  ConnectionRefusedError (external, retryable): port 443",
        "  then   stripe.timeout (external): no answer in 3 s",
        "  then   charge_failed (external): order 7 was not charged",
        "  with   order=7",
        '         api_key="[REDACTED:field]"',
    ]


def test_reasons_give_the_detail_of_the_root_cause():
    record = execution(status=ExecutionStatus.FAILED, error=error(detail={"status": 504}))
    assert "         status=504" in plain(reasons(record, failure(record), PIPE))


def test_reasons_say_when_there_are_none():
    failed = execution(status=ExecutionStatus.FAILED)
    assert "  cause  no error was reported" in plain(reasons(failed, failure(failed), PIPE))
    gone = execution(status=ExecutionStatus.RUNNING, lasted=None, interrupted=True)
    assert "  cause  the process that ran it went away" in plain(reasons(gone, failure(gone), PIPE))


def test_a_list_has_one_line_a_run():
    runs = [
        summary(),
        summary(status=ExecutionStatus.FAILED, error=failed_invoice().error, workflow_name="refund"),
        summary(status=ExecutionStatus.RUNNING, completed_at=None, interrupted=True, workflow_version=None),
        summary(
            status=ExecutionStatus.FAILED,
            error=error(tool_name="http.get"),
            type=ExecutionType.DIRECT,
            workflow_name=None,
        ),
    ]
    assert plain(listing(runs, PIPE)) == [
        f"completed    2023-11-14 22:13:20Z  300 ms  invoice   3  {ID}",
        f"failed       2023-11-14 22:13:20Z  300 ms  refund    3  {ID}  charge: charge_failed: order 7 was not charged",
        f"interrupted  2023-11-14 22:13:20Z          invoice      {ID}",
        f"failed       2023-11-14 22:13:20Z  300 ms  (direct)  3  {ID}  http.get: timeout: no answer in 3 s",
    ]
    assert list(listing([], PIPE)) == []


def test_a_list_on_a_terminal_keeps_the_error_in_sight():
    runs = [summary(status=ExecutionStatus.FAILED, error=failed_invoice().error, workflow_name="w" * 100)]
    (shown,) = plain(listing(runs, terminal(100)))
    assert cells(shown) == 100
    assert ID[:18] in shown
    assert "charge: charge_failed" in shown
    (shown,) = plain(listing(runs, terminal(160)))
    assert ID in shown


def test_hostile_data_stays_data():
    hostile = error(HOSTILE, HOSTILE, cause=error(HOSTILE, "cause", detail={HOSTILE: HOSTILE}), step_id=HOSTILE)
    record = execution(
        step(
            HOSTILE,
            status=StepStatus.FAILED,
            error=hostile,
            tool_calls=(call(HOSTILE, params={HOSTILE: HOSTILE}, error=hostile),),
        ),
        step("s", at=20, status=StepStatus.SKIPPED, skip_reason=HOSTILE, code_hash=HOSTILE),
        spans=(dataclasses.replace(foreign(9, 1), span=dataclasses.replace(info(9, 1), name=HOSTILE)),),
        workflow_name=HOSTILE,
        workflow_version=HOSTILE,
        caller_id=HOSTILE,
        metadata={HOSTILE: [HOSTILE]},
        inputs=HOSTILE,
        status=ExecutionStatus.FAILED,
        error=hostile,
        problems=(HOSTILE,),
    )
    run = summary(workflow_name=HOSTILE, workflow_version=HOSTILE, status=ExecutionStatus.FAILED, error=hostile)
    for view in (PIPE, terminal(80)):
        for full in (True, False):
            shown = [
                *picture(record, view, full=full),
                *reasons(record, failure(record), view),
                *listing([run], view),
            ]
            assert all(click.unstyle(text).isprintable() for text in shown)
            if view.width:
                tables = plain([*listing([run], view)]) + ([] if full else plain(picture(record, view))[1:])
                assert all(cells(text) <= view.width for text in tables)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_value_is_one_printable_line(value):
    assert compact(value).isprintable()
    assert all(text.isprintable() for text in named(value))
