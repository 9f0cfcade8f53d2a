"""Reading a store: pages of records, single records, counts and statistics."""

from otel_telemetry.query import Filters
from otel_telemetry.reader.page import Page
from otel_telemetry.reader.reader import MAX_LIMIT, Reader
from otel_telemetry.reader.statistics import STATS_BY, Stats, StatsBy

__all__ = ["MAX_LIMIT", "STATS_BY", "Filters", "Page", "Reader", "Stats", "StatsBy"]
