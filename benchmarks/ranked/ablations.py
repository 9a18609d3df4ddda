"""Ours without one of its parts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tfrs_mtl import spec
from tfrs_mtl.training.prepare import TrainingSets

Settings = dict[str, Any]
NO_PAIRS = "ours-pairs"


def _own_embeddings(settings: Settings) -> Settings:
    """Give the tasks the same embeddings; experts stay as they are."""
    network = settings["architecture"]
    if network["name"] != "stem":
        raise ValueError(f"ours has no embeddings of single tasks to leave out: it is {network['name']!r}")
    kept = {key: network[key] for key in ("experts", "own_experts")}
    return {**settings, "architecture": {"name": "cgc", **kept}}


def _weights(settings: Settings) -> Settings:
    return {**settings, "tasks": [{**task, "weight": 1.0} for task in settings["tasks"]]}


def _setting(key: str, value: str) -> Callable[[Settings], Settings]:
    return lambda settings: {**settings, key: value}


ABLATIONS: Mapping[str, Callable[[Settings], Settings]] = {
    "ours-history": _setting("history", "none"),
    "ours-own_embeddings": _own_embeddings,
    NO_PAIRS: lambda settings: settings,
    "ours-weights": _weights,
    "ours-calibration": _setting("calibration", "none"),
}
"""Contender -> what it makes of the settings of ours."""


def ablated(name: str, ranking: spec.Ranking) -> spec.Ranking:
    """Return the settings of ours with what an ablation changes."""
    return spec.Ranking.model_validate(ABLATIONS[name](ranking.model_dump(mode="json")))


def sets_of(name: str, sets: TrainingSets) -> TrainingSets:
    """Return what an ablation learns from: but for one, what all do."""
    if name != NO_PAIRS:
        return sets
    return replace(sets, preprocessor=replace(sets.preprocessor, pair=()))
