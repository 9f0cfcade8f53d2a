"""How fast a store is written, beside another checkout of this project: `python -m tests.benchmarks.writers OTHER URL`.

URL is ``sqlite`` or the URL of a PostgreSQL server where schemas may be made. Each way of writing is timed in a fresh
process, one checkout after the other, five times; the medians' ratio is told, greater is faster.

- whole: 20 whole executions of workload W a batch;
- starts: 20 executions, each span's start in one batch and its end in the next;
- single: each span a batch of its own.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.parent.parent
EXECUTIONS = {"whole": 400, "starts": 400, "single": 60}
ROUNDS = 5
_T0 = 1_763_800_000_000_000_000


def main() -> None:
    """Compare, or time one side: `python writers.py CHECKOUT MODE URL` prints the seconds."""
    if sys.argv[2] in EXECUTIONS:
        print(_seconds(sys.argv[2], sys.argv[3]))
        return
    other, url = Path(sys.argv[1]).absolute(), sys.argv[2]
    for mode in EXECUTIONS:
        took: dict[Path, list[float]] = {other: [], HERE: []}
        for number in range(ROUNDS):
            for checkout, seconds in took.items():
                seconds.append(_in_process(checkout, mode, url, number))
        here, there = (statistics.median(took[checkout]) for checkout in (HERE, other))
        spread = ", ".join(f"{min(s):.3f} to {max(s):.3f} s" for s in (took[HERE], took[other]))
        print(f"{mode}: {there / here:.2f} of the other's speed ({spread})")


def _in_process(checkout: Path, mode: str, url: str, number: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        place = f"sqlite:///{folder}/telemetry.db"
        if url != "sqlite":
            place = f"{url}{'&' if '?' in url else '?'}schema=w{os.getpid()}_{number}_{mode}_{checkout.name.lower()}"
        command = [sys.executable, __file__, str(checkout), mode, place]
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout)


def _seconds(mode: str, url: str) -> float:
    try:
        from otel_telemetry.rows import row_of
        from otel_telemetry.stores import open_exporter
    except ImportError:  # as it was called before
        from otel_telemetry.exporters import open_exporter  # type: ignore[import-not-found, no-redef]
        from otel_telemetry.spans import row_of  # type: ignore[import-not-found, no-redef]

    exporter: Any = open_exporter(url)
    lease = exporter.lease.lease_id
    runs = [list(_run(n)) for n in range(EXECUTIONS[mode])]
    exporter.write([row_of(span, lease) for span in _run(10**6)])
    batches = [[row_of(span, lease) for span in spans] for spans in _batches(mode, runs)]
    begun = time.perf_counter()
    for batch in batches:
        exporter.write(batch)
    return time.perf_counter() - begun


def _batches(mode: str, runs: list[list[Any]]) -> Iterator[list[Any]]:
    for first in range(0, len(runs), 20):
        spans = [span for run in runs[first : first + 20] for span in run]
        if mode == "single":
            yield from ([span] for span in spans)
            continue
        if mode == "starts":
            yield [_started(span) for span in spans]
        yield spans


def _run(n: int) -> Iterator[Any]:
    """Yield the spans of an execution of W with texts of its own, in the order in which they end."""
    from otel_telemetry import semconv as names
    from span_processors.data import CleanText
    from span_processors.redaction import canonical

    draw = random.Random(n)
    trace_id, root, start = draw.getrandbits(127) | 1, draw.getrandbits(63) | 1, _T0 + n * 1_000_000_000
    digits = f"{start // 1_000_000:012x}7{draw.getrandbits(76):019x}"
    execution_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def text(length: int) -> CleanText:
        return CleanText(canonical({"api_key": "[REDACTED]", "text": "".join(draw.choices("abcdefgh ijkl", k=length))}))

    now, sequence = start, 0
    for number in range(5):
        step, began, step_sequence = draw.getrandbits(63) | 1, now, sequence + 1
        sequence += 1
        for tool in ("crm.lookup", "stripe.charge", "mail.send"):
            sequence, called = sequence + 1, now
            now += draw.randrange(1_000_000, 9_000_000)
            call: dict[str, Any] = {
                names.KIND: "tool_call",
                names.EXECUTION_ID: execution_id,
                names.SEQUENCE: sequence,
                names.OPERATION_NAME: "execute_tool",
                names.TOOL_NAME: tool,
                names.TOOL_SOURCE: "code_block",
                names.STEP_ID: f"step{number}",
                names.TOOL_CALL_ID: f"{sequence}",
                names.CALL_HASH: sequence,
                names.TOOL_PARAMS: text(290),
                names.TOOL_RESULT: text(700),
            }
            yield _span(trace_id, draw.getrandbits(63) | 1, step, called, now, f"execute_tool {tool}", call)
        attributes: dict[str, Any] = {
            names.KIND: "step",
            names.EXECUTION_ID: execution_id,
            names.SEQUENCE: step_sequence,
            names.STATUS: "completed",
            names.STEP_ID: f"step{number}",
            names.STEP_TYPE: "code",
            names.ATTEMPT: 1,
            names.CODE_HASH: "ab" * 32,
        }
        yield _span(trace_id, step, root, began, now, f"step step{number}", attributes)
    failed = n % 50 == 0
    attributes = {
        names.KIND: "execution",
        names.EXECUTION_ID: execution_id,
        names.SEQUENCE: 0,
        names.STATUS: "failed" if failed else "completed",
        names.OPERATION_NAME: "invoke_workflow",
        names.EXECUTION_TYPE: "workflow",
        names.WORKFLOW_NAME: f"invoice-{n % 2}",
        names.WORKFLOW_VERSION: "3",
        names.CALLER_ID: f"user-{n % 100}",
        names.INPUTS: text(450),
        names.OUTPUTS: text(450),
        names.METADATA: CleanText(canonical({"order": n, "region": "nz", "tenant": f"t{n % 40}"})),
    }
    if failed:
        attributes[names.ERROR] = CleanText(canonical({"code": "timeout", "category": "network", "message": "no"}))
    yield _span(trace_id, root, None, start, now, f"invoke_workflow invoice-{n % 2}", attributes, failed=failed)


def _span(  # noqa: PLR0917  (in the order of SpanData)
    trace_id: int,
    span_id: int,
    parent: int | None,
    start: int,
    end: int,
    name: str,
    attributes: dict[str, Any],
    *,
    failed: bool = False,
) -> Any:
    from otel_telemetry.semconv import SCOPE_NAME
    from span_processors.data import ResourceData, ScopeData, SpanData

    resource, code = ResourceData.of({"service.name": "bench"}), 2 if failed else 0
    return SpanData(
        trace_id, span_id, parent, "", 3, name, 0, start, end, code, None, attributes, (), (), 0, 0, 0, resource,
        ScopeData(SCOPE_NAME),
    )  # fmt: skip


def _started(span: Any) -> Any:
    from otel_telemetry import semconv as names

    late = {names.ERROR, names.OUTPUTS, names.TOOL_RESULT}
    attributes = {key: value for key, value in span.attributes.items() if key not in late}
    if names.STATUS in attributes:
        attributes[names.STATUS] = "running"
    return span._replace(end_ns=None, status_code=0, attributes=attributes)


if __name__ == "__main__":
    main()
