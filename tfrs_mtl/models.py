"""Making both models from a spec and a fitted preprocessor; the weights come by training or from a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tfrs_mtl import spec
from tfrs_mtl.dataset.examples import ModelInput
from tfrs_mtl.dataset.frames import ITEM_ID, QUERY_ID
from tfrs_mtl.dataset.preprocessor import Part, Preprocessor
from tfrs_mtl.mixing import Mixer
from tfrs_mtl.ranking.inference import Inference, Inputs
from tfrs_mtl.ranking.model import RankingModel
from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.ranking.statistics import LabelStatistics
from tfrs_mtl.retrieval.model import RetrievalModel
from tfrs_mtl.retrieval.vanilla import vanilla

PARTS: tuple[Part, ...] = ("query", "item", "pair")
RANKING_ID_DIM = 16
"""Width of the id embeddings in the ranking model; retrieval's are as wide as its towers' output."""


@dataclass(frozen=True)
class Models:
    """Both models and the preprocessing that feeds them.

    Attributes:
        shares: task -> what its probability among sampled negatives means among candidates.
        mixer: gives candidates of all sources one order; None where none was fitted.
    """

    preprocessor: Preprocessor
    retrieval: RetrievalModel
    ranking: RankingModel
    shares: Mapping[str, Share] = field(default_factory=dict)
    mixer: Mixer | None = None

    @cached_property
    def inference(self) -> Inference:
        """The ranking model for pairs of few queries and many items; compiled once."""
        parts = (self.preprocessor.inputs(p, id_dim=RANKING_ID_DIM) for p in PARTS)
        return Inference(self.ranking, Inputs(*parts))


def retrieval_model(preprocessor: Preprocessor, retrieval: spec.Retrieval) -> RetrievalModel:
    """Return the two-tower model of a shop."""
    query = preprocessor.inputs("query", id_dim=retrieval.dim)
    item = preprocessor.inputs("item", id_dim=retrieval.dim)
    has_id = any(given.name == ITEM_ID for given in item)
    return RetrievalModel(query, item, retrieval, item_id=ITEM_ID if has_id else None)


def vanilla_model(preprocessor: Preprocessor, retrieval: spec.Retrieval) -> RetrievalModel | None:
    """Return the TFRS tutorial's model: id towers, plain in-batch softmax. None where an id is ignored."""
    query = _id_alone(preprocessor, "query", QUERY_ID, retrieval.dim)
    item = _id_alone(preprocessor, "item", ITEM_ID, retrieval.dim)
    return RetrievalModel(query, item, vanilla(retrieval)) if query and item else None


def ranking_model(
    preprocessor: Preprocessor,
    ranking: spec.Ranking,
    *,
    statistics: Mapping[str, LabelStatistics] | None = None,
) -> RankingModel:
    """Return the multi-task model of a shop; ``statistics`` of its training labels as in the model."""
    inputs = preprocessor.inputs(*PARTS, id_dim=RANKING_ID_DIM)
    return RankingModel(inputs, ranking, statistics=statistics)


def _id_alone(preprocessor: Preprocessor, part: Part, name: str, dim: int) -> tuple[ModelInput, ...]:
    return tuple(given for given in preprocessor.inputs(part, id_dim=dim) if given.name == name)
