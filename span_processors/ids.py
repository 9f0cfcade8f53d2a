"""Trace and span ids that nothing in the host program can make repeat."""

from __future__ import annotations

import os
import struct
from typing import Final

from opentelemetry.sdk.trace.id_generator import IdGenerator as SdkIdGenerator

_POOL_SIZE: Final = 256
_UNPACK: Final = struct.Struct(f"={_POOL_SIZE}Q").unpack
_pool: list[int] = []
"""Random numbers in stock: one system call for many. A forked child must not draw what its parent will draw."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.clear)


def random_64() -> int:
    """Return 64 random bits."""
    while True:
        try:
            return _pool.pop()
        except IndexError:
            _pool.extend(_UNPACK(os.urandom(8 * _POOL_SIZE)))


class IdGenerator(SdkIdGenerator):
    """Draw ids from the operating system's random source.

    The SDK's own generator draws them from the global `random`: ``random.seed(0)`` in two runs, or a fork, gives two
    spans one id, and a store that is keyed by it merges them.
    """

    def generate_span_id(self) -> int:
        """Return a random id of 64 bits, never 0."""
        while not (span_id := random_64()):
            pass
        return span_id

    def generate_trace_id(self) -> int:
        """Return a random id of 128 bits, never 0."""
        return self.generate_span_id() << 64 | self.generate_span_id()

    def is_trace_id_random(self) -> bool:
        """Say that every bit of a trace id is random, so that samplers may rely on any of them."""
        return True
