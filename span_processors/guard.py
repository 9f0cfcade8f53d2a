"""Keeping this package's own work apart from the host's: no recursion, no flood of log lines."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from span_processors.current import uninstrumented

if TYPE_CHECKING:
    from collections.abc import Iterator

_logger: Final = logging.getLogger("span_processors")
_SECONDS_BETWEEN_REPEATS: Final = 30.0


class _OwnWork(threading.local):
    active = False


own_work: Final = _OwnWork()
"""`own_work.active` is true while this thread runs this package's code.

Whatever that code causes (a logging handler or a redaction callback that records a span, a sink that is itself
instrumented) must not come back into it.
"""

_last_said: dict[tuple[str, str], float] = {}


@contextmanager
def writing() -> Iterator[None]:
    """Mark what this thread does as the writing of spans, of which neither we nor any instrumentation records spans."""
    was_active, own_work.active = own_work.active, True
    try:
        with uninstrumented():
            yield
    finally:
        own_work.active = was_active


def warn(who: str, problem: str, detail: str = "") -> None:
    """Log that something went wrong; the same of the same sink at most twice a minute.

    Args:
        who: the name of the sink concerned, or of this package's part.
        problem: what happened, in fixed words.
        detail: the name of a class or a number; never a value that the host program handed in.
    """
    now = time.monotonic()
    key = (who, problem)
    if now - _last_said.get(key, -_SECONDS_BETWEEN_REPEATS) < _SECONDS_BETWEEN_REPEATS:
        return
    _last_said[key] = now
    was_active, own_work.active = own_work.active, True
    try:
        _logger.warning("%s: %s %s", who, problem, detail)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: S110  (the host's logging handlers may raise anything, and there is no one to tell)
        pass
    finally:
        own_work.active = was_active
