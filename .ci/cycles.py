"""No module imports itself by way of others, not even where only types are meant."""

import sys
from graphlib import CycleError, TopologicalSorter

import grimp

graph = grimp.build_graph("otel_telemetry", "span_processors", cache_dir=None)
try:
    TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}).prepare()
except CycleError as cycle:
    sys.exit("these modules import each other: " + " <- ".join(cycle.args[1]))
