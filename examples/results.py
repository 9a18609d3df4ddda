"""Write the results of `make demo` into the README, between its two marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "feature_repo" / "artefacts" / "demo.json"
README = ROOT / "README.md"
_PLACE = re.compile(r"(<!-- results:[^\n]*-->\n).*?(<!-- /results -->)", re.DOTALL)

_RETRIEVAL = ("recall@10", "recall@50", "ndcg@10", "coverage@50")
_RANKING = {"binary": ("auc", "gauc", "log_loss", "ece"), "regression": ("rmse", "mae")}

Metrics = Mapping[str, float | None]


def lines(demo: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables."""
    yield "Retrieval (`tfrs-mtl -c feature_repo evaluate`):"
    yield ""
    yield from _head("contender", *(f"{m}, {p}" for p in ("all", "new") for m in _RETRIEVAL))
    for contender in demo["retrieval"]["all"]:
        found = [demo["retrieval"][protocol].get(contender, {}) for protocol in ("all", "new")]
        yield _row(contender, *(_number(metrics.get(m)) for metrics in found for m in _RETRIEVAL))
    yield ""
    yield "Ranking, on the same rows (the same command):"
    yield ""
    yield from _head("task", "contender", *_RANKING["binary"], *_RANKING["regression"])
    for task, contenders in demo["ranking"].items():
        for contender, metrics in contenders.items():
            shown = (metrics.get(m) for m in (*_RANKING["binary"], *_RANKING["regression"]))
            yield _row(task, contender, *map(_number, shown))
    yield ""
    yield f"Time and memory (`make demo`; the batch answers {demo['batch']['queries']:,} households):"
    yield ""
    yield from _head("step", "seconds", "peak MiB")
    for step, used in demo["steps"].items():
        yield _row(step, f"{used['seconds']:,.1f}", f"{used['peak_mib']:,}")
    yield _row("all", f"{sum(used['seconds'] for used in demo['steps'].values()):,.0f}", "")


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row(*("---" for _ in names))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def write_results(readme: str, demo: Mapping[str, Any]) -> str:
    """Return the README with the tables in their place."""
    text = "\n".join(lines(demo))
    found, times = _PLACE.subn(lambda place: f"{place[1]}{text}\n{place[2]}", readme)
    if times != 1:
        raise click.ClickException(f"expected one place for results in the README, found {times}")
    return found


@click.command()
@click.argument("demo", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=DEMO)
def main(demo: Path) -> None:
    """Write DEMO, the summary that `make demo` left, into README.md."""
    readme = write_results(README.read_text(encoding="utf-8"), json.loads(demo.read_text(encoding="utf-8")))
    README.write_text(readme, encoding="utf-8")
    click.echo(f"written to {README}")


if __name__ == "__main__":
    main()
