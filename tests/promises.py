"""The promises: what is promised, the tests that show it, what they saw, and what is known of others.

A test of a promise says which one, and what it saw:

    @pytest.mark.promise("P10")
    def test_a_flush_keeps_its_timeout(observed):
        ...
        observed("it took 0.201 s of 0.2")

``python -m tests.promises [--slow] [arguments of pytest]`` runs these tests and prints the table; with ``--slow`` also
those that take long. It ends with 1 where one has failed, or a promise has no test. The table goes to stdout, what
pytest says to stderr.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

from tests.marked import run_marked


class Promise(NamedTuple):
    """What is promised, and what another system does in its place."""

    words: str
    others: str


PROMISES = {
    "P1": Promise("the host sees no exception of ours and loses none of its own", "OTel: on_end replaces the host's"),
    "P2": Promise("a hung backend blocks no host thread for 1 ms (p99.9)", "OTel Simple: 127 s (otel-python#2024)"),
    "P3": Promise(
        "accepted = stored + pending + dropped, always, across restarts and kills",
        "Sentry node reported 7 of 8; OTel: one log line per 20 s",
    ),
    "P4": Promise("overflow is a choice; errors outrank details", "OTel drops the oldest; Vector: block, drop_newest"),
    "P5": Promise("memory and disk bounded in bytes", "OTel 502 MB at 600 spans; logfire 512 MB, codex 9.8 GB of disk"),
    "P6": Promise("what was acknowledged survives SIGKILL", "Fluent Bit loses acknowledged records (#10952)"),
    "P7": Promise(
        "power loss: none acknowledged lost at full, never damage",
        "bare SQLite 0/60, 55/60 up to 11; Vector 500 ms",
    ),
    "P8": Promise("a crash leaves a visible record", "OTel: nothing; logfire: pending for ever (#741)"),
    "P9": Promise("cancelled and abandoned are not succeeded", "OTel: status unset"),
    "P10": Promise("flush(t) returns within t + 100 ms and is truthful", "OTel: 2.0 s of 100 ms, and True"),
    "P11": Promise("exit within 5 s, exit code kept, nothing uncounted", "OTel 20.6 and 30.0 s; Sentry 2 s"),
    "P12": Promise("children of every kind record, none twice", "OTel: 1 of 10 (contrib#4916)"),
    "P13": Promise("signals, finalizers and re-entry are safe anywhere", "OTel deadlocks"),
    "P14": Promise("16 processes on one file without a lock error", "bare SQLite 0/900, or 450/900"),
    "P15": Promise("a poison record costs no other", "OTel, PostgreSQL's COPY, MLflow: the whole batch"),
    "P16": Promise("every store and format gives the same answer", "none of them"),
    "P17": Promise("no secret anywhere, nothing else removed", "logfire 43, Sentry 73, gitleaks 66 of 84"),
    "P18": Promise(
        "the redactor fails closed, in linear time (1 MB)", "logfire fails open; re: 16.8 s for 29 characters"
    ),
    "P19": Promise("ids are unique under random.seed and fork", "OTel collides"),
    "P20": Promise("durations are never negative, clock steps are told", "OTel -3600 s"),
    "P21": Promise("our own work is not traced", "one more span per row"),
    "P22": Promise("values of any size are kept, or cut and marked", "Temporal 256 KB/2 MB; OTel: request dropped"),
    "P27": Promise("an outage: 0 lost, 0 twice, stored 5 s after", "gbrain: 66 rows lost with 3 retries"),
    "P28": Promise("stores of other versions are read and migrated, or left", "MLflow: the very same version or none"),
}


_MOST_FIGURES = 8


class Shown(NamedTuple):
    """One test of a promise, as it went."""

    promise: str
    test: str
    passed: bool
    observed: str | None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put the promises on the test's report, which xdist carries from its workers."""
    for marker in item.iter_markers("promise"):
        item.user_properties.append(("promise", marker.args[0]))


def shown(report: pytest.TestReport) -> list[Shown]:
    """Return what the report of a test says about promises; nothing where it is not the last word."""
    if report.when != "call" and report.passed:
        return []
    observed = next((str(value) for name, value in report.user_properties if name == "observed"), None)
    test = report.nodeid.partition("[")[0]
    promises = [str(value) for name, value in report.user_properties if name == "promise"]
    return [Shown(promise, test, report.passed, observed) for promise in promises]


def table(found: list[Shown]) -> str:
    """Return a table in Markdown, a line for each promise."""
    by_promise: dict[str, list[Shown]] = defaultdict(list)
    for one in found:
        by_promise[one.promise].append(one)
    lines = [("", "promise", "shown by", "observed", "known of others"), ("---",) * 5]
    lines += [
        (number, promise.words, _tests(by_promise[number]), _figures(by_promise[number]), promise.others)
        for number, promise in PROMISES.items()
    ]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def broken(found: list[Shown]) -> list[str]:
    """Return the promises of which a test has failed, or that have none."""
    kept = {one.promise for one in found} - {one.promise for one in found if not one.passed}
    return [number for number in PROMISES if number not in kept]


def _tests(found: list[Shown]) -> str:
    counts = Counter(one.test for one in found)
    tests = [f"{test} ({count})" if count > 1 else test for test, count in sorted(counts.items())]
    return "<br>".join(tests) or "**none**"


def _figures(found: list[Shown]) -> str:
    failed = sorted({f"**failed: {one.test}**" for one in found if not one.passed})
    figures = list(dict.fromkeys(one.observed for one in found if one.observed and one.passed))
    passed = f"{sum(one.passed for one in found)} of {len(found)} passed"
    return "<br>".join([*failed, passed, *figures[:_MOST_FIGURES]]) + "<br>…" * (len(figures) > _MOST_FIGURES)


class _Collector:
    def __init__(self) -> None:
        self.found: list[Shown] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.found += shown(report)


def main(arguments: list[str]) -> int:
    """Return 0 where every promise was shown to hold."""
    collector = _Collector()
    code = run_marked("promise", arguments, collector)
    print(table(collector.found))
    return code or bool(broken(collector.found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
