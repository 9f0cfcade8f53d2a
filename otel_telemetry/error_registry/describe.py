"""What an exception says, as far as it is safe to ask.

Only the exception's own ``__str__`` is run, because there is no other way to its message; whatever it
raises is caught. All else comes from attributes that Python itself defines.
"""

from __future__ import annotations

import errno
import re
import traceback
from typing import TYPE_CHECKING, Any, Final, TypeVar

from span_processors.redaction.cutting import cut_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_telemetry.records import JsonValue
    from span_processors.redaction import Redactor

MAX_MESSAGE: Final = 8_192
"""Characters of a message that are kept."""
MAX_STACK: Final = 32_768
"""Characters of a stack trace that are kept: its beginning and its end."""
_MAX_LEAVES: Final = 10
_MARGIN: Final = 4_096
"""How much more than is kept goes through redaction, so that no secret is cut in two and half of it missed."""

_ROW_VALUES: Final = re.compile(
    r"^(DETAIL:|\[parameters:).*?"
    r"(?=^(?:HINT:|CONTEXT:|STATEMENT:|LOCATION:|LINE \d|\[SQL:|\[parameters:|\(Background|Traceback |  File )|^$|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""Where database drivers quote the values of a row, or of a statement's parameters."""

T = TypeVar("T")
S = TypeVar("S")


def message_of(error: BaseException, redactor: Redactor) -> str:
    """Return the message of an exception, redacted and at most `MAX_MESSAGE` characters long."""
    raw = _safely(lambda: str.__str__(str(error)), None)
    return f"<{type(error).__name__}: message unavailable>" if raw is None else bounded(raw, redactor)


def detail_of(error: BaseException, redactor: Redactor) -> dict[str, JsonValue]:
    """Return what an exception says besides its message: its class, its notes, and what well-known classes carry."""
    detail: dict[str, JsonValue] = {"type": type_name(error)}
    notes = _safely(lambda: _notes(error), None)
    if notes:
        detail["notes"] = [bounded(note, redactor) for note in notes]
    more: dict[str, JsonValue] | None = None
    if isinstance(error, OSError):
        more = _safely(lambda: _os_detail(error, redactor), None)
    elif isinstance(error, KeyError):
        more = _safely(lambda: {"key": redactor.error_value(error.args[0])}, None)
    elif isinstance(error, BaseExceptionGroup):
        more = _safely(lambda: _group_detail(error, redactor), None)
    return detail | (more or {})


def cause_of(error: BaseException) -> BaseException | None:
    """Return what an exception was raised from; of a group, its first leaf; otherwise what was being handled."""
    explicit = _safely(lambda: error.__cause__, None)
    if explicit is not None:
        return explicit
    if isinstance(error, BaseExceptionGroup):
        return _safely(lambda: next(_leaves(error)), None)
    return _safely(lambda: None if error.__suppress_context__ else error.__context__, None)


def stacktrace(error: BaseException, redactor: Redactor) -> str:
    """Return the stack trace of an exception and its causes, redacted; the middle of a long one is cut out."""
    text = _safely(lambda: "".join(traceback.format_exception(error)), None)
    if text is None:
        return f"<{type(error).__name__}: stack unavailable>"
    text = _ROW_VALUES.sub(r"\1 (left out)\n", text)
    if len(text) <= MAX_STACK:
        return redactor.error_text(text)
    half = MAX_STACK // 2
    end = redactor.error_text(text[-half - _MARGIN :])
    end = end[max(_MARGIN, len(end) - half) :]
    return f"{bounded(text[: -len(end)], redactor, half)}\n{end}"


def type_name(error: BaseException) -> str:
    """Return the name of an exception's class, with its module unless it is built in."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def bounded(text: str, redactor: Redactor, limit: int = MAX_MESSAGE) -> str:
    """Return redacted text of at most `limit` characters, and how many are missing."""
    text = _ROW_VALUES.sub(r"\1 (left out)\n", text[: limit + _MARGIN]) + text[limit + _MARGIN :]
    if len(text) <= limit:
        return redactor.error_text(text)
    window = redactor.error_text(text[: limit + _MARGIN])
    kept = window[: max(0, min(limit, len(window) - _MARGIN))]
    return cut_words(kept, len(text))


def _safely(ask: Callable[[], T], otherwise: S) -> T | S:
    try:
        return ask()
    except BaseException:  # whatever a class of the host does here, the host must not feel it
        return otherwise


def _notes(error: BaseException) -> list[str]:
    notes = vars(error).get("__notes__", ())
    return [note for note in notes if type(note) is str] if type(notes) is list else []


def _os_detail(error: OSError, redactor: Redactor) -> dict[str, JsonValue]:
    detail: dict[str, JsonValue] = {}
    if type(error.errno) is int:
        detail["errno"] = errno.errorcode.get(error.errno, error.errno)
    for name in ("filename", "filename2"):
        value = getattr(error, name)
        if isinstance(value, str | bytes):
            detail[name] = redactor.error_value(value)
    return detail


def _group_detail(group: BaseExceptionGroup[Any], redactor: Redactor) -> dict[str, JsonValue]:
    leaves: list[JsonValue] = []
    count = 0
    for leaf in _leaves(group):
        count += 1
        if count <= _MAX_LEAVES:
            leaves.append({"type": type_name(leaf), "message": message_of(leaf, redactor)})
    return {"errors": leaves} if count <= _MAX_LEAVES else {"errors": leaves, "errors_cut": count - _MAX_LEAVES}


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop()
        if isinstance(error, BaseExceptionGroup):
            pending.extend(reversed(error.exceptions))
        else:
            yield error
