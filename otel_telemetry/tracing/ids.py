"""Ids of executions."""

from __future__ import annotations

import os


def new_execution_id(now_ns: int) -> str:
    """Return a UUID of version 7: in the order of time, so that what is stored together lies together.

    Args:
        now_ns: nanoseconds since the epoch, UTC.
    """
    number = (now_ns // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    number = number & ~(0xF000 << 64) | 0x7000 << 64
    number = number & ~(0xC000 << 48) | 0x8000 << 48
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
