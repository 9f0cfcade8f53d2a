"""Values of any size: kept to the byte, or cut, with a mark that says how much there was; never silently."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

import pytest

import otel_telemetry as ot

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20
SIZES = [1, 10, 100, 1_000, 10_000, 100_000, MIB - 3, MIB - 2, MIB - 1, MIB, 10_000_000, 100_000_000]


@pytest.mark.parametrize("place", ["inputs", "outputs", "arguments", "result"])
@pytest.mark.promise("P22")
def test_a_value_is_kept_or_cut_and_marked(place: str, observed: Callable[[str], None]) -> None:
    took = 0.0
    with ot.configure("memory://") as telemetry:
        for size in SIZES:
            value = "kiwi"[: size % 4] + "x" * (size - size % 4)
            began = time.thread_time()
            with telemetry.execution("w", execution_id=f"{size}", inputs=value if place == "inputs" else None) as run:
                with run.step("s") as step:
                    given = {"value": value} if place == "arguments" else {}
                    with step.tool_call("t", params=given) as call:
                        call.result = value if place == "result" else None
                run.outputs = value if place == "outputs" else None
            took = time.thread_time() - began
            assert telemetry.flush(60)
            record = telemetry.store.get(f"{size}")
            assert record is not None
            (made,) = record.steps[0].tool_calls
            holder = record if place in {"inputs", "outputs"} else made
            found = {"inputs": record.inputs, "outputs": record.outputs, "result": made.result}.get(place)
            if place == "arguments":
                assert isinstance(made.params, dict)
                found = made.params.get("value", made.params)
            # the text alone where it is too large; or all of the JSON, where only the two together are
            as_json = json.dumps({"value": value} if place == "arguments" else value, separators=(",", ":"))
            if len(as_json) <= MIB:
                assert found == value
                assert not holder.problems
            else:
                assert isinstance(found, dict)
                whole = value if found["bytes"] == size else as_json
                assert (found["truncated"], found["bytes"]) == (True, len(whole))
                assert found["sha256"] == hashlib.sha256(whole.encode()).hexdigest()
                assert whole.startswith(str(found["head"]))
                assert any("cut" in problem for problem in holder.problems)
    observed(
        f"{place}: {len(SIZES)} sizes from 1 B to 100 MB, whole up to 1 MiB; recording 100 MB took {took:.2f} s of CPU"
    )
