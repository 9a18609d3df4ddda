"""From predictions to scores: expected values, sampled negatives undone, a query's own items."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tfrs_mtl.dataset.frames import Frame
from tfrs_mtl.dataset.lookup import Lookup
from tfrs_mtl.index import Excluded, kept
from tfrs_mtl.ranking.shares import Share
from tfrs_mtl.scoring import as_shares, expected_value, merged
from tfrs_mtl.scoring.own import own_items
from tfrs_mtl.spec import Task

BUY = Task(name="buy", kind="binary", label="bought")
KEEP = Task(name="keep", kind="binary", label="kept", when="buy")
SPEND = Task(name="spend", kind="regression", label="value", when="keep")


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


def test_a_conditional_task_counts_with_the_chance_of_its_whole_chain() -> None:
    predictions = {"buy": floats(0.5, 1.0), "keep": floats(0.5, 0.2), "spend": floats(8.0, 10.0)}
    score = expected_value((BUY, KEEP, SPEND), predictions, {"buy": 1.0, "spend": 0.5})
    np.testing.assert_allclose(score, [0.5 + 0.5 * 0.5 * 0.5 * 8, 1.0 + 0.5 * 1.0 * 0.2 * 10])


def test_shares_are_the_true_chances_whatever_density_the_negatives_were_drawn_with() -> None:
    true = np.array([0.5, 0.3, 0.15, 0.05])
    for density in (np.full(4, 0.25), np.array([0.7, 0.1, 0.1, 0.1])):
        drawn = 4 * density  # four negatives to a positive
        learnt = true / (true + drawn)
        shares = as_shares((BUY,), {"buy": floats(*learnt)}, floats(*drawn))
        np.testing.assert_allclose(shares["buy"], true, rtol=1e-5)


def test_a_fitted_share_is_its_formula_and_keeps_the_order_of_equally_exposed_items() -> None:
    chances, drawn = np.array([0.1, 0.5, 0.9]), np.array([0.02, 0.5, 0.02])
    share = Share(slope=1.2, exponent=0.7, shift=-0.5)
    found = as_shares((BUY,), {"buy": floats(*chances)}, floats(*drawn), {"buy": share})["buy"]
    logit = 1.2 * np.log(chances / (1 - chances)) + 0.7 * np.log(drawn) - 0.5
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logit)), rtol=1e-5)
    assert found[0] < found[2]


def test_conditional_tasks_and_values_are_no_shares() -> None:
    predictions = {"buy": floats(0.5), "keep": floats(0.4), "spend": floats(3.0)}
    shares = as_shares((BUY, KEEP, SPEND), predictions, floats(0.01))
    assert shares["keep"] is predictions["keep"]
    assert shares["spend"] is predictions["spend"]
    np.testing.assert_allclose(shares["buy"], 0.01)


def test_a_certain_prediction_stays_a_finite_share() -> None:
    shares = as_shares((BUY,), {"buy": floats(1.0, 0.0)}, floats(5.0, 5.0))
    np.testing.assert_allclose(shares["buy"], [1.0, 0.0])


@dataclass(frozen=True)
class _Shop:
    """As much of a schema as a query's own items need."""

    query: Any
    item: Any
    pairs: tuple[Any, ...]


def _shop() -> Any:
    history = SimpleNamespace(kind="history", name="h")
    own = SimpleNamespace(attribute="sku", keys="p")
    other = SimpleNamespace(attribute="colour", keys="c")
    return _Shop(
        SimpleNamespace(features=[history]), SimpleNamespace(key=SimpleNamespace(name="sku")), (own, other)
    )


def test_own_items_come_from_the_history_and_from_pairs_keyed_by_the_item_alone() -> None:
    lists = pa.list_(pa.string())
    columns = {
        "h": pa.array([["b", "gone"], None], lists),
        "p": pa.array([["a"], []], lists),
        "c": pa.array([["red"], ["red"]], lists),
    }
    keys = Lookup(pa.array(["a", "b", "c"]))
    found = own_items(_shop(), Frame(columns, np.zeros(2, np.int64)), keys)
    assert [sorted(row[row >= 0]) for row in found] == [[0, 1], []]


def test_each_item_is_a_candidate_once_and_never_if_excluded() -> None:
    found = np.array([[3, 1], [2, -1]], np.int32)
    own = np.array([[1, 4, 4, -1], [0, 2, 4, 0]], np.int32)
    excluded = Excluded(np.array([0, 0, 1]), np.array([4]))
    left = merged([found, kept(own, 5, allowed=None, excluded=excluded)], 5)
    assert left.tolist() == [[3, 1, -1, 4, -1, -1], [2, -1, 0, -1, -1, -1]]


def test_no_score_is_lost_to_an_unknown_task() -> None:
    with pytest.raises(KeyError):
        expected_value((BUY,), {"buy": floats(0.5)}, {"spend": 1.0})
