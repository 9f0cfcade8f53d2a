"""Benchmarks: ratios against a peer or the raw limit, both sides interleaved in fresh processes."""
