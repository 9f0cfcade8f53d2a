"""What the recorder and its handles work with: redaction, clocks, error records, and the account of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from otel_telemetry import semconv
from otel_telemetry.error_registry.describe import bounded
from otel_telemetry.rows import MAX_TEXT, with_digest
from otel_telemetry.tracing.failures import Failures
from otel_telemetry.tracing.names import as_text, clean_id, shortened
from otel_telemetry.tracing.problems import Guard
from span_processors.guard import own_work, warn
from span_processors.redaction.marks import ERROR

if TYPE_CHECKING:
    from otel_telemetry.error_registry import ErrorRegistry
    from otel_telemetry.tracing.clock import Clock
    from otel_telemetry.tracing.context import Run
    from otel_telemetry.tracing.given import Text
    from span_processors.data import CleanAttributes, CleanText, JsonValue
    from span_processors.redaction import Redactor

_NAMES: Final = 4096
_LARGE: Final = 256 * 1024
"""Bytes of JSON, from which on a value is worth a word."""


class Services(Guard):
    """See `Recorder`, which is one.

    Attributes:
        redactor: what values go through.
        clock: the wall clock and the monotonic one.
        failures: turns errors into records.
        sample_items: how many of a generator's first items are kept.
    """

    def __init__(
        self,
        *,
        redactor: Redactor,
        errors: ErrorRegistry,
        clock: Clock,
        strict: bool,
        sample_items: int,
        on_problem: Callable[[str, BaseException], None] | None,
    ) -> None:
        super().__init__(strict=strict, on_problem=on_problem)
        self.redactor = redactor
        self.clock = clock
        self.sample_items = sample_items
        self.failures = Failures(errors, redactor)
        self._redacted: Callable[[str], str] = redactor.text
        self._clean_names: set[str] = set()
        """Names that stay as they are: an engine has few, and they come again and again."""

    def attributes(self, attributes: Mapping[str, object]) -> dict[str, JsonValue]:
        """Return attributes of the host's own, redacted."""
        before, own_work.active = own_work.active, True  # a callback of the host may be run
        try:
            return self.redactor.attributes(attributes)
        finally:
            own_work.active = before

    def clean(self, name: object) -> str:
        """Return a name, redacted; what is no text is written as one, what is too long to be found by is shortened."""
        try:
            if type(name) is str and name in self._clean_names:
                return name
            text = as_text(name)
            clean = self._redacted(text) if len(text) <= MAX_TEXT else shortened(text, self._redacted)
            if type(name) is str and clean == name and len(self._clean_names) < _NAMES:
                self._clean_names.add(clean)
        except BaseException as problem:
            self.absorb("name", problem)
            return ERROR
        return clean

    def clean_id(self, execution_id: object) -> str:
        """Return the id that an execution has in the store, given the one that the host has for it."""
        text = as_text(execution_id)
        try:
            return clean_id(text, self.redactor.text)
        except BaseException as problem:
            self.absorb("name", problem)
            return with_digest(ERROR, text)

    def sentence(self, text: object) -> str:
        """Return words of the host's own, redacted and bounded."""
        return bounded(as_text(text), self.redactor)

    def payload(self, value: object, direction: Literal["input", "output"]) -> tuple[CleanText, tuple[str, ...]]:
        """Return `value`, redacted, as JSON text, and words on what could not be kept as it was."""
        if self.redactor.calls_back:
            before, own_work.active = own_work.active, True
            try:
                found = self.redactor.payload(value, direction=direction)
            finally:
                own_work.active = before
        else:
            found = self.redactor.payload(value, direction=direction)
        if len(found[0]) > _LARGE:
            warn("recorder", "large values are recorded:", f"{len(found[0]):,} bytes in one")
        return found

    def put_text(self, attributes: CleanAttributes, key: str, text: Text | None) -> None:
        """Write a short text, redacted, into `attributes`, if there is one."""
        if text is not None:
            attributes[key] = self.clean(text)

    def put_payload(self, attributes: CleanAttributes, key: str, value: object, label: str) -> None:
        """Write an input, redacted, into `attributes`, and what could not be kept of it, if there is one."""
        if value is not None:
            attributes[key], notes = self.payload(value, "input")
            if notes:
                attributes[semconv.PROBLEMS] = attributes.get(semconv.PROBLEMS, ()) + self.remarks(label, notes)

    def remarks(self, label: str, notes: Iterable[str]) -> tuple[str, ...]:
        """Return words on what could not be kept of a payload, which quote its keys, redacted."""
        return tuple(self.redactor.text(f"{label}: {note}") for note in notes)

    def times(self, started_at_ns: int | None, run: Run[Any]) -> tuple[int, int, int]:
        """Return when a span starts, and what the wall clock and the monotonic one say, all in nanoseconds."""
        clock = self.clock
        wall_ns, monotonic_ns = clock.time_ns(), clock.monotonic_ns()
        if started_at_ns is None:
            # a wall clock that is set back does not turn the order of an execution round
            started_at_ns = run.latest_start_ns = max(wall_ns, run.latest_start_ns)
        return started_at_ns, wall_ns, monotonic_ns
