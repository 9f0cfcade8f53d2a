"""Spans in PostgreSQL."""
