"""A search for one value in everything that a store holds, in every form in which it may have been written.

The value is never shown, and neither is anything around it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, quote_plus

from otel_telemetry.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from otel_telemetry.records import ExecutionRecord

MIN_CHARACTERS: Final = 6
"""A shorter value is found by chance."""
_CHUNK_BYTES: Final = 1 << 24


class Find(NamedTuple):
    """Where the value stands: a run's id or a file with the offset in bytes, and the form it has there."""

    place: str
    offset: int | None
    form: str


def forms(value: str) -> dict[bytes, str]:
    """Return every form of `value` that is searched for, each with its name."""
    raw = value.encode("utf-8", "surrogatepass")
    escaped = json.dumps(value)[1:-1]
    percent = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    named = {
        "base64": [text for offset in range(3) for text in _base64(raw, offset)],
        "percent-encoded": [form for text in percent for form in (text, _lower_hex(text))],
        "JSON-escaped": [
            escaped,
            escaped.replace("/", "\\/"),
            json.dumps(escaped)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        ],
    }
    found = {text.encode("utf-8", "surrogatepass"): name for name, texts in named.items() for text in texts}
    return {**found, raw: "raw"}


def in_file(path: Path, wanted: Mapping[bytes, str]) -> Iterator[Find]:
    """Yield each place in a file, whether or not it is in use: pages that were freed keep their bytes."""
    overlap = max(map(len, wanted)) - 1
    start, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            window, first = tail + chunk, start - len(tail)
            for form, name in wanted.items():
                at = window.find(form)
                while at >= 0:
                    if at + len(form) > len(tail):  # otherwise the window before had it whole
                        yield Find(str(path), first + at, name)
                    at = window.find(form, at + 1)
            start += len(chunk)
            tail = window[-overlap:] if overlap else b""


def sqlite_files(url: str) -> list[Path]:
    """Return the files of a SQLite store that exist; none for another kind of store."""
    if not url.startswith("sqlite:"):
        return []
    from otel_telemetry.stores.sqlite.file import path_of  # noqa: PLC0415  (drivers, for the one command that searches)

    path = path_of(url)
    return [
        file for suffix in ("", "-wal", "-shm", "-journal") if (file := path.with_name(path.name + suffix)).exists()
    ]


def in_records(records: Iterable[ExecutionRecord], wanted: Mapping[bytes, str]) -> Iterator[Find]:
    """Yield each run that holds the value, wherever in it."""
    for record in records:
        content = json.dumps(to_json(record), ensure_ascii=False).encode("utf-8", "surrogatepass")
        for name in sorted({name for form, name in wanted.items() if form in content}):
            yield Find(record.execution_id, None, name)


def _base64(raw: bytes, offset: int) -> Iterator[str]:
    """Yield what is the same in base64 of any text that has `raw` at `offset` modulo 3: its ends depend on the rest."""
    encoded = base64.b64encode(bytes(offset) + raw).decode().rstrip("=")
    whole = encoded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
    yield whole
    yield whole.translate(str.maketrans("+/", "-_"))


def _lower_hex(text: str) -> str:
    return "%".join(part[:2].lower() + part[2:] if i else part for i, part in enumerate(text.split("%")))
