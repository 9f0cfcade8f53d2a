"""How a database would find what is asked: by which indexes."""

from __future__ import annotations

import re
from typing import Any, Protocol

from otel_telemetry.rows import RowKind, RowStatus, SpanRow
from otel_telemetry.testing.rows import make_row

PARENTS = """
    SELECT c.relname, p.relname FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relkind IN ('i', 'I') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '{schema}')"""
MANY = 600


class Session(Protocol):
    def execute(self, query: Any) -> Any: ...


def many_rows() -> list[SpanRow]:
    """Executions enough for an index to be worth while, in which every value of a filter is rare."""
    rows = []
    for n in range(MANY):
        start = 1_000 * n
        parent = None if n % 50 == 0 else f"run-{n - n % 50}"
        state: dict[str, Any] = {"ended_ns": start + n % 97, "status": int(RowStatus.COMPLETED)}
        if n % 40 == 0:
            state["status"] = int(RowStatus.FAILED)
        if n % 6 == 1:
            state = {"ended_ns": None, "status": int(RowStatus.RUNNING), "lease_id": n}
        rows += [
            make_row(
                RowKind.EXECUTION, f"run-{n}", n + 1, started_ns=start, workflow_name=f"w-{n % 30}",
                workflow_version=f"{n % 30}", caller_id=f"c-{n % 30}", parent_execution_id=parent,
                metadata={"order": n % 30}, **state,
            ),
            make_row(
                RowKind.STEP, f"run-{n}", MANY + n + 1, started_ns=start, ended_ns=start + 1, step_id=f"s-{n % 30}",
                status=int(RowStatus.FAILED), error_code=f"e-{n % 30}", error_category=f"k-{n % 30}",
            ),
            make_row(
                RowKind.TOOL_CALL, f"run-{n}", 2 * MANY + n + 1, started_ns=start, ended_ns=start + 1,
                tool_name=f"t-{n % 30}",
            ),
        ]  # fmt: skip
    return rows


def used_by_postgresql(session: Session, schema: str, plan: str) -> set[str]:
    """The indexes that a plan uses for executions with names of their own: each as the whole table's is called."""
    parents = dict(session.execute(PARENTS.format(schema=schema)).fetchall())
    words = set(re.findall(r"\w+", plan))
    of_partitions = {parents[word] for word in words if "_named_" in word and word in parents}
    return of_partitions | {word for word in words if word.startswith("durations") and word.endswith("_by_key")}
