"""The rows of a pair view: one row a query and grid time, parallel arrays over the attribute's values."""

from __future__ import annotations

from tfrs_mtl.behaviour.columns import duckdb_type
from tfrs_mtl.behaviour.grid import Span
from tfrs_mtl.behaviour.plan import Plan
from tfrs_mtl.behaviour.quoting import quoted
from tfrs_mtl.behaviour.snapshot import seen_sql
from tfrs_mtl.behaviour.windows import Frame, live_sql

_NONE = {"FLOAT": "CAST('NaN' AS FLOAT)", "DOUBLE": "CAST('NaN' AS DOUBLE)"}


def arrays_sql(plan: Plan, frame: Frame, overall: Frame, queries: Frame, span: Span) -> str:
    """Return SQL for ``owner``, ``number``, the keys field and one array a feature.

    Keys without an event in the longest window of the view's features are left out; the others are ordered by
    their events in it, then by the most recent event, then by key, and cut at the view's ``limit``. A measure
    without a window, recency among them, looks at all the past, and so does the order then. A value that a
    plain view would leave null is NaN. Every query with an event has a row; no key left gives empty arrays.
    """
    keys = plan.keys_field
    assert keys is not None
    entries = ", ".join(
        [
            f"'size': -{plan.size}, 'latest': -{plan.latest}, 'key': CAST(attr AS {duckdb_type(keys)})",
            *(
                f"'f{position}': {_value(sql, duckdb_type(c))}"
                for position, (c, sql) in enumerate(plan.features)
            ),
        ]
    )
    fields = [
        (keys.name, "key"),
        *((c.name, f"f{position}") for position, (c, _) in enumerate(plan.features)),
    ]
    arrays = [
        f"coalesce(list_transform(entries, lambda x: x.{e}), []) AS {quoted(name)}" for name, e in fields
    ]
    return f"""
        WITH gathered AS (
            SELECT owner, number, list_sort(list({{{entries}}}))[1:{plan.declared.limit}] AS entries
            FROM ({seen_sql(plan, frame, overall, span)}) WHERE {plan.size} > 0 GROUP BY ALL
        )
        SELECT {plan.key_sql()} AS owner, number, {", ".join(arrays)}
        FROM ({live_sql("queries", queries, [], span)}) LEFT JOIN gathered USING (owner, number)
    """


def _value(sql: str, base: str) -> str:
    """Return a value that is never null: Feast's arrays hold no nulls, but they do hold NaN."""
    return f"coalesce(CAST({sql} AS {base}), {_NONE.get(base, f'CAST(0 AS {base})')})"
