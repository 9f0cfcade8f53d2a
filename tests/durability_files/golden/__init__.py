"""Stores as earlier releases wrote them, as SQL, and what is in them, as JSON."""
