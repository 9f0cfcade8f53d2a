"""Spans in a SQLite file, or in memory: the same tables, the same writer."""
