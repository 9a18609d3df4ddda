"""How much each feature matters: what a task loses when the feature's values are shuffled among the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tfrs_mtl.dataset.examples import Arrays, ages_of
from tfrs_mtl.dataset.preprocessor import Preprocessor
from tfrs_mtl.evaluation.ranking import mean_quality
from tfrs_mtl.models import PARTS
from tfrs_mtl.ranking.model import RankingModel


def permutation_importance(
    model: RankingModel,
    preprocessor: Preprocessor,
    features: Arrays,
    labels: Mapping[str, NDArray[np.float32]],
    *,
    seed: int,
    names: Mapping[str, str] | None = None,
) -> dict[str, dict[str, float]]:
    """Return feature -> task -> loss of quality (Breiman 2001; Fisher, Rudin and Dominici, JMLR 2019).

    Quality is what training stops early by: AUC of a binary task, R2 of an amount or a rating, the share of
    entropy explained of classes. Features that say the same stand in for each other, so each seems to matter
    less than they do together.

    Args:
        features: encoded arrays of n rows.
        labels: task -> [n].
        names: feature -> what it is to be called; features of one name are shuffled together.
    """
    rng = np.random.default_rng(seed)
    size = len(next(iter(features.values())))
    whole = _qualities(model, features, labels)
    found = {}
    for feature, change in _features(preprocessor, names or {}):
        order = rng.permutation(size)
        shuffled = dict(features)
        for name, columns in change.items():
            array = features[name].copy()
            if columns is None:
                array = array[order]
            else:
                array[:, columns] = array[order][:, columns]
            shuffled[name] = array
        found[feature] = {
            task: whole[task] - value for task, value in _qualities(model, shuffled, labels).items()
        }
    return found


def _qualities(
    model: RankingModel, features: Arrays, labels: Mapping[str, NDArray[np.float32]]
) -> dict[str, float]:
    predicted = model.predict(features)
    return {task.name: mean_quality((task,), labels, predicted) for task in model.ranking.tasks}


def _features(
    preprocessor: Preprocessor, names: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, NDArray[np.int64] | None]]]:
    """Yield each name with its arrays: the columns that are its own, or None where all are."""
    found: dict[str, dict[str, NDArray[np.int64] | None]] = {}
    for part in PARTS:
        columns = preprocessor.columns(part)
        for encoder in preprocessor.part(part):
            change = found.setdefault(names.get(encoder.feature, encoder.feature), {})
            if encoder.columns:
                own, dense = np.flatnonzero(np.isin(columns, encoder.columns)), change.get(f"{part}#dense")
                change[f"{part}#dense"] = own if dense is None else np.concatenate([dense, own])
            for given in encoder.inputs:
                change[given.name] = None
                if given.form == "history":
                    change[ages_of(given.name)] = None
    yield from found.items()
