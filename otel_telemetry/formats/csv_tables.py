"""Tables for a spreadsheet: one row for each execution, step, tool call or error, flat, without payloads."""

from __future__ import annotations

import csv
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from otel_telemetry.fields import WHO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from otel_telemetry.records import ErrorRecord, ExecutionRecord, ToolCallRecord

Cell: TypeAlias = "str | int | float | bool | None"
Row: TypeAlias = dict[str, Cell]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORMULA_STARTS: Final = frozenset("=+-@")
_CONTROLS: Final = frozenset("\t\r\n")
_UNSEEN: Final = frozenset("CZ")  # the Unicode categories of control and format characters, and of white space
_MAX_CELL: Final = 32_767
"""Characters in a cell: spreadsheets take no more."""


class Csv:
    """Four tables: executions, steps, tool calls, and errors with their causes.

    Times are ISO 8601 in UTC, durations milliseconds, text is UTF-8. Payloads are left out: the JSON formats have them.

    Args:
        spreadsheet_safe: Whether text that a spreadsheet would run as a formula gets an apostrophe before it, and
            text too long for a cell is cut. False: every text exactly as recorded, for programs.
    """

    name = "csv"
    suffixes = (".csv",)
    tables = ("executions", "steps", "tool_calls", "errors")

    def __init__(self, *, spreadsheet_safe: bool = True) -> None:
        self._text: Callable[[str], str] = safe_text if spreadsheet_safe else str

    def write(self, records: Iterable[ExecutionRecord], out: BinaryIO) -> None:
        """Write the table of executions."""
        self.write_tables(records, {self.tables[0]: out})

    def write_tables(self, records: Iterable[ExecutionRecord], outs: Mapping[str, BinaryIO]) -> None:
        """Write those tables that `outs` has a stream for."""
        writers = {table: csv.writer(_Utf8(out)) for table, out in outs.items()}
        for table, writer in writers.items():
            writer.writerow(COLUMNS[table])
        for record in records:
            for table, writer in writers.items():
                for row in _ROWS[table](record):
                    writer.writerow([self._cell(row.get(column)) for column in COLUMNS[table]])

    def _cell(self, value: Cell) -> Cell:
        if isinstance(value, bool):
            return "true" if value else "false"
        return self._text(value) if isinstance(value, str) else value


class _Utf8:
    """What the csv module writes to: a text layer of `io` would hold text back, and close `out` with itself."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        self._out.write(text.encode())


def safe_text(text: str) -> str:
    """Return `text` in a form that no spreadsheet runs as a formula, or breaks because a cell is too small for it."""
    if not text[:1].isalnum():
        first_seen = next((char for char in text if unicodedata.category(char)[0] not in _UNSEEN), "")
        if text[:1] in _CONTROLS or unicodedata.normalize("NFKC", first_seen) in _FORMULA_STARTS:
            text = "'" + text
    return text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 1] + "…"


def _executions(record: ExecutionRecord) -> Iterator[Row]:
    yield {
        "execution_id": record.execution_id,
        **{field.name: getattr(record, field.name) for field in WHO},
        "type": record.type.value,
        "status": record.status.value,
        "interrupted": record.interrupted,
        "steps": len(record.steps),
        "tool_calls": sum(1 for _ in record.all_tool_calls()),
        **_times(record.started_at, record.completed_at, record.duration_ms),
        **_error(record.error),
    }


def _steps(record: ExecutionRecord) -> Iterator[Row]:
    for step in record.steps:
        yield {
            "execution_id": record.execution_id,
            "step_id": step.step_id,
            "attempt": step.attempt,
            "type": step.step_type.value,
            "kind": step.kind,
            "status": step.status.value,
            "skip_reason": step.skip_reason,
            "tool_name": step.tool_name,
            "code_hash": step.code_hash,
            "tool_calls": len(step.tool_calls),
            **_times(step.started_at, step.completed_at, step.duration_ms),
            **_error(step.error),
        }


def _tool_calls(record: ExecutionRecord) -> Iterator[Row]:
    for call in record.all_tool_calls():
        yield {
            "execution_id": record.execution_id,
            "step_id": call.step_id,
            "call_id": call.call_id,
            "tool_name": call.tool_name,
            "source": call.source.value,
            **_times(call.started_at, call.completed_at, call.duration_ms),
            **_error(call.error),
        }


def _errors(record: ExecutionRecord) -> Iterator[Row]:
    """Yield a row for each error of each chain; `depth` 0 is the error itself, 1 what caused it, and so on."""
    yield from _chain(record, "execution", record.error)
    for step in record.steps:
        yield from _chain(record, "step", step.error, step_id=step.step_id, attempt=step.attempt)
        for call in step.tool_calls:
            yield from _call_chain(record, call)
    for call in record.tool_calls:
        yield from _call_chain(record, call)


def _call_chain(record: ExecutionRecord, call: ToolCallRecord) -> Iterator[Row]:
    return _chain(record, "tool_call", call.error, step_id=call.step_id, call_id=call.call_id, tool_name=call.tool_name)


def _chain(record: ExecutionRecord, of: str, error: ErrorRecord | None, **place: Cell) -> Iterator[Row]:
    for depth, link in enumerate(error.chain() if error else ()):
        yield {
            "execution_id": record.execution_id,
            "of": of,
            "step_id": link.step_id,
            "tool_name": link.tool_name,
            **place,
            "depth": depth,
            "code": link.code,
            "category": link.category,
            "retryable": link.retryable,
            "message": link.message,
        }


def _times(started_at: int, completed_at: int | None, duration_ms: float | None) -> Row:
    return {"started_at": _time(started_at), "completed_at": _time(completed_at), "duration_ms": duration_ms}


def _time(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    moment = _EPOCH + timedelta(microseconds=time_ns // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _error(error: ErrorRecord | None) -> Row:
    return {"error_code": error.code, "error_message": error.message} if error else {}


_LAST: Final = ("type", "interrupted", "parent_execution_id")
_FIRST: Final = ("workflow_name", "workflow_version")
_TIMES: Final = ("started_at", "completed_at", "duration_ms")
_ERROR: Final = ("error_code", "error_message")
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "executions": (
        "execution_id", *_FIRST, "status", *_TIMES, *_ERROR, "steps", "tool_calls",
        *(field.name for field in WHO if field.name not in {*_FIRST, *_LAST}), *_LAST,
    ),
    "steps": (
        "execution_id", "step_id", "attempt", "type", "status", *_TIMES, *_ERROR, "tool_name", "tool_calls",
        "skip_reason", "code_hash", "kind",
    ),
    "tool_calls": ("execution_id", "step_id", "call_id", "tool_name", *_TIMES, *_ERROR, "source"),
    "errors": (
        "execution_id", "of", "step_id", "attempt", "call_id", "tool_name", "depth", "code", "category", "retryable",
        "message",
    ),
}  # fmt: skip
"""The columns of each table, in order."""

_ROWS: Final[dict[str, Callable[[ExecutionRecord], Iterator[Row]]]] = {
    "executions": _executions,
    "steps": _steps,
    "tool_calls": _tool_calls,
    "errors": _errors,
}
