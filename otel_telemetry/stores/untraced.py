"""Keeping instrumented database drivers from recording what is asked of a store."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext


def untraced() -> AbstractContextManager[None]:
    """Have no instrumentation make spans of what is done inside: it is no part of the host's work."""
    # Whoever traces has loaded it. Loading it for whoever does not would cost a reader a tenth of its start.
    if "opentelemetry.context" not in sys.modules:
        return nullcontext()
    from span_processors.current import uninstrumented  # noqa: PLC0415

    return uninstrumented()
