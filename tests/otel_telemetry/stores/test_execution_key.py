"""Execution ids as bytes."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.rows.execution_key import NAMED, day_of, decode, encode, first_of_day, ranges

_DAY_MS = 86_400_000


def uuid7(number: int) -> str:
    """The UUID of version 7 that has these bits."""
    return str(uuid.UUID(int=number & ~(0xF << 76) | 7 << 76))


_UUIDS = st.uuids().map(str)
_UUIDS_7 = st.integers(0, 2**128 - 1).map(uuid7)
_EDGES = st.sampled_from([0, 2**120 - 1, 2**120, 255 << 120, (255 << 120) - 1, 2**128 - 1]).map(
    lambda number: str(uuid.UUID(int=number))
)
_EDGES_7 = st.sampled_from([0, 2**120 - 1, 2**120, 255 << 120, (255 << 120) - 1, 2**128 - 1]).map(uuid7)


@st.composite
def _nearly(draw: st.DrawFn) -> str:
    """Draw what begins like a UUID and goes on as it likes."""
    start = draw(_UUIDS | _UUIDS_7 | _EDGES | _EDGES_7)
    return start[: draw(st.integers(0, 36))] + draw(st.text(alphabet="019afgG-/: \U0001f600", max_size=3))


_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
IDS = _UUIDS | _UUIDS_7 | _EDGES | _EDGES_7 | _nearly() | _TEXTS


def is_short(execution_id: str) -> bool:
    return len(encode(execution_id)) == 16 and encode(execution_id)[:1] != NAMED


@given(IDS)
def test_an_id_comes_back_as_it_was(execution_id: str) -> None:
    assert decode(encode(execution_id)) == execution_id


@given(IDS, IDS)
def test_no_two_ids_have_one_key(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(IDS, IDS)
def test_keys_sort_as_ids_do_and_those_with_a_time_come_first(one: str, other: str) -> None:
    places = [(not is_short(text), text) for text in (one, other)]
    assert (encode(one) < encode(other)) == (places[0] < places[1])


@given(st.integers(0, 2**128 - 1))
def test_a_uuid_of_version_7_takes_sixteen_bytes_until_its_time_runs_out(drawn: int) -> None:
    text = uuid7(drawn)
    assert len(encode(text)) == (16 if drawn >> 120 != 0xFF else 37)
    assert is_short(text) == (drawn >> 120 != 0xFF)


@given(st.uuids())
def test_any_other_uuid_is_text(drawn: uuid.UUID) -> None:
    assert len(encode(str(drawn))) == (16 if drawn.hex[12] == "7" and drawn.bytes[0] != 0xFF else 37)


@given(_UUIDS_7)
def test_a_uuid_in_capitals_stays_in_capitals(text: str) -> None:
    assert decode(encode(text.upper())) == text.upper()


@given(IDS, st.integers(0, 36), IDS)
def test_what_begins_alike_lies_in_the_ranges_of_the_prefix_and_nothing_else_does(
    execution_id: str, length: int, other: str
) -> None:
    prefix = execution_id[:length]
    for text in (execution_id, other):
        key = encode(text)
        inside = [begin <= key and (end is None or key < end) for begin, end in ranges(prefix)]
        assert sum(inside) == text.startswith(prefix)


@given(st.integers(0, (255 << 40) // _DAY_MS - 1), st.integers(0, _DAY_MS - 1), st.integers(0, 2**80 - 1))
def test_a_day_is_a_range_of_keys(day: int, millisecond: int, rest: int) -> None:
    key = encode(uuid7((day * _DAY_MS + millisecond) << 80 | rest))
    assert first_of_day(day) <= key < first_of_day(day + 1)
    assert day_of(key) == day


@given(_TEXTS)
def test_a_name_is_of_no_day(name: str) -> None:
    assert day_of(encode(name)) is None or is_short(name)


def test_what_no_store_holds_can_be_asked_for() -> None:
    assert encode("\ud800") > encode("\ud7ff")
