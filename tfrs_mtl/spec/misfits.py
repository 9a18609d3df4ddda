"""Where the architecture does not fit the declared tasks and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tfrs_mtl.errors import nearest
from tfrs_mtl.spec._base import Contradiction
from tfrs_mtl.spec.architectures import Aitm, Architecture, Dbmtl, Escm2, Esmm, SharedBottom

if TYPE_CHECKING:
    from tfrs_mtl.spec.ranking import Ranking


def misfits(ranking: Ranking) -> Iterator[Contradiction]:
    """Yield a fault for each reason why the architecture cannot learn these tasks."""
    chosen = ranking.architecture
    yield from _too_flat(chosen, ranking.hidden)
    if isinstance(chosen, Aitm | Esmm | Escm2):
        if not any(task.kind == "binary" and task.when is not None for task in ranking.tasks):
            what = f"{chosen.name} is for tasks that follow one another: give a binary task its `when`"
            yield Contradiction(("architecture",), chosen.name, f"{what}, or choose another architecture")
    elif isinstance(chosen, Dbmtl):
        yield from _misplaced(chosen.parents, [task.name for task in ranking.tasks])
        if not chosen.parents and all(task.when is None for task in ranking.tasks):
            what = "dbmtl is for tasks that depend on others: give `parents`, or a task its `when`"
            yield Contradiction(("architecture",), chosen.name, f"{what}, or choose another architecture")


def _too_flat(chosen: Architecture, hidden: tuple[int, ...]) -> Iterator[Contradiction]:
    network = chosen.over if isinstance(chosen, Dbmtl | Aitm | Esmm | Escm2) else chosen
    if not hidden and not isinstance(network, SharedBottom):
        what = f"{network.name} needs at least one width: networks without layers are all the same"
        yield Contradiction(("hidden",), hidden, what)


def _misplaced(parents: Mapping[str, tuple[str, ...]], names: list[str]) -> Iterator[Contradiction]:
    """Yield a fault for each parent or child that is no task, and for a circle."""
    path = ("architecture", "dbmtl", "parents")  # pydantic puts the form into the way
    for child, given in parents.items():
        for name in (child, *given):
            if name not in names:
                yield Contradiction((*path, child), given, f"no task {name!r}; {nearest(name, names)}")
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        what = f"the tasks depend on each other in a circle: {' <- '.join(error.args[1])}"
        yield Contradiction(path, dict(parents), what)
