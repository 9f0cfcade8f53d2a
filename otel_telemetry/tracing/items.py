"""What is recorded of the items that a generator yields: how many, the first few, and how long the first one took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_telemetry import semconv
from span_processors.data import CleanText

if TYPE_CHECKING:
    from otel_telemetry.tracing.handle import Handle


class Items:
    """Counts and samples the items of one generator, and ends its handle."""

    __slots__ = ("_count", "_first_ms", "_handle", "_room", "_sample")

    def __init__(self, handle: Handle | None) -> None:
        self._handle = handle
        if handle is not None:
            handle.ends_by_itself = True
        self._count = 0
        self._first_ms: float | None = None
        self._sample: list[str] = []
        self._room = handle.recorder.sample_items if handle is not None and handle.is_recording else 0

    def add(self, item: object) -> None:
        """Note one item, as it is now: the consumer may change it later."""
        self._count += 1
        if self._handle is None:
            return
        if self._first_ms is None:
            self._first_ms = self._handle.elapsed_ns() / 1e6
        if self._room:
            self._room -= 1
            self._handle.recorder.guarded(self._keep, item)

    def _keep(self, item: object) -> None:
        if self._handle is not None:
            text, notes = self._handle.recorder.payload(item, "output")
            self._handle.add_late({}, self._handle.recorder.remarks(f"items[{len(self._sample)}]", notes))
            self._sample.append(text)

    def end(self, error: BaseException | None = None, *, result: object = None, outcome: str | None = None) -> None:
        """End the handle with what was seen."""
        if self._handle is None:
            return
        seen: dict[str, object] = {semconv.ITEM_COUNT: self._count}
        if self._first_ms is not None:
            seen[semconv.FIRST_ITEM_MS] = self._first_ms
        if self._sample:
            seen[semconv.ITEM_SAMPLE] = CleanText(f"[{','.join(self._sample)}]")
        self._handle.add_late(seen)
        self._handle.leave(error, result, outcome)
