"""Secrets that only their place tells: in files of cookies, in hex."""

from __future__ import annotations

import json

import pytest

from span_processors.redaction import Redactor
from tests.span_processors.redaction.samples import GITHUB, b64, leaks

WORD = "sword" + "fish"
"""A secret that does not look like one."""
COOKIES = (
    f"h1.example.com\tFALSE\t/\tTRUE\t1700000000\tsid\t{WORD}\n#HttpOnly_.b.example\tTRUE\t/x\tFALSE\t0\tid\t{WORD}\r\n"
)


@pytest.mark.parametrize("text", [COOKIES, f"# Netscape HTTP Cookie File\n\n{COOKIES}"])
def test_a_file_of_cookies_keeps_their_names(text: str) -> None:
    clean = json.loads(Redactor().payload({"file": text})[0])["file"]
    assert leaks(WORD, clean) == []
    assert clean == text.replace(WORD, "[REDACTED:protocol]")


@pytest.mark.parametrize(
    "text", [f"password={WORD}", f'{{"token": "{WORD}-1"}}', GITHUB, f"user:pw\r\nAuthorization: Basic {WORD}"]
)
def test_a_text_in_hex_is_read(text: str) -> None:
    for written in (text.encode().hex(), text.encode().hex().upper()):
        clean = json.loads(Redactor().payload({"body": f"sent {written} to h1"})[0])["body"]
        assert clean == "sent [REDACTED:hex] to h1"


@pytest.mark.parametrize(
    "text",
    [
        b"nothing that is secret".hex(),
        "0123456789abcdef" * 4,
        "7365637265742e6b65793d" + "ff" * 8,
        "x" + f"password={WORD}".encode().hex(),
        "1\tTRUE\t2\tFALSE\n",
        "a\tFALSE\tb\tTRUE\tc\td\te\n",
    ],
)
def test_what_only_looks_so_is_kept(text: str) -> None:
    assert json.loads(Redactor().payload({"a": text})[0]) == {"a": text}


def test_of_many_encoded_texts_those_that_hold_a_secret_are_taken_out() -> None:
    texts = [f"password={WORD}{n}" if n % 3 == 0 else f"the {n}th key of a song" for n in range(300)]
    for encode in (b64, lambda text: text.encode().hex()):
        given = [encode(text) for text in texts]
        clean = Redactor().text(" ".join(given)).split(" ")
        assert [was == now for was, now in zip(given, clean, strict=True)] == [n % 3 > 0 for n in range(300)]
