"""Text for people: safe to print, cut to a width, times and durations as they are read."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Segment: TypeAlias = tuple[str, str | None]
"""A piece of a line and its colour (a name that `click.style` knows, or None)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How output is looked at: `width` in cells (None: a pipe or file, nothing is cut), time zone, and what now is."""

    now_ns: int
    width: int | None = None
    utc: bool = False

    def time(self, ns: int) -> str:
        """Say when, to the second: date and time, in a terminal only the part that differs from today."""
        moment = self._moment(ns)
        if moment is None:
            return f"{ns} ns"
        now = self._moment(self.now_ns)
        if self.width is None or now is None or moment.year != now.year:
            return f"{moment:%Y-%m-%d %H:%M:%S}" + ("Z" if self.utc else "")
        return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%m-%d %H:%M}"

    def full_time(self, ns: int) -> str:
        """Say when, with the date, to the millisecond, and the offset from UTC."""
        moment = self._moment(ns)
        return f"{ns} ns" if moment is None else moment.isoformat(" ", "milliseconds")

    def elapsed(self, started_ns: int) -> float:
        """Milliseconds from then to now; 0 where clocks disagree."""
        return max(0, self.now_ns - started_ns) / 1e6

    def _moment(self, ns: int) -> datetime | None:
        try:
            moment = _EPOCH + timedelta(microseconds=ns // 1000)
            return moment if self.utc else moment.astimezone()
        except (OverflowError, ValueError, OSError):  # before year 1 or after 9999
            return None


def duration(ms: float | None) -> str:
    """Say how long, in at most 7 characters for anything under 100 days; None as nothing.

    >>> [duration(ms) for ms in (0.4217, 312.4, 1240, 61_000, 7_500_000, 273_600_000, None)]
    ['0.42 ms', '312 ms', '1.24 s', '1m 01s', '2h 05m', '3d 04h', '']
    """
    if ms is None:
        return ""
    if ms < 0:
        return "-" + duration(-ms)
    if ms < 999.5:  # noqa: PLR2004  (rounds to less than a second)
        return _three_digits(ms, "ms")
    if ms < 59_950:  # noqa: PLR2004  (rounds to less than a minute)
        return _three_digits(ms / 1000, "s")
    seconds = round(ms / 1000)
    for name, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60)):
        if seconds >= size:
            return f"{seconds // size}{name} {seconds % size // part:02}{smaller}"
    return f"{seconds // 60}m {seconds % 60:02}s"


def _three_digits(value: float, unit: str) -> str:
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0  # noqa: PLR2004  (where rounding adds a digit)
    return f"{value:.{decimals}f} {unit}"


def safe(text: str) -> str:
    r"""Escape whatever a terminal may act on or hide: control and format characters, separators, surrogates.

    >>> safe("red \x1b[31m, new\nline, \u202egnol")
    'red \\x1b[31m, new\\nline, \\u202egnol'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cells(text: str) -> int:
    """How many columns a terminal needs for `text`."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int | None) -> str:
    """Shorten `text` to `width` cells, ending in an ellipsis where something is left out; None leaves it whole."""
    if width is None or cells(text) <= width:
        return text
    kept, room = [], width - 1
    for c in text:
        room -= cells(c)
        if room < 0:
            break
        kept.append(c)
    return "".join(kept) + "…" if width > 0 else ""


def line(segments: Iterable[Segment], width: int | None = None) -> str:
    """Join segments into one coloured line of at most `width` cells; `click.echo` strips colours where none belong."""
    parts, used = [], 0
    for text, colour in segments:
        shown = text if width is None else cut(text, width - used)
        used += cells(shown)
        parts.append(click.style(shown, fg=colour) if colour and shown.strip() else shown)
    return "".join(parts).rstrip()


def columns(
    rows: Sequence[Sequence[Segment]], *, right: frozenset[int] = frozenset(), limit: int = 40
) -> list[list[Segment]]:
    """Align rows of equally many cells, all but the last; a cell wider than `limit` pushes its own row only.

    A column that is empty in every row is left out.
    """
    if not rows:
        return []
    last = len(rows[0]) - 1
    found = [[cells(row[i][0]) for row in rows] for i in range(last + 1)]
    widths = [max((width for width in column if width <= limit), default=limit) for column in found]
    aligned = []
    for row in rows:
        segments: list[Segment] = []
        for i, (text, colour) in enumerate(row):
            if i == last:
                segments.append((text, colour))
            elif widths[i]:
                fill = (" " * (widths[i] - cells(text)), None)
                segments += [fill, (text, colour)] if i in right else [(text, colour), fill]
                segments.append(("  ", None))
        aligned.append(segments)
    return aligned
