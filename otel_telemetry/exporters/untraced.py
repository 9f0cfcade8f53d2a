"""Keeping instrumented database drivers from recording what is asked of a store."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def untraced() -> Iterator[None]:
    """Have no instrumentation make spans of what is done inside: it is no part of the host's work."""
    # Whoever traces has loaded it. Loading it for whoever does not would cost a reader a tenth of its start.
    context = sys.modules.get("opentelemetry.context")
    if context is None:
        yield
        return
    # There is no public name for it; the SDK's own exporters do the same.
    token = context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, value=True))  # noqa: SLF001
    try:
        yield
    finally:
        context.detach(token)
