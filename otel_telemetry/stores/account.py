"""The account that a process keeps of its spans, as it stands in the store beside the process's lease."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_telemetry.stores.changes import Written
    from span_processors.ledger import SinkHealth


class Account(NamedTuple):
    """What became of the spans that one process accepted, as of its last transaction in the store."""

    accepted: int = 0
    stored: int = 0
    pending: int = 0
    spilled: int = 0
    """How many of `pending` wait on disk: another process sends them if this one does not."""
    dropped: Mapping[str, int] = MappingProxyType({})
    replayed: int = 0
    """Rows that were there already, or a lesser state of what is there; of those stored."""
    replaced: int = 0
    """Rows put in the place of a lesser state; of those stored."""
    refused: int = 0
    """Rows of executions that were deleted; of those stored, though nothing of them is."""


_OF_HEALTH: Final = Account._fields[: Account._fields.index("dropped")]
_OF_WRITER: Final = Account._fields[Account._fields.index("replayed") :]


def dump(health: SinkHealth, written: Written) -> str:
    """Return the account of a sink, and of what became of its rows in the store, as JSON text."""
    return canonical(
        {name: getattr(health, name) for name in _OF_HEALTH}
        | {"dropped": {**health.dropped}}
        | {name: getattr(written, name) for name in _OF_WRITER}
    )


def load(text: str) -> Account:
    """Read what `dump` wrote; of a later version's, what is known here."""
    said = orjson.loads(text)
    return Account(**{name: said[name] for name in Account._fields if name in said})
