"""Ids that neither a seed nor a fork makes repeat."""

from __future__ import annotations

import random
import subprocess
import sys

from span_processors import IdGenerator


def test_a_seed_changes_nothing() -> None:
    ids = IdGenerator()
    seen = set()
    for _ in range(100):
        random.seed(0)
        seen |= {ids.generate_span_id(), ids.generate_trace_id()}
    assert len(seen) == 200


def test_ids_are_in_range_and_use_all_of_it() -> None:
    ids = IdGenerator()
    spans = [ids.generate_span_id() for _ in range(1000)]
    traces = [ids.generate_trace_id() for _ in range(1000)]
    assert all(0 < span < 2**64 for span in spans)
    assert all(0 < trace < 2**128 for trace in traces)
    assert max(spans) > 2**63
    assert max(traces) > 2**127
    assert ids.is_trace_id_random()


def test_forked_children_draw_different_ids() -> None:
    program = """
import os, random
from span_processors import IdGenerator
random.seed(0)
ids = IdGenerator()
ids.generate_span_id()
for _ in range(10):
    pid = os.fork()
    if not pid:
        os.write(1, b"%d\\n" % ids.generate_span_id())
        os._exit(0)
    os.waitpid(pid, 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert len(set(done.stdout.split())) == 10
