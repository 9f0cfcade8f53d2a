"""The contract of an export format: whoever passes it is one. Needs pytest."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import pytest

from otel_telemetry.codec import decode, encode
from otel_telemetry.errors import ExportError, FormatError
from otel_telemetry.formats import registry
from otel_telemetry.formats.base import Format, ReadableFormat, TableFormat
from otel_telemetry.formats.exporting import export_to
from otel_telemetry.formats.importing import import_from
from otel_telemetry.records import (
    ErrorRecord,
    ExecutionRecord,
    ExecutionStatus,
    ExecutionType,
    StepRecord,
    StepStatus,
    StepType,
    ToolCallRecord,
)
from otel_telemetry.rows import INTERRUPTED_LEASE, row_of
from otel_telemetry.semconv import EXECUTION_ID, INTERRUPTED
from otel_telemetry.testing.rows import MORE
from span_processors.data import EventData, JsonValue, LinkData, ResourceData, ScopeData, SpanData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_T0: Final = 1_760_000_000_123_456_789
_MORE: Final[dict[str, Any]] = dict.fromkeys(MORE, "\uff1dcaller")
_HOSTILE: Final[dict[str, JsonValue]] = {
    "": None,
    "=1+1": "=cmd|' /C calc'!A1",
    "quotes": "\" ' \\ , ; \t \r\n \u2028",
    "beyond": "\U0001f600 é \ufffd",
    "numbers": [0, -1, 2**63 - 1, -(2**63), 0.0, -0.0, 1.0, 1e300, 5e-324],
    "nested": {"a": [{"b": [[], {}, [None, True, False]]}]},
}


def _decoded(spans: Iterable[SpanData]) -> ExecutionRecord:
    return decode(
        [row_of(span, INTERRUPTED_LEASE if span.attributes.get(INTERRUPTED) is True else None) for span in spans]
    )


def _deep() -> JsonValue:
    value: JsonValue = "bottom"
    for _ in range(60):
        value = {"in": [value]} if isinstance(value, str) else [value]
    return value


def _workflow() -> ExecutionRecord:
    cause = ErrorRecord(code="refused", category="network", message="@refused", detail={"port": 5432}, retryable=True)
    error = ErrorRecord(code="charge_failed", category="tool", message="-1 is no amount", cause=cause)
    call = ToolCallRecord(
        call_id="call-1",
        tool_name="stripe.charge",
        started_at=_T0 + 2,
        completed_at=_T0 + 2_000_000,
        params=_HOSTILE,
        result=[_HOSTILE, "text"],
        error=error,
        execution_id="run-1",
        step_id="charge",
        sequence=3,
    )
    first = StepRecord(
        step_id="charge",
        step_type=StepType.TOOL,
        status=StepStatus.FAILED,
        started_at=_T0 + 1,
        completed_at=_T0 + 3_000_000,
        tool_name="stripe.charge",
        tool_calls=(call,),
        error=error,
        sequence=2,
    )
    again = StepRecord(step_id="charge", started_at=_T0 + 3_000_000, attempt=2, code_hash="ab" * 32, sequence=4)
    skipped = StepRecord(
        step_id="mail",
        status=StepStatus.SKIPPED,
        skip_reason="+nothing to send",
        started_at=_T0 + 3_000_000,
        completed_at=_T0 + 3_000_000,
        sequence=5,
    )
    return ExecutionRecord(
        execution_id="run-1",
        workflow_name="invoice",
        workflow_version="3",
        status=ExecutionStatus.RUNNING,
        started_at=_T0,
        inputs=_HOSTILE,
        steps=(first, again, skipped),
        **_MORE,
        metadata=_HOSTILE,
        interrupted=True,
        sequence=1,
    )


def _direct() -> ExecutionRecord:
    call = ToolCallRecord(
        call_id="call-2", tool_name="search", started_at=_T0, completed_at=_T0 - 1, execution_id="run-2", result=_deep()
    )
    return ExecutionRecord(
        execution_id="run-2",
        type=ExecutionType.DIRECT,
        status=ExecutionStatus.COMPLETED,
        started_at=_T0,
        completed_at=_T0 - 1,
        tool_calls=(call,),
    )


def _trace_of_others() -> ExecutionRecord:
    resource = ResourceData.of({"service.name": "shop", "odd": _deep()}, "https://schema/resource")
    scope = ScopeData("lib", "1.0", "https://schema/scope", {"of": "scope"})
    root = SpanData(
        trace_id=2**127,
        span_id=2**63,
        parent_span_id=None,
        trace_state="vendor=1,other=x",
        flags=0x101,
        name="POST /checkout",
        kind=1,
        start_ns=_T0,
        end_ns=_T0 + 1_000,
        status_code=2,
        status_message="it broke",
        attributes={**_HOSTILE, "deep": _deep()},
        events=(EventData("exception", _T0 + 5, _HOSTILE, 2),),
        links=(LinkData(1, 2, "a=b", 0x300, _HOSTILE, 3),),
        dropped_attributes=4,
        dropped_events=5,
        dropped_links=6,
        resource=resource,
        scope=scope,
    )
    child = root._replace(
        span_id=1,
        parent_span_id=2**63,
        name="",
        kind=0,
        end_ns=None,
        status_code=0,
        status_message=None,
        resource=ResourceData.of({"service.name": "other"}),
        scope=ScopeData(""),
    )
    return _decoded([root, child])


SAMPLES: Final[tuple[ExecutionRecord, ...]] = (
    _decoded(encode(_workflow())),
    _decoded(encode(_direct())),
    _trace_of_others(),
)
"""Executions that are hard to write: interrupted, retried, skipped, failed for a reason, recorded by others."""


class FormatContract:
    """What every export format must do; more where it can also be read or has several tables.

    Subclass it in a test module, with one fixture::

        class TestMyFormat(FormatContract):
            @pytest.fixture
            def export_format(self):
                return MyFormat()
    """

    @pytest.fixture
    def export_format(self) -> Format:
        """Return the format; to be overridden."""
        raise NotImplementedError("override the fixture `export_format` with the format")

    def test_it_is_known_by_name_and_suffix_once_registered(self, export_format: Format) -> None:
        """One call makes it known."""
        registry.register(export_format)
        assert registry.get(export_format.name) is export_format
        assert export_format.name in registry.names()
        for suffix in export_format.suffixes:
            assert suffix.startswith(".")
            assert registry.for_file_name(f"runs{suffix}").name == export_format.name

    def test_the_same_records_are_the_same_bytes(self, export_format: Format) -> None:
        """Nothing in the file depends on the moment or the process."""
        assert _written(export_format, SAMPLES) == _written(export_format, SAMPLES) != b""

    def test_it_needs_no_more_than_a_stream_that_can_be_written(self, export_format: Format) -> None:
        """A pipe will do, and it stays open."""
        pipe = _Pipe()
        export_format.write(SAMPLES, cast("BinaryIO", pipe))
        assert not pipe.closed
        assert bytes(pipe.taken) == _written(export_format, SAMPLES)

    def test_it_holds_no_records_back(self, export_format: Format) -> None:
        """A record is written before the next but one is asked for: to export millions takes constant memory."""
        out = io.BytesIO()
        sizes: list[int] = []

        def asked() -> Iterator[ExecutionRecord]:
            for record in SAMPLES * 3:
                sizes.append(out.tell())
                yield record

        export_format.write(asked(), out)
        sizes.append(out.tell())
        assert all(later > earlier for earlier, later in zip(sizes, sizes[2:], strict=False))

    def test_a_file_appears_whole_and_private(self, export_format: Format, tmp_path: Path) -> None:
        """The file is the bytes, for its owner only; one that exists is replaced only when that is asked for."""
        target = tmp_path / "runs.out"
        assert export_to(export_format, target, SAMPLES) == len(SAMPLES)
        assert target.read_bytes() == _written(export_format, SAMPLES)
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        with pytest.raises(ExportError, match="exists"):
            export_to(export_format, target, ())
        export_to(export_format, target, (), overwrite=True)
        assert target.read_bytes() == _written(export_format, ())

    def test_a_failure_leaves_what_was_there(self, export_format: Format, tmp_path: Path) -> None:
        """The error of whoever makes the records comes through, the file stays as it was, and nothing else stays."""
        target = tmp_path / "runs.out"
        target.write_bytes(b"before")

        def breaking() -> Iterator[ExecutionRecord]:
            yield SAMPLES[0]
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            export_to(export_format, target, breaking(), overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == ["runs.out"]
        assert target.read_bytes() == b"before"

    def test_what_was_written_can_be_read_and_written_again(self, export_format: Format) -> None:
        """Reading loses nothing: the same bytes come out, of all records, of each, and of none."""
        if not isinstance(export_format, ReadableFormat):
            return
        registry.register(export_format)
        for records in (SAMPLES, *((record,) for record in SAMPLES), ()):
            written = _written(export_format, records)
            spans = list(import_from(io.BytesIO(written), format=export_format))
            assert _written(export_format, _records(spans)) == written
            if records:
                assert registry.recognise(written[:65536]).name == export_format.name

    def test_damage_is_refused_in_words(self, export_format: Format) -> None:
        """A file that was cut off or garbled raises `FormatError` or reads as something else: never anything worse."""
        if not isinstance(export_format, ReadableFormat):
            return
        whole = _written(export_format, SAMPLES)
        spans = list(export_format.read(io.BytesIO(whole)))
        step = len(whole) // 150 + 1
        for position in range(0, len(whole), step):
            cut = _read(export_format, whole[:position])
            assert cut is None or cut == spans[: len(cut)]
            _read(export_format, whole[:position] + bytes((whole[position] ^ 0x15,)) + whole[position + 1 :])
        for garbage in (b"\xff\xfe\x00garbage\n", b"[" * 100_000, b"{" * 70, b"\x00", b"[1, 2]\n", b'"text"', b"nul"):
            assert _read(export_format, garbage) is None

    def test_its_first_table_is_what_a_stream_gets(self, export_format: Format, tmp_path: Path) -> None:
        """Each further table is a file beside the first one."""
        if not isinstance(export_format, TableFormat):
            return
        first, *others = export_format.tables
        outs = {table: io.BytesIO() for table in export_format.tables}
        export_format.write_tables(SAMPLES, outs)
        assert outs[first].getvalue() == _written(export_format, SAMPLES)
        export_to(export_format, tmp_path / "runs.out", SAMPLES)
        for table in others:
            assert (tmp_path / f"runs.{table}.out").read_bytes() == outs[table].getvalue() != b""


class _Pipe(io.RawIOBase):
    """A stream that can be written, and nothing else."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.taken += data
        return len(data)


def _written(export_format: Format, records: Iterable[ExecutionRecord]) -> bytes:
    out = io.BytesIO()
    export_format.write(records, out)
    return out.getvalue()


def _read(export_format: ReadableFormat, damaged: bytes) -> list[SpanData] | None:
    try:
        return list(export_format.read(io.BytesIO(damaged)))
    except FormatError:
        return None


def _records(spans: Iterable[SpanData]) -> list[ExecutionRecord]:
    """Return the executions that these spans are of, in the order first seen."""
    executions: dict[object, list[SpanData]] = {}
    for span in spans:
        executions.setdefault(span.attributes.get(EXECUTION_ID, span.trace_id), []).append(span)
    return [_decoded(own) for own in executions.values()]
