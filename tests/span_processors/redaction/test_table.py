"""Places where a secret stands, and texts that only look so: tables, a case a line."""

from __future__ import annotations

import json
import random
import re
import string
from pathlib import Path

import pytest

from span_processors.redaction import Redactor
from tests.secret_places import card
from tests.span_processors.redaction.samples import leaks

HERE = Path(__file__).parent
_SECRET = re.compile("<([ST]|N.)>")


def lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def written(text: str, secrets: list[str]) -> str:
    """Put secrets into a line, and what cannot stand in one."""

    def secret(match: re.Match[str]) -> str:
        chosen = random.Random(f"{text} {len(secrets)}")
        if match[1][0] == "N":
            made = card(text).replace(" ", match[1][1])
        else:
            made = "q7" + "".join(chosen.choices(string.ascii_letters + string.digits, k=20))
            made += "==" if match[1] == "T" else ""
        secrets.append(made)
        return made

    for sign, meant in (("\\n", "\n"), ("\\r", "\r"), ("\\e", "\x1b")):
        text = text.replace(sign, meant)
    return _SECRET.sub(secret, text)


def values(text: str) -> list[object]:
    """Return a text, and what it is if it is JSON."""
    try:
        return [text, json.loads(text)]
    except ValueError:
        return [text]


@pytest.mark.parametrize("line", lines("table.txt"))
def test_secrets_are_taken_out_and_nothing_else(line: str) -> None:
    text, *kept = line.split(" ~")
    secrets: list[str] = []
    given = written(text, secrets)
    redactor = Redactor()
    for value in values(given):
        outputs: list[str] = [redactor.payload(value)[0], redactor.payload([{"a": value}])[0]]
        outputs += [redactor.text(value)] if isinstance(value, str) else []
        for out in outputs:
            assert [leak for secret in secrets for leak in leaks(secret, out)] == []
            assert "[REDACTED:" in out
            assert "[REDACTED:error]" not in out
            assert [word for word in kept if word.strip() not in out] == []


@pytest.mark.parametrize("line", lines("unchanged.txt"))
def test_what_only_looks_like_a_secret_is_kept(line: str) -> None:
    given = written(line, [])
    for value in values(given):
        assert json.loads(Redactor().payload({"a": value})[0]) == {"a": value}
    assert Redactor().text(given) == given
