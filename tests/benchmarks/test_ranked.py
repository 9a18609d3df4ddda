"""What the ranking benchmark makes of its seeds, and what its ablations take away."""

from __future__ import annotations

import pytest

from benchmarks.ranked.ablations import ABLATIONS, NO_PAIRS, ablated
from benchmarks.ranked.figures import Cost, cost, scoring, summary, transfer
from tfrs_mtl import spec

OURS = spec.Ranking.model_validate(
    {
        "tasks": [
            {"name": "buy", "kind": "binary", "label": "bought"},
            {"name": "spend", "kind": "regression", "label": "price", "when": "buy", "weight": 0.3},
        ],
        "architecture": {"name": "stem", "experts": 3, "own_experts": 2, "own_dim": 10},
        "balance": "static",
    }
)


def test_an_ablation_changes_what_its_name_says_and_nothing_else() -> None:
    changed = {
        name: {
            key for key, value in ablated(name, OURS).model_dump().items() if value != OURS.model_dump()[key]
        }
        for name in ABLATIONS
    }
    assert changed == {
        "ours-history": {"history"},
        "ours-own_embeddings": {"architecture"},
        NO_PAIRS: set(),  # its inputs, not its settings
        "ours-weights": {"tasks"},
        "ours-calibration": {"calibration"},
    }


def test_without_own_embeddings_the_experts_stay() -> None:
    assert ablated("ours-own_embeddings", OURS).architecture == spec.Cgc(experts=3, own_experts=2)


def test_own_embeddings_cannot_be_taken_from_a_model_that_has_none() -> None:
    shared = OURS.model_copy(update={"architecture": spec.Mmoe()})
    with pytest.raises(ValueError, match="it is 'mmoe'"):
        ablated("ours-own_embeddings", shared)


def test_transfer_is_the_spread_of_differences_and_not_the_difference_of_means() -> None:
    seeds = [
        {"buy": {"ours": {"auc": own}, "single_task": {"auc": alone}, "lightgbm": {"auc": 0.5}}}
        for own, alone in ((0.8, 0.7), (0.6, 0.5), (0.7, 0.6))
    ]
    assert transfer(seeds) == {"buy": {"auc": [0.1, 0.0]}}
    assert summary([seed["buy"] for seed in seeds])["ours"]["auc"] == [0.7, 0.08165]


def test_transfer_needs_ours_and_the_models_of_single_tasks() -> None:
    assert transfer([{"buy": {"ours": {"auc": 0.8}}}]) == {}


def test_a_cost_is_the_mean_over_seeds_of_what_was_measured() -> None:
    seeds = [Cost(1.0, 10, 100.0, 3.0), Cost(2.0, 10, 300.0, 5.0)]
    assert cost(seeds) == {"seconds": 1.5, "rows_per_s": 200, "parameters": 10, "scoring_ms": 4.0}
    assert cost([Cost(1.0, None, None)]) == {
        "seconds": 1.0,
        "rows_per_s": None,
        "parameters": None,
        "scoring_ms": None,
    }


def test_scoring_names_ours_beside_the_eager_call_and_the_single_tasks() -> None:
    costs = {name: cost([Cost(1.0, 1, 1.0, taken)]) for name, taken in (("ours", 2.0), ("single_task", 7.0))}
    assert scoring(costs, [20.0, 30.0]) == {"ours_ms": 2.0, "eager_ms": 25.0, "single_task_ms": 7.0}
    assert scoring({}, [None]) == {"ours_ms": None, "eager_ms": None, "single_task_ms": None}
