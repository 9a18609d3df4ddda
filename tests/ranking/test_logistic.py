"""The small logistic regression, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from tfrs_mtl.ranking.logistic import logistic_regression


def test_without_a_pull_of_the_prior_it_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    inputs = np.column_stack([rng.normal(size=(20_000, 2)), np.ones(20_000)])
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-inputs @ [1.5, -0.5, -1.0]))).astype(np.float64)
    theirs = LogisticRegression(fit_intercept=False, C=1e9).fit(inputs, labels).coef_[0]
    found = logistic_regression(inputs, labels, prior=np.zeros(3))
    np.testing.assert_allclose(found, theirs, atol=2e-3)


def test_without_labels_it_is_the_prior() -> None:
    found = logistic_regression(np.empty((0, 2)), np.empty(0), prior=np.array([1.0, 0.5]))
    assert found == [1.0, 0.5]
