"""A signal handler that records may come at any moment of a recording, locks held or not."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

import otel_telemetry as ot
from tests.durability.support import SPANS, record, sink

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = ("/span_processors/", "/otel_telemetry/")


@pytest.mark.promise("P13")
def test_a_signal_anywhere_in_a_recording(observed: Callable[[str], None]) -> None:
    handled, places = 0, set()

    def handler(*_: object) -> None:
        nonlocal handled
        sys.setprofile(None)
        with telemetry.execution("from the handler"):
            handled += 1
        sys.setprofile(profile)

    def profile(frame: Any, event: str, _: object) -> None:
        """Send a signal wherever the interpreter looks for signals: in functions entered, and after calls into C."""
        code = frame.f_code
        is_ours = any(ours in code.co_filename for ours in OURS) and "/tests/" not in code.co_filename
        if is_ours and event in {"call", "c_return"}:
            places.add((code.co_filename, frame.f_lineno))
            signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with ot.configure("memory://") as telemetry:
            record(telemetry, 1)
            sys.setprofile(profile)
            try:
                record(telemetry, 2)
                telemetry.health()
            finally:
                sys.setprofile(None)
            telemetry.flush(60)
            account = sink(telemetry.health())
            found = [run.workflow_name for run in telemetry.store.iterate()]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert account.accepted == handled + 3 * SPANS
    assert account.pending == 0
    assert account.stored + account.dropped.get("reentrant", 0) == account.accepted
    assert found.count("w") == 3
    assert len(places) > 60  # of compiled modules no lines are seen
    observed(
        f"{handled:,} signals at {len(places)} places, each recording a run: {account.stored:,} of {account.accepted:,}"
        f" spans stored, {sum(account.dropped.values())} counted as dropped, no deadlock"
    )
