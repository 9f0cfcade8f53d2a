"""Execution ids as bytes."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from otel_telemetry.stores.execution_key import decode, encode

_UUIDS = st.uuids().map(str)
_EDGES = st.sampled_from([0, 2**120 - 1, 2**120, 2**128 - 1]).map(lambda number: str(uuid.UUID(int=number)))


@st.composite
def _nearly(draw: st.DrawFn) -> str:
    """Draw what begins like a UUID and goes on as it likes."""
    start = draw(_UUIDS | _EDGES)
    return start[: draw(st.integers(0, 36))] + draw(st.text(alphabet="019afgG-/: \U0001f600", max_size=3))


IDS = _UUIDS | _EDGES | _nearly() | st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(IDS)
def test_an_id_comes_back_as_it_was(execution_id: str) -> None:
    assert decode(encode(execution_id)) == execution_id


@given(IDS, IDS)
def test_keys_sort_as_ids_do(one: str, other: str) -> None:
    assert (encode(one) < encode(other)) == (one < other)


@given(st.uuids())
def test_a_uuid_takes_sixteen_bytes_unless_it_begins_with_a_zero(drawn: uuid.UUID) -> None:
    assert len(encode(str(drawn))) == (16 if drawn.bytes[0] else 37)


@given(st.uuids(version=4).map(lambda drawn: str(drawn).upper()))
def test_a_uuid_in_capitals_stays_in_capitals(text: str) -> None:
    assert decode(encode(text)) == text


def test_what_no_store_holds_can_be_asked_for() -> None:
    assert encode("\ud800") > encode("\ud7ff")
