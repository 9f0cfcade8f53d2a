"""Any value becomes JSON that every backend can hold, and says what it lost."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from collections import ChainMap, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import attrs
import orjson
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from span_processors.redaction import Redactor, canonical, normalise

Point = namedtuple("Point", "x y")  # noqa: PYI024


class Level(enum.IntEnum):
    HIGH = 3


class Mode(enum.Enum):
    FAST = ("a", 1)


@dataclass
class Order:
    id: int
    lines: list[Any] = field(default_factory=list)


@attrs.define
class Slotted:
    a: int


class Model(pydantic.BaseModel):
    name: str
    secret: pydantic.SecretStr = pydantic.SecretStr("x")


@dataclass(slots=True)
class HalfSet:
    a: int = field(init=False)


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        ("a\0b", "a\ufffdb"),
        ("a\ud800b\udfffé", "a\ufffdb\ufffdé"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\x00", "base64:/wA="),
        (bytearray(b"x"), "x"),
        (memoryview(b"xyz")[::2], "xz"),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (deque([1, 2]), [1, 2]),
        (Point(1, 2), {"x": 1, "y": 2}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(int, a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (ChainMap({"a": 1}, {"b": 2}), {"b": 2, "a": 1}),
        (Order(1, [Order(2)]), {"id": 1, "lines": [{"id": 2, "lines": []}]}),
        (Slotted(1), {"a": 1}),
        (HalfSet(), {"a": None}),
        (Model(name="n"), {"name": "n", "secret": "<SecretStr>"}),
        (Level.HIGH, 3),
        (Mode.FAST, ["a", 1]),
        (dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2025-01-02T03:04:05+00:00"),
        (dt.date(2025, 1, 2), "2025-01-02"),
        (dt.timedelta(minutes=1), "0:01:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("/a/b"), "/a/b"),
        (object(), "<object>"),
        (ValueError("secret"), "<ValueError>"),
        ((n for n in [1]), "<generator>"),
        (
            {1: "a", "1": "b", None: "c", b"k": "e", Level.HIGH: "f", (1, 2): "g"},
            {"1": "a", "1#2": "b", "null": "c", "k": "e", "3": "f", "[1,2]": "g"},
        ),
        (-0.0, -0.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_type_has_one_normal_form(value: object, normal: object) -> None:
    found, notes = normalise(value)
    assert found == normal
    assert repr(found) == repr(normal)
    plain = isinstance(value, int | float | str | list | dict | tuple) and json.loads(canonical(found)) == value
    assert notes or plain or found == value or not isinstance(value, bytes | str | int)


def test_cycles_and_depth_end_where_they_begin() -> None:
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})
    assert normalise(cycle) == ([1, {"again": "[cycle]"}], ("[1].again: contains itself",))
    shared = [1]
    assert normalise([shared, shared]) == ([[1], [1]], ())
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    found, notes = normalise(deep)
    assert canonical(found) == "[" * 64 + '"[REDACTED:depth]"' + "]" * 64
    assert len(notes) == 1


def test_values_that_unfold_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("span_processors.redaction.normal.MAX_NODES", 1000)
    bomb: list[Any] = [1]
    for _ in range(40):
        bomb = [bomb, bomb]
    found, notes = normalise(bomb)
    assert len(canonical(found)) < 100_000
    assert "[REDACTED:size]" in canonical(found)
    assert notes[-1].startswith("and ")


def test_notes_are_bounded_and_name_the_place() -> None:
    _, notes = normalise({"a": [float("nan")] * 20})
    assert notes[0] == "a[0]: NaN stored as text"
    assert len(notes) == 17
    assert notes[-1] == "and 4 more"


class _Hostile:
    def _raise(self, *args: object) -> Any:
        raise RuntimeError("hostile")

    __str__ = __repr__ = __hash__ = __eq__ = __iter__ = __len__ = __bool__ = __getattr__ = _raise  # type: ignore[assignment]
    __format__ = __fspath__ = __index__ = __int__ = __float__ = __bytes__ = __getitem__ = keys = items = _raise


class HostileObject(_Hostile):
    pass


class HostileStr(_Hostile, str):
    __slots__ = ()
    __hash__ = str.__hash__
    lower = encode = isascii = replace = split = _Hostile._raise


class HostileInt(_Hostile, int):
    __add__ = __lt__ = __le__ = __sub__ = _Hostile._raise


class HostileFloat(_Hostile, float):
    __sub__ = _Hostile._raise


class HostileDict(_Hostile, dict):
    copy = values = get = _Hostile._raise


class HostileList(_Hostile, list):
    copy = index = _Hostile._raise


class HostileBytes(_Hostile, bytes):
    decode = _Hostile._raise


class LyingClass:
    @property
    def __class__(self) -> type:
        raise RuntimeError("hostile")


class HostileMeta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("hostile")


class HostileType(metaclass=HostileMeta):
    pass


class EndlessMapping(dict):
    pass


@pytest.mark.parametrize("redactor", [Redactor()])
def test_hostile_values_cost_no_neighbour(redactor: Redactor) -> None:
    secret = "hunter2" + "canary"
    value = {
        "object": HostileObject(),
        "str": HostileStr("text"),
        "int": HostileInt(5),
        "float": HostileFloat(0.5),
        "dict": HostileDict(a=1, password=secret),
        "list": HostileList([1, f"password={secret}"]),
        "bytes": HostileBytes(b"b"),
        "lying": LyingClass(),
        "type": HostileType(),
        HostileStr("password"): secret,
        "neighbour": "kept",
    }
    text, notes = redactor.payload(value)
    found = json.loads(text)
    assert found.pop("type") in {"<HostileType>", "[REDACTED:error]"}
    assert found == {
        "object": "<HostileObject>",
        "str": "text",
        "int": 5,
        "float": 0.5,
        "dict": {"a": 1, "password": "[REDACTED:field]"},
        "list": [1, "password=[REDACTED:field]"],
        "bytes": "b",
        "lying": "<LyingClass>",
        "password": "[REDACTED:field]",
        "neighbour": "kept",
    }
    assert secret not in "".join(notes)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=20) | st.dates() | st.uuids()
    | st.text(st.characters(codec=None), max_size=20) | st.decimals(allow_nan=False) | st.timedeltas()
)  # fmt: skip
KEYS = st.text(max_size=10) | st.integers() | st.none() | st.binary(max_size=5) | st.booleans()
WORDS = st.sampled_from(
    ["password", "token", "=", ":", " ", '"', "'", "{", "}", "[", "]", ",", "\\", "%41", "\n", "- ", "Bearer ", "://", "@", "abc1",
     "x9Zq7", "[REDACTED:field]", "api_key", "Basic ", "4111 1111 1111 1111", "eyJhbGciOiJIUzI1NiJ9", ".", "-p", "mysql ", "<", ">", "/",
     "cookie", "&quot;", "?", "&", "is ", "(", ")", ";", "|", "\\n", "\\u0070", "é", "ｐ", "\0", "$", "-----BEGIN ", "PRIVATE KEY-----"]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=12).map("".join)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | TEXTS, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(SCALARS, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_the_result_is_json_and_stable(value: object) -> None:
    found, _ = normalise(value)
    text = canonical(found)
    assert text.isascii()
    assert canonical(orjson.loads(text)) == text
    assert canonical(json.loads(text)) == text
    again, notes = normalise(orjson.loads(text))
    assert canonical(again) == text
    assert notes == ()


@given(VALUES)
def test_redaction_is_total_and_idempotent(value: object) -> None:
    redactor = Redactor()
    text, _ = redactor.payload(value)
    assert text.isascii()
    assert "[REDACTED:error]" not in text
    clean = json.loads(text)
    assert redactor.value(value)[0] == clean
    again, notes = redactor.payload(clean)
    assert json.loads(again) == clean
    assert notes == ()
