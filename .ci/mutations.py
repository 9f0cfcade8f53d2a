"""Plant one fault after another into what joins and judges rows, and see that the contract of a store catches each.

It is the public contract alone that is asked, on the backend in memory: whoever writes a backend has nothing else.

.ci/mutations.py [NUMBER ...]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = ("tests/otel_telemetry/stores/test_contract.py", "-k", "TestMemory", "-p", "no:randomly")
CASES = os.environ.get("OTEL_TELEMETRY_TEST_CASES", "100")
"""As many as the gate tries on each store."""
LEAST = 15
"""Mutations that must be caught."""


class Mutation(NamedTuple):
    """A piece of the source, and what is put in its place."""

    file: str
    was: str
    becomes: str


EXECUTION, STANDING, DERIVED = "rows/execution.py", "rows/standing.py", "rows/derived.py"
MERGING, COVERING, DECODING = "stores/merging.py", "stores/covering.py", "codec/decoding.py"
MUTATIONS = (
    Mutation(EXECUTION, "return row.who_rank, -row.started_ns,", "return row.who_rank, row.started_ns,"),
    Mutation(EXECUTION, "if row.state_rank in OWN_RANKS:", "if row.state_rank == OWN:"),
    Mutation(EXECUTION, "metadata = other if _metadata(other) > _metadata(one) else one", "metadata = one"),
    Mutation(EXECUTION, "return TOP if row.parent_span_id is None else REMOTE", "return TOP"),
    Mutation(EXECUTION, "ended, status, code, category = None, _RUNNING, None, None", "ended = row.ended_ns"),
    Mutation(EXECUTION, "row.ended_ns > there.ended_ns)", "row.ended_ns < there.ended_ns)"),
    Mutation(EXECUTION, "state_rank, segment = OWN, row.attempt or 1", "segment = row.attempt or 1"),
    Mutation(
        EXECUTION, "name = row.step_id if row.step_id is not None else row.tool_name or row.name", "name = row.name"
    ),
    Mutation(EXECUTION, "weight = 0 if lease is None else 1 if lease == INTERRUPTED_LEASE else 2", "weight = 0"),
    Mutation(EXECUTION, "| (row.status != _PENDING) << 60", ""),
    Mutation(EXECUTION, "best = claim(min(others, key=_place))", "best = claim(max(others, key=_place))"),
    Mutation(
        STANDING, "newest = row.span_id == execution.state_span_id", "newest = row.span_id == execution.who_span_id"
    ),
    Mutation(STANDING, " and row.started_ns == execution.state_started_ns", ""),
    Mutation(STANDING, "row.span_id == execution.who_span_id", "True"),
    Mutation(STANDING, "or (row.span_id, row.tool_name) in parents)", ")"),
    Mutation(STANDING, "return _SPAN if row.step_kind is None else _STEP", "return _STEP"),
    Mutation(STANDING, "return _DIRECT if is_root else _CALL", "return _CALL"),
    Mutation(STANDING, "return _EXECUTION if what is _DIRECT else _SPAN", "return _SPAN"),
    Mutation(DERIVED, "terms.add(term(ERROR, category, code))", "pass"),
    Mutation(DERIVED, "if ended is not None and row.status != _SKIPPED:", "if ended is not None:"),
    Mutation(
        DERIVED, "sum([(row.attempt or 0) > 1 for row in steps])", "sum([(row.attempt or 0) > 2 for row in steps])"
    ),
    Mutation(DERIVED, "for trace_id in traces if trace_id != execution.trace_id]", "for trace_id in traces if False]"),
    Mutation(DERIVED, "if row.span_id == span_id and row.started_ns == started_ns:", "if row.span_id == span_id:"),
    Mutation(
        MERGING,
        "if before.kind != after.kind:\n        return True",
        "if before.kind != after.kind:\n        return False",
    ),
    Mutation(MERGING, "changes.tally.take_off(before.counts.frame, before.counts.runs)", "pass"),
    Mutation(MERGING, "changes.dropped_terms += had - has", "pass"),
    Mutation(MERGING, "return both and any(row.kind in CALL_KINDS for row in case.rows)", "return False"),
    Mutation(MERGING, "covered = self._held.covered(sorted(new_homes)) if new_homes else []", "covered = []"),
    Mutation(MERGING, "case.new = self._folded_anew(case)", "pass"),
    Mutation(MERGING, "if has_a_way(new, old.spans - len(case.replaced)):", "if False:"),
    Mutation(MERGING, " and not metadata_of(after):", " and False:"),
    Mutation(MERGING, "return old.state_rank == INSIDE and before.lease_id != after.lease_id", "return False"),
    Mutation(MERGING, "own = row.state_rank == OWN", "own = False"),
    Mutation(MERGING, 'before.execution_type == "direct"', 'before.execution_type != "direct"'),
    Mutation(MERGING, "return True  # another row may still have the term", "return False"),
    Mutation(MERGING, "gone = counts_of(old, case.replaced) if case.replaced else", "gone ="),
    Mutation(COVERING, "if row.trace_id == trace.trace_id", "if True"),
    Mutation(COVERING, "    if len(calls) == 1:", "    if calls:"),
    Mutation(COVERING, "if row.parent_execution_id is None]", "]"),
    Mutation(COVERING, "return min(tops)[1]", "return max(tops)[1]"),
    Mutation(DECODING, 'fields["started_at"] = execution.started_ns', "pass"),
    Mutation(DECODING, 'fields["inputs"] = inputs', "pass"),
    Mutation(DECODING, 'fields["metadata"] = of_one.get("metadata", {})', "pass"),
    Mutation(DECODING, "hidden = doubles(ordered) if may_have_doubles(execution, adopted) else", "hidden ="),
    Mutation(DECODING, '(gone and fields["status"] in _OPEN)', "gone"),
)


def caught_by(mutation: Mutation | None) -> str | None:
    """Return the test that fails once a mutation is planted into a copy, and in which case; None where none does."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("otel_telemetry", "span_processors", "tests", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)
        if mutation is not None:
            path = Path(folder, "otel_telemetry", mutation.file)
            text = path.read_text(encoding="utf-8")
            if text.count(mutation.was) != 1:
                raise SystemExit(f"{mutation.file} has {mutation.was!r} {text.count(mutation.was)} times, not once")
            path.write_text(text.replace(mutation.was, mutation.becomes), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": folder, "OTEL_TELEMETRY_TEST_CASES": CASES}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider", *TESTS]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    failed = re.search(r"^FAILED \S*::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or failed is None:
        raise SystemExit(f"the contract could not be asked:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    case = re.search(r"\bcase (\d+)\b", done.stdout)
    return failed[1] if case is None else f"{failed[1]}, case {case[1]}"


def main() -> None:
    """Try the mutations of these numbers, or all."""
    chosen = [int(number) for number in sys.argv[1:]] or range(len(MUTATIONS))
    if (test := caught_by(None)) is not None:
        raise SystemExit(f"{test} fails as it is: nothing can be said of mutations")
    caught = 0
    for number in chosen:
        mutation, begun = MUTATIONS[number], time.monotonic()
        test = caught_by(mutation)
        caught += test is not None
        said = "MISSED" if test is None else "caught"
        print(f"{said}  {number:2}  {time.monotonic() - begun:5.1f} s  {mutation.file}: {mutation.was!r}  {test or ''}")
        sys.stdout.flush()
    print(f"{caught} of {len(chosen)} caught by the contract alone, with at most {CASES} random cases")
    raise SystemExit(caught < min(LEAST, len(chosen)))


if __name__ == "__main__":
    main()
