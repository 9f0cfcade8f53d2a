"""The current context and the span in it, as OpenTelemetry's API keeps them, at the cost of a look-up.

Learned from the API once: going through it costs three calls each time, and a span asks several times.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context

from span_processors.context_changes import setter_and_resetter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

    from opentelemetry.sdk.trace import Span as SdkSpan

(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
"""The key under which a context holds its span."""


ENTRY_ATTRIBUTE: Final = "_span_processors_entry"
"""The private attribute of a span that holds its `Entry`."""


class Entry:
    """The point at which a trace enters this process, shared by all spans below it. It refers to no span.

    Attributes:
        kept: values to share below this point, by the object that put them here.
    """

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: dict[object, Any] = {}


def entry_at(span: object) -> Entry | None:
    """Return the entry at or above `span`. None where its trace began in this process.

    Our processors and tracers hand entries down from span to span. A span that they did not see is an entry if it comes
    from another process, or if its parent does; more is not known of it. Raises no `Exception`.
    """
    try:
        entry = getattr(span, ENTRY_ATTRIBUTE, None)
        if entry.__class__ is Entry:
            return entry
        if not isinstance(span, Span):
            return None
        context = span.get_span_context()
        parent = getattr(span, "parent", None) or context
        if parent.is_remote is not True or not context.is_valid:
            return None
        return _put_entry(span, Entry())
    except Exception:  # a span of the host's own may answer anything
        return None


def hand_entry_down(span: SdkSpan, parent_context: Context | None) -> None:
    """Give a span that starts the entry of its parent, or a new one if the parent is remote. Raises no `Exception`."""
    try:
        parent = span.parent
        if parent is None:
            return
        if parent.is_remote:
            entry: Entry | None = Entry()
        else:
            entry = entry_at((_CURRENT.get() if parent_context is None else parent_context).get(SPAN_KEY))
        if entry is not None:
            _put_entry(span, entry)
    except Exception:
        return


def _put_entry(span: object, entry: Entry) -> Entry:
    # of two threads or processors that put one at once, both get the same
    found: Entry = vars(span).setdefault(ENTRY_ATTRIBUTE, entry) if hasattr(span, "__dict__") else entry
    return found


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
