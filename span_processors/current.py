"""The current context and the span in it, as OpenTelemetry's API keeps them, at the cost of a look-up.

Learned from the API once: going through it costs three calls each time, and a span asks several times.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
"""The key under which a context holds its span."""


def _variable() -> ContextVar[Context]:
    token = attach(get_current())
    variable = token.var
    variable.reset(token)
    return variable


_CURRENT: Final = _variable()
current: Final = _CURRENT.get
"""Return the current context."""
enter: Final = _CURRENT.set
"""Make a context the current one; return the token with which that is undone."""
