"""What goes wrong while recording: counted, never felt by the host."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, ParamSpec

if TYPE_CHECKING:
    from otel_telemetry.errors import RecordingError

P = ParamSpec("P")

_logger: Final = logging.getLogger("otel_telemetry")


class Guard:
    """Stands between the recorder's own failures and the host.

    Args:
        strict: raise where the host's calls contradict what was recorded.
        on_problem: called with the kind of each problem and the exception.

    Attributes:
        strict: as given.
        problems: how often each kind of problem came up.
    """

    def __init__(self, *, strict: bool, on_problem: Callable[[str, BaseException], None] | None) -> None:
        self.strict = strict
        self.problems: Counter[str] = Counter()
        self._on_problem = on_problem

    def guarded(self, function: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `function`; count what it raises."""
        try:
            function(*args, **kwargs)
        except BaseException as problem:
            self.absorb("call", problem)

    def absorb(self, kind: str, problem: BaseException) -> None:
        """Count a failure of our own; called from an ``except`` clause.

        What stops the program goes on: Ctrl-C, or `sys.exit` in a handler of a signal, may come while we are at work.
        """
        if isinstance(problem, (KeyboardInterrupt, SystemExit)):
            raise problem
        self._count(kind, problem)

    def refuse(self, error: RecordingError) -> None:
        """Raise `error` if strict; count it otherwise."""
        if self.strict:
            raise error
        self._count(type(error).__name__, error)

    def _count(self, kind: str, problem: BaseException) -> None:
        self.problems[kind] += 1
        try:
            if self.problems[kind] == 1:
                # its class only: what a message quotes must not be logged
                _logger.warning("not recorded (%s, %s); more of the kind is only counted", kind, type(problem).__name__)
            if self._on_problem is not None:
                self._on_problem(kind, problem)
        except Exception:
            self.problems["report"] += 1
