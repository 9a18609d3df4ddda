"""Which tasks come before which: by their ``when``, or by what they are declared to depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from tfrs_mtl import spec


def chains(tasks: Iterable[spec.Task]) -> dict[str, tuple[str, ...]]:
    """Return task -> the tasks on the way to it by ``when``, from the first one to itself.

    A ``when`` that is none of the tasks begins no chain: a model of one task alone has such.
    """
    by_name = {task.name: task for task in tasks}

    def chain(task: spec.Task) -> tuple[str, ...]:
        above = by_name.get(task.when or "")
        return (*(chain(above) if above is not None else ()), task.name)

    return {name: chain(task) for name, task in by_name.items()}


def parents_by_when(tasks: Iterable[spec.Task]) -> dict[str, tuple[str, ...]]:
    """Return task -> the task that is its ``when``, if any."""
    return {name: chain[-2:-1] for name, chain in chains(tasks).items()}


def in_order(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the tasks, each after those that it depends on."""
    return tuple(TopologicalSorter(parents).static_order())
