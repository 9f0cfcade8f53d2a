"""The account that a process keeps of its spans, as it stands in the store beside the process's lease."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import orjson

from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from span_processors.ledger import SinkHealth


class Account(NamedTuple):
    """What became of the spans that one process accepted, as of its last transaction in the store."""

    accepted: int = 0
    stored: int = 0
    pending: int = 0
    spilled: int = 0
    """How many of `pending` wait on disk: another process sends them if this one does not."""
    dropped: Mapping[str, int] = MappingProxyType({})


def dump(health: SinkHealth) -> str:
    """Return the account of a sink as JSON text."""
    return canonical({name: getattr(health, name) for name in Account._fields[:-1]} | {"dropped": {**health.dropped}})


def load(text: str) -> Account:
    """Read what `dump` wrote; of a later version's, what is known here."""
    said = orjson.loads(text)
    return Account(**{name: said[name] for name in Account._fields if name in said})
