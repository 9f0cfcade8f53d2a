"""Trace and span ids that nothing in the host program can make repeat."""

from __future__ import annotations

import os

from opentelemetry.sdk.trace.id_generator import IdGenerator as SdkIdGenerator


class IdGenerator(SdkIdGenerator):
    """Draw ids from the operating system's random source.

    The SDK's own generator draws them from the global `random`: ``random.seed(0)`` in two runs, or a fork, gives two
    spans one id, and a store that is keyed by it merges them.
    """

    def generate_span_id(self) -> int:
        """Return a random id of 64 bits, never 0."""
        while not (span_id := int.from_bytes(os.urandom(8))):
            pass
        return span_id

    def generate_trace_id(self) -> int:
        """Return a random id of 128 bits, never 0."""
        while not (trace_id := int.from_bytes(os.urandom(16))):
            pass
        return trace_id

    def is_trace_id_random(self) -> bool:
        """Say that every bit of a trace id is random, so that samplers may rely on any of them."""
        return True
