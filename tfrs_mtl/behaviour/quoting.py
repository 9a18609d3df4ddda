"""Quoting of names for DuckDB: a shop's columns may be called anything."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return ``name`` as a SQL identifier: ``order`` gives ``"order"``, and a quote in it is doubled."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
