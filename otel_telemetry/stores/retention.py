"""Removing what is older than the setting `keep`, by a process that records, now and then."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from otel_telemetry.stores.lease import live_leases
from otel_telemetry.stores.registry import Removing

if TYPE_CHECKING:
    from otel_telemetry.settings import Settings
    from otel_telemetry.stores.registry import Exporter

_FIRST_S: Final = 60.0
"""A process that ends sooner leaves it to others."""
_BETWEEN_S: Final = 3_600.0

_logger = logging.getLogger(__name__)


class Retention:
    """A thread that removes old executions every hour, from a minute after the start on."""

    def __init__(self, exporter: Exporter, keep_ns: int) -> None:
        self._exporter = exporter
        self._keep_ns = keep_ns
        self._stopped = threading.Event()
        self._process = os.getpid()
        threading.Thread(target=self._run, name="otel-telemetry-retention", daemon=True).start()

    @classmethod
    def of(cls, configured: Settings, exporter: Exporter) -> Retention | None:
        """Start it, where something is to be removed and the store can."""
        if configured.keep is None or configured.disabled or not isinstance(exporter, Removing):
            return None
        return cls(exporter, configured.keep)

    def stop(self) -> None:
        """End it; what it is doing now is finished."""
        self._stopped.set()

    def prune(self) -> None:
        """Remove what is too old now. Never raises."""
        try:
            with closing(self._exporter.store()) as store:
                live = live_leases(store.leases(), time.time_ns())
            if isinstance(self._exporter, Removing):
                self._exporter.prune(time.time_ns() - self._keep_ns, live)
        except Exception as error:
            _logger.warning("old executions could not be removed: %s", type(error).__name__)

    def _run(self) -> None:
        wait_s = _FIRST_S
        while not self._stopped.wait(wait_s):
            self.prune()
            wait_s = _BETWEEN_S
