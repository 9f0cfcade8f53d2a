"""The current context and the span in it, as OpenTelemetry's API keeps them, at the cost of a look-up.

Learned from the API once: going through it costs three calls each time, and a span asks several times.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from span_processors.context_changes import setter_and_resetter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

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
enter, _reset = setter_and_resetter(_CURRENT)
"""Make a context the current one; return the token with which that is undone."""


def leave(token: Token[Context] | None) -> None:
    """Undo an `enter`; where it was made in another thread or task there is nothing to undo here."""
    if token is not None:
        try:
            _reset(token)
        except (ValueError, RuntimeError):
            return


@contextmanager
def uninstrumented() -> Iterator[None]:
    """Have no instrumentation make spans of what is done inside: it is no part of the host's work."""
    # there is no public name for the key; the SDK's own exporters use it too
    token = enter(Context({**current(), _SUPPRESS_INSTRUMENTATION_KEY: True}))
    try:
        yield
    finally:
        leave(token)
