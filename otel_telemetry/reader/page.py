"""What a query returns: some records, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

RecordT_co = TypeVar("RecordT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[RecordT_co]):
    """Records in the order asked for. Iterating it yields them; its length is their number.

    `next_cursor` leads to the page after this one; it is None where this is the last.
    """

    records: tuple[RecordT_co, ...]
    next_cursor: str | None = None

    def __iter__(self) -> Iterator[RecordT_co]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)
