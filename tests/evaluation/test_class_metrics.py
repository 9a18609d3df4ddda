"""Metrics of classes, ratings and counts, held to scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, log_loss, mean_poisson_deviance

from tfrs_mtl.evaluation.class_metrics import (
    ClassChances,
    confusion_cells,
    deviances,
    quadratic_kappa,
)
from tfrs_mtl.evaluation.ranking import compare_ranking, constant_predictions, mean_quality
from tfrs_mtl.spec import Task, class_key

CLASSES = np.array([1.0, 2.0, 4.0])
RNG = np.random.default_rng(0)
LABELS = RNG.choice(CLASSES, 300, p=[0.5, 0.2, 0.3])
CHANCES = RNG.dirichlet([2, 1, 1], 300)
STARS = Task(name="stars", kind="ordinal", label="s")
KINDS = Task(name="stars", kind="multiclass", label="s")


def predicted() -> dict[str, np.ndarray]:
    named = {class_key("stars", c): CHANCES[:, k] for k, c in enumerate(CLASSES)}
    return {"stars": CHANCES @ CLASSES, **named, "other#1": np.ones(300)}


def test_the_chances_of_a_task_are_found_by_their_keys() -> None:
    found = ClassChances.of("stars", predicted())
    assert found is not None
    np.testing.assert_array_equal(found.classes, CLASSES)
    np.testing.assert_array_equal(found.probabilities, CHANCES)
    assert ClassChances.of("star", predicted()) is None


def test_log_loss_and_hits_are_those_of_scikit_learn() -> None:
    found = ClassChances(CLASSES, CHANCES)
    assert found.log_losses(LABELS).mean() == pytest.approx(log_loss(LABELS, CHANCES, labels=CLASSES))
    np.testing.assert_array_equal(found.hits(LABELS), CLASSES[CHANCES.argmax(axis=1)] == LABELS)


def test_a_class_that_training_did_not_know_costs_much_and_is_no_hit() -> None:
    found = ClassChances(CLASSES, CHANCES)
    assert found.log_losses(np.full(300, 3.0)) == pytest.approx(-math.log(1e-7))
    assert not found.hits(np.full(300, 3.0)).any()


def test_classes_in_float32_are_recognised() -> None:
    found = ClassChances.of("r", {class_key("r", float(np.float32(v))): np.ones(1) for v in (0.1, 0.3)})
    assert found is not None
    assert found.places(np.array([0.3, 0.1], np.float32)).tolist() == [1, 0]


def test_kappa_is_that_of_scikit_learn() -> None:
    values = CHANCES @ CLASSES
    nearest = CLASSES[np.abs(values[:, None] - CLASSES).argmin(axis=1)]
    counts = np.bincount(confusion_cells(LABELS, values, CLASSES), minlength=9).reshape(3, 3)
    as_classes = [np.searchsorted(CLASSES, side) for side in (LABELS, nearest)]
    assert quadratic_kappa(counts.astype(float)) == pytest.approx(
        cohen_kappa_score(*as_classes, weights="quadratic")
    )
    assert math.isnan(quadratic_kappa(np.diag([5.0, 0.0])))


def test_deviance_is_that_of_scikit_learn() -> None:
    counts, rates = RNG.poisson(1.5, 200), RNG.gamma(2, 1, 200)
    assert deviances(counts, rates).mean() == pytest.approx(mean_poisson_deviance(counts, rates))
    assert np.isnan(deviances(np.array([np.nan]), np.ones(1))).all()


@pytest.mark.parametrize(
    ("task", "metrics"),
    [
        (STARS, ["rmse", "mae", "r2", "spearman", "log_loss", "accuracy", "kappa"]),
        (KINDS, ["log_loss", "accuracy"]),
    ],
)
def test_a_task_with_classes_is_judged_with_intervals_on_the_rows_that_have_a_label(
    task: Task, metrics: list[str]
) -> None:
    labels = np.where(RNG.random(300) < 0.3, np.nan, LABELS)
    given = {"ours": predicted(), "constant": constant_predictions((task,), {"stars": labels}, 300)}
    queries = np.arange(300) // 5
    found = compare_ranking((task,), {"stars": labels}, given, queries=queries, seed=0)["stars"]
    known = ~np.isnan(labels)
    assert list(found["ours"]) == list(found["constant"]) == metrics
    assert all(i.low < i.value < i.high for i in found["ours"].values())
    again = compare_ranking(
        (task,),
        {"stars": labels[known]},
        {"ours": {name: values[known] for name, values in predicted().items()}},
        queries=queries[known],
        seed=0,
    )
    np.testing.assert_allclose(list(again["stars"]["ours"].values()), list(found["ours"].values()))


def test_counts_are_judged_by_their_deviance_too() -> None:
    task = Task(name="n", kind="regression", label="n", loss="poisson")
    counts = RNG.poisson(2.0, 200).astype(float)
    given = {"constant": constant_predictions((task,), {"n": counts}, 200)}
    found = compare_ranking((task,), {"n": counts}, given, queries=np.arange(200), seed=0)["n"]["constant"]
    rates = np.full(200, counts.mean())
    assert found["deviance"].value == pytest.approx(mean_poisson_deviance(counts, rates))


def test_without_labels_nothing_is_judged() -> None:
    for task in (STARS, KINDS):
        found = compare_ranking(
            (task,), {"stars": np.full(300, np.nan)}, {"ours": predicted()}, queries=np.arange(300), seed=0
        )
        assert all(math.isnan(value) for interval in found["stars"]["ours"].values() for value in interval)
        assert math.isnan(mean_quality((task,), {"stars": np.full(300, np.nan)}, predicted()))


def test_training_stops_by_the_share_of_the_entropy_that_classes_explain() -> None:
    sure = {class_key("stars", c): (c == LABELS).astype(float) for c in CLASSES}
    labels = {"stars": LABELS}
    assert mean_quality((KINDS,), labels, {"stars": LABELS, **sure}) == pytest.approx(1)
    assert mean_quality((KINDS,), labels, constant_predictions((KINDS,), labels, 300)) == pytest.approx(0)
