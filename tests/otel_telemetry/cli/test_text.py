from __future__ import annotations

import re
from datetime import UTC, datetime

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.cli.text import View, cells, columns, cut, duration, line, safe

NOW = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20 UTC
HOUR = 3_600 * 10**9


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (0, "0.00 ms"),
        (0.004, "0.00 ms"),
        (9.994, "9.99 ms"),
        (9.996, "10.0 ms"),
        (99.96, "100 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (59_949, "59.9 s"),
        (59_951, "1m 00s"),
        (3_599_400, "59m 59s"),
        (3_599_600, "1h 00m"),
        (86_399_600, "1d 00h"),
        (90_000_000, "1d 01h"),
        (-1500, "-1.50 s"),
    ],
)
def test_durations_are_read_at_a_glance(ms, text):
    assert duration(ms) == text


@given(st.floats(min_value=0, max_value=8.63e9))
def test_no_duration_under_a_hundred_days_is_wider_than_seven_cells(ms):
    assert len(duration(ms)) <= 7


@given(st.text())
def test_safe_text_holds_nothing_that_a_terminal_acts_on(text):
    shown = safe(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b31m", r"\x9b31m"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("\x00", r"\x00"),
        ("naïve 日本 🚀", "naïve 日本 🚀"),
    ],
)
def test_what_is_unsafe_is_escaped_and_the_rest_kept(text, shown):
    assert safe(text) == shown


@given(st.text(alphabet="aé日\u0301"), st.integers(0, 12))
def test_cut_text_fits(text, width):
    shown = cut(text, width)
    assert cells(shown) <= width
    assert (shown == text) == (cells(text) <= width)


def test_without_a_width_nothing_is_cut():
    assert cut("x" * 10_000, None) == "x" * 10_000
    assert line([("x" * 10_000, None)]) == "x" * 10_000


def test_a_line_is_cut_across_its_segments_and_colours_do_not_count():
    shown = line([("abc", "red"), ("defgh", None), ("ijk", "green")], 7)
    assert click.unstyle(shown) == "abcdef…"
    assert shown.startswith("\x1b[31mabc\x1b[0m")


def test_a_line_has_no_blanks_at_its_end():
    assert line([("a", "red"), ("   ", None), ("", "green")]) == click.style("a", fg="red")


def test_columns_align_by_cells_and_drop_empty_ones():
    rows = [
        [("a", None), ("", None), ("1", None), ("x", None)],
        [("日本", None), ("", None), ("22", None), ("yy", None)],
    ]
    assert [line(row) for row in columns(rows, right=frozenset({2}))] == ["a      1  x", "日本  22  yy"]
    assert columns([]) == []


def test_one_wide_cell_pushes_its_own_row_only():
    rows = [[("a", None), ("x", None)], [("b" * 50, None), ("y", None)]]
    assert [line(row) for row in columns(rows)] == ["a  x", "b" * 50 + "  y"]


def test_a_terminal_gets_the_part_of_a_time_that_differs_from_now():
    view = View(now_ns=NOW, width=80, utc=True)
    assert view.time(NOW - HOUR) == "21:13:20"
    assert view.time(NOW - 24 * HOUR) == "11-13 22:13"
    assert view.time(NOW - 400 * 24 * HOUR) == "2022-10-10 22:13:20Z"


def test_a_pipe_gets_times_whole():
    assert View(now_ns=NOW, utc=True).time(NOW) == "2023-11-14 22:13:20Z"
    assert View(now_ns=NOW, utc=True).full_time(NOW + 1_234_567) == "2023-11-14 22:13:20.001+00:00"


def test_times_are_local_unless_utc_is_asked_for():
    local = datetime.fromtimestamp(NOW // 10**9, tz=UTC).astimezone()
    assert View(now_ns=NOW).time(NOW) == f"{local:%Y-%m-%d %H:%M:%S}"
    assert re.search(r"[+-]\d\d:\d\d$", View(now_ns=NOW).full_time(NOW))


@pytest.mark.parametrize("ns", [-(2**63), 2**63 - 1, 10**20])
@pytest.mark.parametrize("utc", [True, False])
def test_no_time_is_too_far_away(ns, utc):
    view = View(now_ns=NOW, utc=utc)
    assert view.time(ns)
    assert view.full_time(ns)


def test_elapsed_time_is_never_negative():
    assert View(now_ns=NOW).elapsed(NOW + HOUR) == 0
    assert View(now_ns=NOW).elapsed(NOW - HOUR) == 3_600_000
