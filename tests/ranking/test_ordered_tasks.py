"""Architectures whose tasks depend on each other: what goes on from one to the next."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.spec.examples import content
from tfrs_mtl import spec
from tfrs_mtl._tf import tf
from tfrs_mtl.errors import SpecError
from tfrs_mtl.ranking.architectures import ARCHITECTURES
from tfrs_mtl.ranking.architectures.aitm import AttentiveTransfer
from tfrs_mtl.ranking.architectures.dbmtl import DependentTasks
from tfrs_mtl.ranking.order import chains, in_order
from tfrs_mtl.spec import parse_spec
from tfrs_mtl.spec.misfits import misfits
from tfrs_mtl.spec.salvage import salvage

TASKS = (
    spec.Task(name="spend", kind="regression", label="d", when="buy"),
    spec.Task(name="buy", kind="binary", label="c", when="cart"),
    spec.Task(name="click", kind="binary", label="a"),
    spec.Task(name="cart", kind="binary", label="b", when="click"),
)
"""Not in their order: the order is that of the ``when``."""
X = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)


def _ranking(architecture: object, tasks: tuple[spec.Task, ...] = TASKS) -> spec.Ranking:
    return spec.Ranking.model_validate(
        {"tasks": tasks, "architecture": architecture, "hidden": (7,), "tower": (3,)}
    )


def _dense(x: np.ndarray, layer: tf.keras.layers.Layer) -> np.ndarray:
    kernel, bias = (w.numpy() for w in layer.weights)
    return np.maximum(x @ kernel + bias, 0)


def test_chains_lead_from_the_first_task_on() -> None:
    assert chains(TASKS) == {
        "spend": ("click", "cart", "buy", "spend"),
        "buy": ("click", "cart", "buy"),
        "click": ("click",),
        "cart": ("click", "cart"),
    }
    assert chains(TASKS[:1]) == {"spend": ("spend",)}


def test_dbmtl_is_its_formula_over_any_graph() -> None:
    parents = {"buy": ("click", "cart"), "spend": ("buy",)}
    model = DependentTasks(_ranking({"name": "dbmtl", "parents": parents, "relation": (4,)}))
    found = model(X)
    own = model.network(X)
    buy = np.hstack([own["buy"], own["click"], own["cart"]])
    buy = _dense(buy, model.relations["buy"].layers[0])
    spend = _dense(np.hstack([own["spend"], buy]), model.relations["spend"].layers[0])
    for name, expected in {"click": own["click"], "cart": own["cart"], "buy": buy, "spend": spend}.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)


def test_without_declared_parents_dbmtl_follows_the_conditions() -> None:
    model = DependentTasks(_ranking("dbmtl"))
    assert model.parents == {"spend": ("buy",), "buy": ("cart",), "click": (), "cart": ("click",)}
    assert in_order(model.parents) == ("click", "cart", "buy", "spend")


def test_aitm_is_its_formula() -> None:
    tf.keras.utils.set_random_seed(0)
    model = AttentiveTransfer(_ranking("aitm"))
    found = model(X)
    own = {name: value.numpy() for name, value in model.network(X).items()}
    before = own["click"]
    np.testing.assert_array_equal(found["click"], before)
    for name in ("cart", "buy", "spend"):
        transfer = model.transfers[name]
        kernels = np.split(transfer.seen.kernel.numpy(), 3, axis=1)
        both = [_dense(before, transfer.passed), own[name]]
        first, second, values = ([u @ kernel for u in both] for kernel in kernels)
        weights = np.exp([(a * b).sum(axis=1) / np.sqrt(3) for a, b in zip(first, second, strict=True)])
        weights /= weights.sum(axis=0)
        before = sum(w[:, np.newaxis] * v for w, v in zip(weights, values, strict=True))
        np.testing.assert_allclose(found[name], before, rtol=1e-4, atol=1e-6)


def test_aitm_answers_with_the_chance_given_the_task_before_at_most_one() -> None:
    model = AttentiveTransfer(_ranking("aitm"))
    raw = {
        "click": np.array([0.0, 1.0, 30.0, -30.0]),
        "cart": np.array([-1.0, 1.5, -2.0, -31.0]),
        "buy": np.array([-3.0, 0.0, -40.0, -30.5]),
        "spend": np.array([1.0, 2.0, 3.0, 4.0]),
    }
    given = model.given({name: tf.constant(value, tf.float32) for name, value in raw.items()})
    chance = {name: 1 / (1 + np.exp(-value)) for name, value in raw.items()}
    found = {name: 1 / (1 + np.exp(-given[name].numpy().astype(np.float64))) for name in ("cart", "buy")}
    np.testing.assert_allclose(found["cart"], np.minimum(chance["cart"] / chance["click"], 1), rtol=1e-5)
    np.testing.assert_allclose(found["buy"], np.minimum(chance["buy"] / chance["cart"], 1), rtol=1e-5)
    for name in ("click", "spend"):
        np.testing.assert_array_equal(given[name], raw[name].astype(np.float32))


@pytest.mark.parametrize("name", ["aitm", "dbmtl", "esmm", "escm2"])
def test_whatever_stands_over_a_network_mixes_its_experts(name: str) -> None:
    model = ARCHITECTURES[name](_ranking({"name": name, "over": "cgc"}), ())
    model(X)
    shares = model.mixing(model.first(X))
    assert shares.shape == (5, 4, 6)
    np.testing.assert_allclose(tf.reduce_sum(shares, axis=-1), np.ones((5, 4)), rtol=1e-5)
    assert ((shares.numpy() > 0).sum(axis=-1) == 3).all()  # two shared experts, and the task's own


@pytest.mark.parametrize("name", ["aitm", "esmm", "escm2"])
def test_tasks_without_an_order_are_refused_by_those_that_need_one(name: str) -> None:
    apart = tuple(task.model_copy(update={"when": None}) for task in TASKS)
    with pytest.raises(ValueError, match=f"{name} is for tasks that follow one another"):
        _ranking(name, apart)
    with pytest.raises(ValueError, match=f"{name} is for tasks that follow one another"):
        _ranking(name, (*apart[1:], TASKS[0]))  # an amount under a condition is no chain of chances


def test_tasks_that_depend_on_none_are_refused_by_dbmtl() -> None:
    apart = tuple(task.model_copy(update={"when": None}) for task in TASKS)
    with pytest.raises(ValueError, match="dbmtl is for tasks that depend on others: give `parents`"):
        _ranking("dbmtl", apart)
    assert _ranking({"name": "dbmtl", "parents": {"buy": ["click"]}}, apart)


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"bye": ["click"]}, "no task 'bye'; did you mean 'buy'"),
        ({"buy": ["clik"]}, "no task 'clik'; did you mean 'click'"),
        ({"buy": ["click"], "click": ["cart"], "cart": ["buy"]}, "in a circle: "),
    ],
)
def test_parents_that_cannot_be_are_refused(parents: dict[str, list[str]], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        _ranking({"name": "dbmtl", "parents": parents})


@pytest.mark.parametrize("name", ["mmoe", "cgc", "ple", "stem", "single"])
def test_networks_without_layers_are_refused(name: str) -> None:
    for architecture in (name, {"name": "esmm", "over": name}):
        flat = _ranking(architecture).model_copy(update={"hidden": ()})
        [fault] = misfits(flat)
        assert fault.path == ("hidden",)
        assert fault.what.startswith(f"{name} needs at least one width")
    assert not list(misfits(_ranking("shared_bottom").model_copy(update={"hidden": ()})))


@pytest.mark.parametrize(
    ("architecture", "key", "reason"),
    [
        ("esmm", "architecture", "esmm is for tasks that follow one another"),
        ({"name": "dbmtl", "parents": {"spend": ["byu"]}}, "architecture.parents.spend", "no task 'byu'"),
        ({"name": "aitm", "over": "mmeo"}, "architecture.over.name", "no name 'mmeo'; did you mean 'mmoe'"),
    ],
)
def test_the_reason_comes_with_the_key(architecture: object, key: str, reason: str) -> None:
    found = content()
    found["ranking"]["architecture"] = architecture
    for task in found["ranking"]["tasks"]:
        task.pop("when", None)
    with pytest.raises(SpecError, match=re.escape(f"ranking.{key}: {reason}")):
        parse_spec(found)


def test_a_task_that_cannot_be_read_is_not_missed_by_the_architecture_too() -> None:
    found = content()
    found["ranking"]["architecture"] = "esmm"
    found["ranking"]["tasks"][1] = []  # the one binary task with a `when`
    assert [problem.where for problem in salvage(found).problems] == ["recommender.yaml: ranking.tasks.1"]
