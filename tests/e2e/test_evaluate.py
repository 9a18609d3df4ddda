"""The planted signal is found: beside popularity, vanilla TFRS, single tasks, and who knows the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.e2e.built import SEED, Built
from tfrs_mtl.dataset.ranking_rows import ranking_rows
from tfrs_mtl.evaluation.ranking_metrics import binary_metrics

_RETRIEVAL = {
    "ours",
    "towers",
    "ours_ranked",
    "popularity",
    "popularity_of_late",
    "own_history",
    "vanilla_tfrs",
}
_RANKING = {"ours", "single_task", "constant"}


@pytest.fixture(scope="module")
def evaluated(built: Built) -> Any:
    return built.json("evaluate")


def _table(contenders: Mapping[str, Mapping[str, float]], *metrics: str) -> str:
    """What a failure shows."""
    return "\n".join(
        f"{name}: {[f'{m} {values.get(m)}' for m in metrics]}" for name, values in contenders.items()
    )


def test_it_holds_every_contender_under_both_protocols_and_for_every_task(
    built: Built, evaluated: Any
) -> None:
    assert set(evaluated["retrieval"]) == {"all", "new"}
    for contenders in evaluated["retrieval"].values():
        assert set(contenders) == _RETRIEVAL
        assert {"recall@50", "ndcg@10", "mrr@10", "hit_rate@10", "coverage@10"} <= set(contenders["ours"])
    assert list(evaluated["ranking"]) == list(built.tasks)
    assert all(set(contenders) == _RANKING for contenders in evaluated["ranking"].values())
    whole = json.loads((built.project.artefacts / "evaluation" / f"{built.bundle}.json").read_text())
    interval = whole["retrieval"]["all"]["ours"]["recall@50"]
    assert interval["low"] <= interval["value"] == evaluated["retrieval"]["all"]["ours"]["recall@50"]
    assert interval["value"] <= interval["high"]
    binary = [task.name for task in built.project.spec.ranking.tasks if task.kind == "binary"]
    assert list(whole["reliability"]) == binary
    for contenders in whole["reliability"].values():
        assert all(set(b) == {"predicted", "actual", "rows"} for b in contenders["ours"])


@pytest.mark.parametrize("protocol", ["all", "new"])
def test_retrieval_is_far_above_popularity_and_above_vanilla_tfrs(evaluated: Any, protocol: str) -> None:
    contenders = evaluated["retrieval"][protocol]
    told = _table(contenders, "recall@10", "recall@50", "ndcg@50")
    for metric in ("recall@50", "ndcg@50"):
        ours = contenders["ours"][metric]
        assert ours > 1.15 * contenders["popularity"][metric], told
        assert ours > 1.15 * contenders["popularity_of_late"][metric], told
        assert ours > contenders["vanilla_tfrs"][metric], told


def test_every_binary_task_is_learnt_at_least_half_of_what_can_be_known(built: Built, evaluated: Any) -> None:
    for task, oracle in _oracle(built).items():
        found = evaluated["ranking"][task]
        told = f"{task}: oracle {oracle:.4f}\n{_table(found, 'auc', 'log_loss')}"
        assert found["ours"]["auc"] > 0.5 + 0.5 * (oracle - 0.5), told
        assert found["ours"]["log_loss"] < found["constant"]["log_loss"], told


def _oracle(built: Built) -> dict[str, float]:
    """The AUC, on the rows of the test window, of the chances that the generator drew from."""
    shop, truth = built.shop, built.truth
    rows = ranking_rows(shop, shop.windows.test, seed=SEED + 2)
    queries, items = (
        population.keys.take(codes).to_pylist()
        for population, codes in ((shop.queries, rows.queries), (shop.items, rows.items))
    )
    return {
        task.name: binary_metrics(
            rows.labels[task.name], truth.chances(task.name, queries, items), queries=rows.queries
        ).auc
        for task in built.project.spec.ranking.tasks
        if task.kind == "binary"
    }


def test_every_amount_and_rating_beats_the_constant(built: Built, evaluated: Any) -> None:
    for task in built.project.spec.ranking.tasks:
        if task.kind != "binary":
            found = evaluated["ranking"][task.name]
            told = _table(found, "rmse", "r2")
            assert found["ours"]["rmse"] < 0.9 * found["constant"]["rmse"], told
            assert found["ours"]["r2"] > 0.2, told


def test_learning_the_tasks_together_costs_none_of_them_much(built: Built, evaluated: Any) -> None:
    for task in built.project.spec.ranking.tasks:
        found = evaluated["ranking"][task.name]
        if task.kind == "binary":
            assert found["ours"]["auc"] > found["single_task"]["auc"] - 0.04, _table(found, "auc")
        else:
            assert found["ours"]["rmse"] < 1.1 * found["single_task"]["rmse"], _table(found, "rmse")


def test_the_tables_name_every_contender_and_fit_a_page(built: Built) -> None:
    shown = built.run("evaluate", "--no-peers")
    assert shown.exit_code == 0
    assert "popularity of late" in shown.stdout
    assert "recall@50" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 120
    assert np.char.find(shown.stdout.splitlines(), "…").max() == -1
