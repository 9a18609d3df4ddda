"""Bundles through the command line; damaged ones, and such as were made for another registry."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.built import SEED, Built, applied, run
from tfrs_mtl.bundle import BundleStore
from tfrs_mtl.bundle.contents import open_contents
from tfrs_mtl.evaluation.retrieval import read_moment
from tfrs_mtl.evaluation.truth import truth_of
from tfrs_mtl.index import recall_at, scann
from tfrs_mtl.layers.build import build
from tfrs_mtl.models import retrieval_model
from tfrs_mtl.training.run import write_bundle


@pytest.fixture
def artefacts(built: Built, tmp_path: Path) -> Path:
    """A copy of a shop's artefacts with two bundles: the shop's, and one of a later id, equal and current."""
    copy = tmp_path / "artefacts"
    shutil.copytree(built.project.artefacts / "bundles", copy / "bundles")
    return copy


def _bundles(built: Built, artefacts: Path, *arguments: str) -> tuple[int, str, str]:
    done = run("-c", str(built.path), "--artefacts", str(artefacts), *arguments)
    return done.exit_code, done.stdout, done.stderr


def test_they_are_listed_promoted_and_rolled_back(built: Built, artefacts: Path) -> None:
    code, shown, _ = _bundles(built, artefacts, "bundles", "list")
    assert code == 0
    assert built.bundle in shown
    assert "good" in shown
    assert _bundles(built, artefacts, "bundles", "rollback")[0] == 2
    for _ in range(2):
        assert (
            _bundles(built, artefacts, "bundles", "promote", built.bundle)[1] == f"current: {built.bundle}\n"
        )
    code, _, errors = _bundles(built, artefacts, "bundles", "promote", "20200101T000000Z-abcdef")
    assert (code, built.bundle in errors) == (2, True)


def test_an_empty_shop_has_no_bundle_and_says_what_writes_one(built: Built, tmp_path: Path) -> None:
    code, shown, _ = _bundles(built, tmp_path / "none", "bundles", "list")
    assert (code, "tfrs-mtl train" in shown) == (0, True)
    code, _, errors = _bundles(built, tmp_path / "none", "recommend", "1")
    assert (code, "no bundle is current" in errors) == (2, True)


def test_a_damaged_bundle_is_refused_and_the_file_named(built: Built, artefacts: Path) -> None:
    weights = artefacts / "bundles" / built.bundle / "ranking.weights.npz"
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    for command in (["recommend", "1"], ["batch-score"], ["bundles", "promote", built.bundle]):
        code, out, errors = _bundles(built, artefacts, *command)
        assert (code, out) == (2, "")
        assert "ranking.weights.npz" in errors


def _without_a_feature(views: str, services: str, name: str) -> tuple[str, str]:
    line = {"bazaar": 'Field(name="fragile", dtype=Bool)', "cinema": 'Field(name="screens", dtype=Int64)'}[
        name
    ]
    assert line in views
    return views.replace(line + ",", "").replace(", " + line, ""), services


def _with_another_type(views: str, services: str, name: str) -> tuple[str, str]:
    before, after = {
        "bazaar": ('Field(name="unit price", dtype=Float64)', 'Field(name="unit price", dtype=Float32)'),
        "cinema": ('Field(name="price", dtype=Float32)', 'Field(name="price", dtype=Float64)'),
    }[name]
    assert before in views
    return views.replace(before, after), services


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_without_a_feature, {"bazaar": "fragile", "cinema": "screens"}),
        (_with_another_type, {"bazaar": "unit price", "cinema": "price"}),
    ],
    ids=["feature-gone", "type-changed"],
)
def test_a_bundle_of_another_registry_is_refused_and_the_difference_named(
    built: Built,
    tmp_path: Path,
    change: Callable[[str, str, str], tuple[str, str]],
    named: dict[str, str],
) -> None:
    def edit(path: Path) -> None:
        files = [path / built.name / f"{name}.py" for name in ("views", "services")]
        for file, text in zip(files, change(*(f.read_text() for f in files), built.name), strict=True):
            file.write_text(text)

    other = applied(built.name, tmp_path / "repo", edit=edit)
    done = run("-c", str(other), "--artefacts", str(built.project.artefacts), "recommend", "1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert named[built.name] in done.stderr
    assert built.bundle in done.stderr


def test_a_recommender_yaml_of_today_does_not_change_what_a_bundle_was_trained_for(
    built: Built, tmp_path: Path
) -> None:
    """A task more in the file is a matter of the next training; a new k counts at once."""
    text = (built.path / "recommender.yaml").read_text()
    label = {"bazaar": "ordered", "cinema": "click"}[built.name]
    spec = tmp_path / "recommender.yaml"
    more = text.replace("  tasks:\n", f"  tasks:\n    - {{name: other, kind: binary, label: {label}}}\n")
    spec.write_text(more.replace("k: 10}", "k: 4}"))
    query = str(built.shop.queries.keys[0].as_py())
    shared = ("-c", str(built.path), "--spec", str(spec))
    done = run(*shared, "recommend", "--at", built.at.isoformat(), "--json", query)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count('"item"') == 4
    assert '"other"' not in done.stdout
    spec.write_text(more.replace("objective: {", "objective: {other: 1.0, "))
    done = run(*shared, "recommend", query)
    assert done.exit_code == 2
    assert "'other'" in done.stderr
    assert "train again" in done.stderr


def test_a_bundle_with_scann_says_its_recall_and_answers_nearly_like_exact_search(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scann, "_LEAST", 100)  # the shops are small
    exact = open_contents(BundleStore(built.bundles).open(), built.project).contents
    settings = built.project.spec.retrieval.model_copy(update={"index": "scann"})
    spec = built.project.spec.model_copy(update={"retrieval": settings})
    project = replace(built.project, spec=spec, artefacts=tmp_path)
    retrieval = retrieval_model(exact.models.preprocessor, settings)
    build(retrieval, retrieval.model_inputs)
    retrieval.set_weights(exact.models.retrieval.get_weights())
    queries = read_moment(built.shop, truth_of(built.shop, built.shop.windows.test)).queries
    models = replace(exact.models, retrieval=retrieval)
    bundle = write_bundle(
        project, built.shop, models, seed=SEED, now=built.at, metrics={}, probes=queries.slice(0, 64)
    )
    facts = bundle.manifest.metrics["index"]
    assert isinstance(facts, dict)
    assert 0.8 < float(str(facts["recall@100"])) <= 1
    again = open_contents(bundle, project).contents
    assert isinstance(again.items.index, scann.ScannIndex)
    assert again.items.index.searcher is not None
    vectors = retrieval.encode_queries(exact.models.preprocessor.encode("query", queries))
    assert recall_at(again.items.index, exact.items.index, vectors, 20) > 0.8
