"""Ids of executions."""

from __future__ import annotations

from span_processors.ids import random_64


def new_execution_id(now_ns: int) -> str:
    """Return a UUID of version 7: in the order of time, so that what is stored together lies together.

    Args:
        now_ns: nanoseconds since the epoch, UTC.
    """
    milliseconds = now_ns // 1_000_000 & 0xFFFF_FFFF_FFFF
    number = milliseconds << 80 | 0x7 << 76 | (random_64() & 0xFFF) << 64 | 0x2 << 62 | random_64() >> 2
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
