"""One household's recommendations beside what it bought before and after them: does it make sense?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

REPO = Path(__file__).resolve().parents[1] / "feature_repo"

_SETUP = """
SET TimeZone = 'UTC';
CREATE VIEW products AS FROM read_parquet('{repo}/data/products.parquet');
CREATE VIEW purchases AS FROM read_parquet('{repo}/data/purchases.parquet');
CREATE VIEW recommended AS FROM read_parquet('{repo}/artefacts/recommendations.parquet');
CREATE VIEW before AS SELECT p.* FROM purchases p, moment WHERE event_timestamp < moment."at";
CREATE VIEW later AS SELECT p.* FROM purchases p, moment WHERE event_timestamp >= moment."at";
"""

_MEDIAN = """
-- Of the households that bought before the recommendations and after them, the one with the median number
-- of purchases before; of equals the smaller id. No look at how well it was answered.
SELECT household_id FROM before SEMI JOIN later USING (household_id)
GROUP BY household_id ORDER BY count(*), household_id
LIMIT 1 OFFSET (
    SELECT (count(DISTINCT household_id) - 1) // 2 FROM before SEMI JOIN later USING (household_id))
"""

_RECOMMENDED = """
SELECT r.rank, p.product_type, p.package_size, p.product_category, r.purchase, r.spend,
       (SELECT count(*) FROM before b WHERE b.household_id = r.query AND b.product_id = r.item) AS bought,
       EXISTS (FROM later l WHERE l.household_id = r.query AND l.product_id = r.item) AS hit,
       EXISTS (FROM later l JOIN products q USING (product_id)
               WHERE l.household_id = r.query AND q.product_type = p.product_type) AS near
FROM recommended r JOIN products p ON p.product_id = r.item
WHERE r.query = $household ORDER BY r.rank
"""

_BOUGHT = """
SELECT p.product_type, p.product_category, count(*) AS lines, round(sum(b.sales_value), 2) AS spent,
       coalesce(bool_or(r.item IS NOT NULL), false) AS hit
FROM {side} b JOIN products p USING (product_id)
LEFT JOIN recommended r ON r.query = b.household_id AND r.item = b.product_id
WHERE b.household_id = $household
GROUP BY ALL ORDER BY lines DESC, spent DESC, p.product_type LIMIT 15
"""

_EVERYBODY = """
SELECT count(*) AS households, avg(hits) AS hits, avg((hits > 0)::INT) AS any_hit FROM (
    SELECT r.query, count(l.product_id) AS hits FROM recommended r
    LEFT JOIN (SELECT DISTINCT household_id, product_id FROM later) l
    ON l.household_id = r.query AND l.product_id = r.item
    WHERE r.query IN (SELECT household_id FROM later)
    GROUP BY r.query)
"""


class Beside:
    """Reads the batch's answers and the purchases around its moment."""

    def __init__(self, repo: Path, at: datetime) -> None:
        self._db = duckdb.connect()
        self._db.execute('CREATE TABLE moment AS SELECT $at AS "at"', {"at": at})
        self._db.execute(_SETUP.format(repo=str(repo).replace("'", "''")))
        self._at = at

    def median_household(self) -> int:
        """Return the household that is in the middle by its number of purchases before the moment."""
        row = self._db.execute(_MEDIAN).fetchone()
        if row is None:
            raise click.ClickException(f"no household bought before and after {self._at:%Y-%m-%d}")
        return int(row[0])

    def show(self, household: int, screen: Console) -> None:
        """Print what was recommended, what was bought before, and what was bought later."""
        screen.print(self._recommended(household))
        screen.print(self._bought(household, "before", f"Bought before {self._at:%Y-%m-%d}, most often"))
        screen.print(self._bought(household, "later", f"Bought from {self._at:%Y-%m-%d} on, most often"))
        screen.print(self._summary(household))

    def _recommended(self, household: int) -> Table:
        title = f"Recommended to household {household} as of {self._at:%Y-%m-%d}: bought before, bought later"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("", "type", "size", "category"):
            table.add_column(name, no_wrap=True)
        for name in ("chance", "spend", "before"):
            table.add_column(name, justify="right")
        table.add_column("later", no_wrap=True)
        rows = self._db.execute(_RECOMMENDED, {"household": household}).fetchall()
        for rank, kind, size, category, chance, spend, times, hit, near in rows:
            later = "it" if hit else "its type" if near else ""
            bought = f"{times} x" if times else ""
            cells = (kind or "", size or "", category or "", f"{chance:.2%}", f"{spend:.2f}", bought, later)
            table.add_row(str(rank), *cells, style="bold green" if hit else "")
        return table

    def _bought(self, household: int, side: str, title: str) -> Table:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("type", no_wrap=True)
        table.add_column("category", no_wrap=True)
        table.add_column("lines", justify="right")
        table.add_column("spent", justify="right")
        table.add_column("recommended")
        for kind, category, lines, spent, hit in self._db.execute(
            _BOUGHT.format(side=side), {"household": household}
        ).fetchall():
            cells = (kind or "", category or "", str(lines), f"{spent:.2f}", "yes" if hit else "")
            table.add_row(*cells, style="bold green" if hit else "")
        return table

    def _summary(self, household: int) -> str:
        rows = self._db.execute(_RECOMMENDED, {"household": household}).fetchall()
        hits, near = sum(row[-2] for row in rows), sum(row[-1] and not row[-2] for row in rows)
        everybody = self._db.execute(_EVERYBODY).fetchone()
        assert everybody is not None
        households, mean, share = everybody
        return (
            f"Household {household}: of {len(rows)} recommended products it later bought {hits}, "
            f"and of {near} more another of the same type.\n"
            f"All {households:,} households that bought later: {mean:.1f} of {len(rows)} in the mean, "
            f"at least one for {share:.0%} of them."
        )


@click.command()
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), default="2017-11-01", show_default=True)
@click.option("--household", type=int, help="Default: the one with the median number of purchases.")
def main(at: datetime, household: int | None) -> None:
    """Show one household of the batch in artefacts/recommendations.parquet, scored as of --at."""
    beside = Beside(REPO, at)
    beside.show(household if household is not None else beside.median_household(), Console(highlight=False))


if __name__ == "__main__":
    main()
