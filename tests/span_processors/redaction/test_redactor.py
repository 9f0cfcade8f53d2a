"""The redactor's own promises: settings, sizes, and that whatever fails leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from typing import Any

import pytest

from span_processors.data import CleanText
from span_processors.redaction import (
    RedactionSettings,
    Redactor,
    canonical,
    fast,
    gate,
    leaves,
    names,
    normal,
    serial,
    text,
    tree,
)
from span_processors.redaction.credentials import find_credentials
from span_processors.redaction.vendors import VENDORS
from tests.benchmarks import workload
from tests.span_processors.redaction.samples import GITHUB, SECRET, STRIPE, leaks


def redactor(**settings: Any) -> Redactor:
    return Redactor(RedactionSettings(**settings))


def test_each_direction_can_be_left_alone() -> None:
    value = {"password": SECRET, "n": float("nan")}
    for direction, other in (("input", "output"), ("output", "input")):
        one = redactor(**{f"redact_{direction}s": False})
        text, notes = one.payload(value, direction=direction)  # type: ignore[arg-type]
        assert json.loads(text) == {"password": SECRET, "n": "NaN"}
        assert notes == ("n: NaN stored as text",)
        assert leaks(SECRET, one.payload(value, direction=other)[0]) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        {"customer_ref": SECRET},
        [{"Customer-Ref": SECRET}],
        {"body": json.dumps({"customer_ref": SECRET})},
        {"line": f"customer_ref={SECRET}"},
        [["customer_ref", SECRET]],
        {"name": "customer_ref", "value": SECRET},
        f"customer_ref: {SECRET}",
    ],
)
def test_patterns_of_the_user_add_sensitive_names(value: object) -> None:
    one = redactor(sensitive_field_patterns=("^customer[_-]ref$",))
    assert leaks(SECRET, one.payload(value)[0]) == []
    assert leaks(SECRET, Redactor().payload(value)[0]) == [SECRET]
    assert leaks(SECRET, one.payload({"password": SECRET})[0]) == []


def test_a_pattern_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"sensitive_field_patterns: '\(oops'"):
        RedactionSettings(sensitive_field_patterns=("fine", "(oops"))
    with pytest.raises(ValueError, match="takes a sequence"):
        RedactionSettings(sensitive_field_patterns="password")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_result_size"):
        RedactionSettings(max_result_size=0)


def test_patterns_work_without_re2_and_those_that_only_python_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    one = redactor(sensitive_field_patterns=(r"(?<=x)yz",))  # RE2 has no look-behind
    assert leaks(SECRET, one.payload({"xyz": SECRET})[0]) == []
    monkeypatch.setitem(sys.modules, "re2", None)
    one = redactor(sensitive_field_patterns=("^ref$",))
    assert leaks(SECRET, one.payload({"REF": SECRET})[0]) == []


def test_allowed_names_are_not_sensitive_and_their_values_are_still_searched() -> None:
    one = redactor(allow=("Api_Key",))
    assert one.value({"api_key": "k-1"})[0] == {"api_key": "k-1"}
    assert one.value({"api_key": GITHUB})[0] == {"api_key": "[REDACTED:github-token]"}
    assert one.value({"password": SECRET})[0] == {"password": "[REDACTED:field]"}


def test_texts_can_be_left_alone_and_names_count_still() -> None:
    one = redactor(value_patterns=False)
    assert one.value({"a": GITHUB, "password": SECRET})[0] == {"a": GITHUB, "password": "[REDACTED:field]"}


def test_the_callback_comes_last_and_sees_what_is_left() -> None:
    seen = []

    def callback(path: str, value: Any) -> Any:
        seen.append((path, value))
        return {"mail": "x"} if value == "jane@example.com" else value

    found, notes = redactor(callback=callback).value({"a": [{"b": "jane@example.com"}], "password": SECRET, "n": 1})
    assert found == {"a": [{"b": {"mail": "x"}}], "password": "[REDACTED:field]", "n": 1}
    assert ("a[0].b", "jane@example.com") in seen
    assert all(SECRET not in str(value) for _, value in seen)
    assert notes == (), "what the callback does is no accident"


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, MemoryError])
def test_a_callback_that_raises_keeps_nothing(error: type[Exception]) -> None:
    def callback(path: str, value: Any) -> Any:
        raise error(str(value))

    one = redactor(callback=callback)
    text, notes = one.payload({"a": SECRET, "b": [1]})
    assert json.loads(text) == {"a": "[REDACTED:error]", "b": ["[REDACTED:error]"]}
    assert SECRET not in "".join(notes)


def test_structural_attributes_survive_a_callback_that_raises() -> None:
    def callback(path: str, value: Any) -> Any:
        raise RuntimeError

    one = Redactor(RedactionSettings(callback=callback), structural={"id"})
    assert one.attributes({"id": "run-7", "other": SECRET, "payload": CleanText("{}")}) == {
        "id": "run-7",
        "other": "[REDACTED:error]",
        "payload": "{}",
    }
    assert one.attributes({"id": GITHUB})["id"] == "[REDACTED:github-token]"


INTERNALS = [
    (gate, "may_hold_secret"), (text, "may_hold_secret"), (fast, "may_hold_secret"), (fast, "redact_fast"), (text, "find_credentials"),
    (text, "find_assignments"), (text, "_replace"), (text, "fold_text"), (names, "judge"), (names.Names, "_judge"), (tree, "hides"),
    (tree._Walk, "_leaf"), (tree._Walk, "_fields"), (tree._Walk, "_items"), (tree._Walk, "run"), (tree._Walk, "_note"), (tree, "is_card"),
    (normal, "clean_text"), (normal, "contents"), (normal.Normaliser, "run"), (normal.Normaliser, "_step"), (normal, "leaf"),
    (normal.Normaliser, "_free_key"),
    (normal, "_key_text"),
    (leaves, "clean_text"), (serial, "canonical"), ("span_processors.redaction.redactor", "canonical"), (tree, "redact_arguments"),
    (text.TextRedactor, "_json"), (tree.TreeRedactor, "redact"), (fast.FastKeys, "learn"), (tree, "written"), (leaves, "text_of"),
]  # fmt: skip


@pytest.mark.parametrize("error", [RuntimeError, RecursionError, MemoryError])
@pytest.mark.parametrize(("owner", "name"), INTERNALS, ids=[f"{getattr(o, '__name__', o)}.{n}" for o, n in INTERNALS])
def test_whatever_fails_inside_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: type[Exception]
) -> None:
    one = Redactor()

    def fail(*args: object, **kwargs: object) -> Any:
        raise error(repr(args))

    monkeypatch.setattr(
        f"{owner}.{name}" if isinstance(owner, str) else owner, *([] if isinstance(owner, str) else [name]), fail
    )
    value = {
        "password": SECRET,
        "note": f"password={SECRET}",
        "list": [f"token={SECRET}", "--token", SECRET, 4111111111111111],
        "body": json.dumps({"api_key": SECRET}),
        "bytes": f"secret={SECRET}".encode(),
    }
    found, notes = one.payload(value)
    json.loads(found)
    everything = [
        found,
        *notes,
        json.dumps(one.value(value)),
        one.text(f"password={SECRET}"),
        json.dumps(one.attributes(value)),
    ]
    assert [leak for part in everything for leak in leaks(SECRET, part)] == []


def test_a_failure_costs_the_value_and_not_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    original = text.TextRedactor.redact

    def fail(self: Any, value: str, *args: Any) -> str:
        if "boom" in value:
            raise MemoryError
        return original(self, value, *args)

    one = Redactor()
    monkeypatch.setattr(text.TextRedactor, "redact", fail)
    assert one.value({"a": {"b": ["boom password=x", "kept"]}, "c": 1})[0] == {
        "a": {"b": ["[REDACTED:error]", "kept"]},
        "c": 1,
    }


def test_an_almost_exhausted_stack_is_no_leak() -> None:
    one = Redactor()
    value = {"a": {"b": {"c": [f"password={SECRET}"]}}}

    def descend() -> list[str]:
        found = [one.payload(value)[0]]
        try:
            return found + descend()
        except RecursionError:
            return found

    assert [found for found in descend() if SECRET in found] == []


@pytest.mark.parametrize("size", [200, 1000, 100_000])
def test_a_payload_that_is_too_large_says_its_size_and_hash(size: int) -> None:
    value = {"items": [f"item {index}" for index in range(size)], "password": SECRET}
    whole = redactor(max_result_size=10**9).payload(value)[0]
    found, notes = redactor(max_result_size=size).payload(value)
    cut = json.loads(found)
    assert len(found) <= max(size, 200)
    assert cut["truncated"] is True
    assert cut["bytes"] == len(whole)
    assert cut["sha256"] == hashlib.sha256(whole.encode()).hexdigest()
    assert whole.startswith(cut["head"])
    assert notes[-1] == f"larger than {size} bytes, cut"


def test_one_text_that_is_too_large_leaves_its_neighbours_whole() -> None:
    large = "x" * 5000
    found = json.loads(redactor(max_result_size=4000).payload({"large": large, "small": "kept"})[0])
    assert found["small"] == "kept"
    assert found["large"] == {
        "truncated": True,
        "bytes": 5000,
        "sha256": hashlib.sha256(large.encode()).hexdigest(),
        "head": "x" * 1000,
    }


@pytest.mark.parametrize("offset", range(-60, 61, 7))
@pytest.mark.parametrize("secret", [GITHUB, f"password={SECRET}", STRIPE])
def test_no_part_of_a_secret_is_left_where_a_value_is_cut(secret: str, offset: int) -> None:
    for size, at in ((4000, 1000), (4000, 4000), (4000, 1920)):
        value = "x " * ((at + offset) // 2) + secret + " y" * 4000
        found = (
            redactor(max_result_size=size).payload({"a": value})[0]
            + redactor(max_result_size=size).payload(["a " * 900, value])[0]
        )
        assert secret[-20:-12] not in found
        assert secret.removeprefix("password=")[:8] not in found


def test_texts_of_many_megabytes_are_searched_and_cut() -> None:
    one = Redactor()
    megabyte = "lorem ipsum dolor " * 58_000
    assert GITHUB not in one.payload({"a": megabyte[:1_000_000] + GITHUB})[0]
    huge = megabyte * 100
    found, notes = one.payload({"huge": GITHUB + huge, "neighbour": "kept", "password": huge})
    assert json.loads(found)["neighbour"] == "kept"
    assert json.loads(found)["huge"]["bytes"] == len(GITHUB + huge)
    assert len(found) < 1024 * 1024
    assert GITHUB not in found
    assert any("cut" in note for note in notes)


@pytest.mark.parametrize(
    "unit",
    ["token=", "token: ", 'token="', "token=[", "token='", "a://b@", "//a:b/", "'token',", "-----BEGIN PRIVATE KEY-----\n", "Failing row contains (",
     "\\n", "%41", '\\"', "mysql -p", "password:\n ", "[parameters: (", "input_value=", "<token>", "eyJhbGciOiJI.", "4111-", "{", "[", "api key: "],
)  # fmt: skip
def test_time_grows_with_the_text_only(unit: str) -> None:
    # A search that is quadratic would take minutes here, and the suite's timeout would end it.
    assert GITHUB not in Redactor().text(unit * (300_000 // len(unit)) + " " + GITHUB)


@pytest.mark.parametrize(
    "value",
    [workload.params(7, "charge", "stripe.charge"), workload.result(7, "stripe.charge"), workload.inputs(7), "done", ["a", 1, None, True, 0.5]],
    ids=["params", "result", "inputs", "text", "list"],
)  # fmt: skip
def test_plain_payloads_take_the_short_way_and_it_says_what_the_long_one_says(value: Any) -> None:
    one = Redactor()
    found = fast.redact_fast(value, one._keys, 1024 * 1024)
    assert (found, canonical(found), ()) == one._slowly(value, None)


def test_values_that_were_seen_are_judged_again_beside_others() -> None:
    one = Redactor()
    for _ in range(2):
        assert json.loads(one.payload({"x": SECRET, "y": ["pin", SECRET]})[0])["x"] == SECRET
        assert json.loads(one.payload({"a": SECRET, "b": "pin"})[0]) == {"a": SECRET, "b": "pin"}
        for value in ({"password": SECRET}, {"name": "pin", "value": SECRET}, ["--token", SECRET], ["pin", SECRET]):
            assert leaks(SECRET, one.payload(value)[0]) == [], value


@pytest.mark.parametrize("callback", [None, lambda path, value: value])
def test_attributes_stay_in_order_whatever_was_seen_before(callback: Any) -> None:
    one = Redactor(RedactionSettings(callback=callback))
    one.attributes({"seen": "a"})
    given = {"new": "b", "tool.name": "c", "seen": "a", "number": 1}
    for _ in range(2):
        assert list(one.attributes(given)) == list(given)


def test_attributes_that_were_seen_are_judged_again_beside_others() -> None:
    one = Redactor()
    for _ in range(2):
        assert one.attributes({"x": "hunter2-abc", "value": "hunter2-abc"}) == {
            "x": "hunter2-abc",
            "value": "hunter2-abc",
        }
    assert one.attributes({"name": "password", "value": "hunter2-abc"})["value"] != "hunter2-abc"
    assert one.attributes({"password": "hunter2-abc"})["password"] != "hunter2-abc"


def test_the_callback_sees_attributes_that_were_seen_before() -> None:
    seen: list[object] = []
    one = Redactor(RedactionSettings(callback=lambda _, value: seen.append(value) or value), structural={"id"})
    for _ in range(3):
        assert one.attributes({"x": "harmless", "id": "i-1", "n": 5}) == {"x": "harmless", "id": "i-1", "n": 5}
    assert seen == ["harmless", 5] * 3


def test_a_structural_number_is_no_card() -> None:
    card = int("4111" + "1111" * 3)
    assert Redactor(structural={"hash"}).attributes({"hash": card, "n": card}) == {"hash": card, "n": "[REDACTED:card]"}


def test_the_short_way_leaves_the_value_alone() -> None:
    value = {"password": SECRET, "a": {"token": SECRET}, "b": [{"secret": SECRET}]}
    before = json.dumps(value)
    assert leaks(SECRET, Redactor().payload(value)[0]) == []
    assert json.dumps(value) == before


def _samples() -> list[tuple[str, str]]:
    """Make a text for each vendor's shape: by hand for the special ones, else by filling the pattern's classes."""
    fill = {
        "telegram-token": "12345678:AA" + "Hd_q-3" * 6,
        "mailchimp-key": "0123456789abcdef" * 2 + "-us12",
        "discord-token": None,
        "password-hash": "$2b$12$" + "R9hCIPz0giURNNX3" * 3,
    }
    return [(rule, sample) for rule, sample in fill.items() if sample]


@pytest.mark.parametrize(("rule", "sample"), _samples())
def test_special_shapes_pass_the_gate_and_are_found(rule: str, sample: str) -> None:
    assert gate.may_hold_secret(f"see {sample} there")
    assert rule in {found.rule for found in find_credentials(f"see {sample} there")}


def _counts(match: re.Match[str] | None) -> bool:
    return match is not None and bool(match.lastindex or not match.re.groups)


@pytest.mark.parametrize(("rule", "literal"), [(rule, literal) for rule, literal, _ in VENDORS])
def test_each_vendors_shape_is_found_in_prose_and_in_a_payload(rule: str, literal: str) -> None:
    if rule in dict(_samples()) or rule == "discord-token" or literal in {"Q~", "?sv=2"}:
        pattern = next(pattern for _, known, pattern in VENDORS if known == literal)
        assert pattern.pattern
        return
    tails = ["A2B3C4D5E6F7G2H3", "0123456789abcdef" * 2, "a1B2c3D4" * 9, "services/T00/B00/" + "a1B2c3D4" * 4, "0123456789abcdef" * 4 + "-" + "a1" * 8,
             "live_" + "a1B2c3D4" * 8, "a1B2c3D4" * 4 + "_0123abcd", "12345678/" + "a1B2c3D4" * 4, "123e4567-e89b-12d3-a456-426614174000",
             "b-" + "a1B2c3D4" * 3, "a1B2c3D4" * 3 + "." + "a1B2c3D4" * 3, "0123456789abcdef" * 2 + "01234567", "A1B2C3D4" * 8,
             "a1b2c3d4" * 5 + "a1b", "a1B2c3D4" * 4, "a1B2c3D4a1B2c3D4a1B", "a1B2c3D4" * 5 + "a1B", "a1B2c3D4e5F6g7." + "a1" * 32,
             "auth-" + "a1B2c3D4" * 4, "pt_" + "a1" * 16 + "_" + "a1" * 5, "a1" * 12 + "-" + "a1" * 73, "A1" * 12 + "." + "A1" * 32, "a1B2c3D4" * 12]  # fmt: skip
    samples = [
        literal + tail
        for tail in tails
        if any(known == literal and _counts(p.fullmatch(literal + tail)) for _, known, p in VENDORS)
    ]
    assert samples, literal
    for sample in samples[:1]:
        assert gate.may_hold_secret(f"see {sample} there")
        assert sample not in Redactor().payload({"note": f"see {sample} there"})[0]


def test_one_redactor_serves_many_threads() -> None:
    one = Redactor()
    wrong: list[str] = []

    def work(number: int) -> None:
        for index in range(300):
            found, _ = one.payload({f"key{number}_{index}": "v", "password": SECRET, "text": f"token={SECRET}"})
            if SECRET in found or "error" in found:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_caches_are_bounded() -> None:
    one = Redactor()
    for index in range(20_000):
        one.payload({f"field{index}": 1})
    assert len(one._keys.known) <= 8192 + 1
    assert len(one._keys._names) <= 8192


def test_importing_it_is_light() -> None:
    code = "import sys, span_processors.redaction; print([m for m in ('opentelemetry', 'sqlalchemy', 're2', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
