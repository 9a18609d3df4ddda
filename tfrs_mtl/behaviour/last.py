"""The last events of an entity at any rank, without a list for every event.

Events are numbered per entity; overlapping blocks of at most twice ``limit`` hold them, most recent first.
The last ``n`` events at rank ``r`` are a slice of the one block ``r // limit``, so the work grows with the
events, not with their square.
"""

from __future__ import annotations

from tfrs_mtl.behaviour.needs import Recent


def blocks_sql(need: Recent, flag: str) -> str:
    """Return SQL for the blocks of a need: owner, block, top (rank of the first element), ids, times.

    Events of the same time are ordered by the other key, ascending as one reads the list.
    """
    return f"""
        WITH ranked AS (
            SELECT owner, other, ts, row_number() OVER (PARTITION BY owner ORDER BY ts, other DESC) AS place
            FROM events WHERE {flag} = 1
        ),
        placed AS (
            SELECT *, place // {need.limit} AS block FROM ranked
            UNION ALL SELECT *, place // {need.limit} + 1 FROM ranked WHERE place % {need.limit} > 0
        ),
        sorted AS (
            SELECT owner, block, max(place) AS top,
                list_reverse_sort(list({{'place': place, 'other': other, 'ts': ts}})) AS rows
            FROM placed GROUP BY ALL
        )
        SELECT owner, block, top, list_transform(rows, lambda x: x.other) AS ids,
            list_transform(rows, lambda x: x.ts) AS times
        FROM sorted
    """


def block_join(need: Recent, table: str, rank: str) -> str:
    """Return the join of a live row ``s`` with its block."""
    return f"LEFT JOIN {table} ON {table}.owner = s.owner AND {table}.block = s.{rank} // {need.limit}"


def slice_sql(need: Recent, table: str, column: str, *, rank: str, held: str) -> str:
    """Return SQL for a live row's list, ``column`` being ``ids`` or ``times``; empty if there is none."""
    first = f"{table}.top - s.{rank} + 1"
    count = f"least(s.{held}, {need.limit})"
    return f"CASE WHEN s.{held} > 0 THEN {table}.{column}[{first} : {first} + {count} - 1] ELSE [] END"
