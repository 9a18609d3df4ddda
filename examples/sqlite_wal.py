"""Put a repo's sqlite online store in WAL mode, so that readers never wait for a materialise.

The mode is written into the file and stays there: once is enough, before or after `feast apply`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click
import yaml

REPO = Path(__file__).resolve().parents[1] / "feature_repo"


def enable_wal(repo: Path) -> Path:
    """Switch the sqlite file that ``feature_store.yaml`` names, made where it is missing; return its path."""
    online = yaml.safe_load((repo / "feature_store.yaml").read_text(encoding="utf-8"))["online_store"]
    if online.get("type", "sqlite") != "sqlite":
        raise click.ClickException(f"the online store is {online['type']!r}; WAL is a mode of sqlite alone")
    path: str = online.get("path", "data/online.db")
    file = repo / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as db:
        (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise click.ClickException(f"{file} stays in mode {mode!r}: WAL needs a local disk")
    return file


@click.command()
@click.argument("repo", type=click.Path(path_type=Path, file_okay=False, exists=True), default=REPO)
def main(repo: Path) -> None:
    """Put the online store of REPO in WAL mode."""
    click.echo(f"{enable_wal(repo)}: WAL")


if __name__ == "__main__":
    main()
