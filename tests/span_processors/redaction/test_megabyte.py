"""How long a megabyte takes to redact, with twenty rules of the user's own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from span_processors.redaction import RedactionSettings, Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1_000_000
RUNS = 20
LIMIT_S = 0.5
"""Far above what it takes: the figure is for reading, the limit for a rule that goes astray."""


def text(part: str) -> dict[str, str]:
    return {"text": (part * (MEGABYTE // len(part) + 1))[:MEGABYTE]}


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("records", [{"id": n, "name": f"item {n}", "price": n / 7, "tags": ["a", "b"]} for n in range(16_000)]),
        ("one word", text("x")),
        ("log lines", text("2026-11-22T10:00:00Z INFO orders handled id=12345 path=/orders/7 in 12 ms\n")),
        ("words of secrets", text("password is not a token; key: none; ")),
    ],
)
@pytest.mark.promise("P18")
def test_a_megabyte(what: str, value: Any, observed: Callable[[str], None]) -> None:
    redactor = Redactor(RedactionSettings(sensitive_field_patterns=tuple(f"^kiwi_{n}_[a-z]+$" for n in range(20))))
    took = []
    for _ in range(RUNS):
        began = time.thread_time()
        redactor.payload(value)
        took.append(time.thread_time() - began)
    took.sort()
    assert took[RUNS // 2] < LIMIT_S
    size = len(json.dumps(value)) / MEGABYTE
    observed(f"{what}, {size:.1f} MB: {took[RUNS // 2] * 1000:.0f} ms of CPU, at most {took[-1] * 1000:.0f}")
