"""The networks: architectures in which no task's prediction depends on another's; others stand over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfrs_mtl import spec
from tfrs_mtl.layers.inputs import Segment
from tfrs_mtl.ranking.architectures.extraction import LayeredExtraction
from tfrs_mtl.ranking.architectures.mmoe import MultiGateMixture
from tfrs_mtl.ranking.architectures.protocol import Architecture
from tfrs_mtl.ranking.architectures.shared_bottom import SharedBottom
from tfrs_mtl.ranking.architectures.single import SeparateNetworks
from tfrs_mtl.ranking.architectures.stem import TaskEmbeddings

NETWORKS: dict[str, Callable[[spec.Ranking, Sequence[Segment]], Architecture]] = {
    "cgc": LayeredExtraction,
    "mmoe": MultiGateMixture,
    "ple": LayeredExtraction,
    "shared_bottom": SharedBottom,
    "single": SeparateNetworks,
    "stem": TaskEmbeddings,
}
"""Name in the spec -> network."""


def network_below(ranking: spec.Ranking, segments: Sequence[Segment]) -> Architecture:
    """Return the network that the settings' architecture stands over."""
    chosen = ranking.architecture
    assert isinstance(chosen, spec.Dbmtl | spec.Aitm | spec.Esmm | spec.Escm2)
    below = ranking.model_copy(update={"architecture": chosen.over})
    return NETWORKS[chosen.over.name](below, segments)


def own_columns(ranking: spec.Ranking) -> int:
    """Return how many columns of each embedding table belong to single tasks, all tasks' together."""
    chosen = ranking.architecture
    network = chosen.over if isinstance(chosen, spec.Dbmtl | spec.Aitm | spec.Esmm | spec.Escm2) else chosen
    return network.own_dim * len(ranking.tasks) if isinstance(network, spec.Stem) else 0
